"""The runner's controllers, wired over its parts, and which of them run when. Used by `app`.

On one machine all run, always. Where runners share a store, one leads and runs all of them; the others keep what they
need to answer for themselves, and bring to an end what they began when they led.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from kabanero.api.kubeconfig import local_url, secure
from kabanero.app.cluster import DEFAULT_NAMESPACE
from kabanero.app.http import HttpSide
from kabanero.app.parts import Parts
from kabanero.controllers.awaiting import Awaiting
from kabanero.controllers.carrying import Carrier
from kabanero.controllers.claiming import ClaimingCarrier
from kabanero.controllers.failure_detail import LogTail, no_log
from kabanero.controllers.graces import Graces
from kabanero.controllers.job_stages import JobStages
from kabanero.controllers.outbox import Outbox
from kabanero.controllers.recorder import Recorder
from kabanero.controllers.retention import Ages, Discarding, Retention
from kabanero.controllers.stage_run import StageRunController, TellRun
from kabanero.controllers.stage_status import StageStatus
from kabanero.controllers.strategy_event import StrategyEventController
from kabanero.controllers.strategy_run import StrategyRunController
from kabanero.controllers.supervisor import Controller
from kabanero.controllers.trigger import RunMade, TriggerController
from kabanero.controllers.trigger_status import TriggerStatus
from kabanero.controllers.verifier import Verifier
from kabanero.engine.inputs import StageStarted
from kabanero.engine.triggers import TriggerIndex
from kabanero.settings import Settings
from kabanero.sources.kubernetes import KubernetesEvents

SHOWN_AFTER, SHOWN_AFTER_REQUESTS = 0.25, 1.0
"""Seconds that a playbook must take to be shown as running; on a cluster that costs two requests."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A part of a controller that runs by itself."""

    what: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """Until cancelled."""
        await self.what()


class Loops:
    """All controllers of one runner, made anew for each time that it leads."""

    def __init__(self, settings: Settings, parts: Parts, http: HttpSide, index: TriggerIndex) -> None:
        self._settings, self._parts, self._http, self._index = settings, parts, http, index
        carrier = Carrier(
            parts.store,
            parts.clock,
            parts.executor,
            self._environment,
            show_after=SHOWN_AFTER_REQUESTS if parts.cluster else SHOWN_AFTER,
            default_timeout=settings.executor.timeout,
        )
        self._identity, self.claiming = "", None
        self._carrier: Carrier | ClaimingCarrier = carrier
        if parts.cluster:
            self._identity = parts.cluster.presence.identity
            self.claiming = ClaimingCarrier(carrier, parts.store, parts.clock, parts.cluster.presence)
            self._carrier = self.claiming

    def everywhere(self) -> dict[str, Controller]:
        """What every runner runs."""
        parts = self._parts
        return {
            "api": self._http.api,
            "github secrets": self._http.secrets,
            "artifacts": Discarding(parts.store, parts.clock, parts.executor),
        }

    def leading(self) -> dict[str, Controller]:
        """What one runner at a time runs."""
        parts, settings = self._parts, self._settings
        recorder = Recorder(parts.store, parts.clock, self._counted, self._timed)
        outbox = Outbox(parts.store, parts.bus, parts.clock, settings.instance, parts.executor.cancel)
        on_cluster = parts.cluster is not None
        runs = StrategyRunController(parts.store, parts.bus, parts.clock, outbox, recorder, beside=on_cluster)
        stages = self._stage_run(runs.stage_started, tell_run=runs.tell if on_cluster else None)
        outbox.begin = stages.begin if on_cluster else None
        memory = settings.kubernetes_events.memory
        events = KubernetesEvents(parts.store, parts.bus, parts.clock, settings.instance, self._namespace(), memory)
        return {
            "trigger": self._trigger(runs.made),
            "trigger status": TriggerStatus(parts.store, parts.clock, events),
            "kubernetes events": events,
            "strategy_run": runs,
            "stage_run": stages,
            "strategy_event": StrategyEventController(parts.store, parts.bus, parts.clock, settings.instance),
            "verifier": Verifier(parts.store, parts.clock),
            "stage status": StageStatus(parts.store, parts.clock, parts.objections),
            "recorder": recorder,
            "retention": Retention(parts.store, parts.clock, parts.prune, self._ages()),
        }

    def following(self) -> dict[str, Controller]:
        """What those run that do not lead."""
        return {"triggers": Loop(self._trigger().follow), "own stage_runs": self._stage_run(_untold, own_only=True)}

    def _trigger(self, made: RunMade = lambda _: None) -> TriggerController:
        parts = self._parts
        values, lull = self._settings.values, self._http.lull
        return TriggerController(parts.store, parts.bus, parts.clock, self._index, values, lull=lull, made=made)

    def _stage_run(
        self,
        started: Callable[[str, str, StageStarted], None],
        *,
        own_only: bool = False,
        tell_run: TellRun | None = None,
    ) -> StageRunController:
        parts = self._parts
        return StageRunController(
            parts.store,
            parts.bus,
            parts.clock,
            self._carrier,
            self._settings.instance,
            started,
            Awaiting(parts.store, parts.clock, self._log_tail()),
            jobs=JobStages(parts.store, parts.clock, parts.jobs),
            graces=Graces(self._settings.stages.cancel_grace, self._settings.stages.timeout_grace),
            identity=self._identity,
            own_only=own_only,
            tell_run=tell_run,
        )

    def _namespace(self) -> str:
        """Where the runner keeps what is its own, and where the filter of Kubernetes events is looked for."""
        if self._parts.cluster:
            return self._parts.cluster.namespace
        return self._settings.webhook.shared_namespace or DEFAULT_NAMESPACE

    def _log_tail(self) -> LogTail:
        """How the log of a failed step is read: only where pods are."""
        if self._parts.cluster is None:
            return no_log
        from kabanero.kubernetes.pod_logs import PodLogs

        return PodLogs(self._parts.cluster.client).tail

    def _ages(self) -> Ages:
        keep = self._settings.retention
        # An API server forgets core Events by itself, and those of others are none of our business.
        messages = 0 if self._parts.cluster else keep.messages
        return Ages(keep.runs, messages, keep.events, keep.every)

    def _environment(self) -> Mapping[str, str]:
        """What a playbook needs to use the collection's modules against this runner, or the API server as we do."""
        if self._parts.cluster:
            return self._cluster_environment()
        environment = {"K8S_AUTH_HOST": local_url(self._http.url), "K8S_AUTH_API_KEY": self._http.stage_token}
        if self._settings.listener.certificate:
            environment["K8S_AUTH_SSL_CA_CERT"] = str(self._settings.listener.certificate.absolute())
        return environment

    def _cluster_environment(self) -> Mapping[str, str]:
        """Without a kubeconfig of our own, a playbook finds the API server as we did: by environment or as a pod.

        What only a runner can tell it asks us, whichever runner leads.
        """
        chosen = self._settings.kubernetes
        environment = {
            "KABANERO_RUNNER_URL": secure(local_url(self._http.url)),
            "KABANERO_RUNNER_TOKEN": self._http.stage_token,
            "KABANERO_RUNNER_CA": str(self._http.certificate),
        }
        if chosen.kubeconfig:
            environment["K8S_AUTH_KUBECONFIG"] = str(chosen.kubeconfig.expanduser().absolute())
        if chosen.context:
            environment["K8S_AUTH_CONTEXT"] = chosen.context
        return environment

    def _counted(self, what: str, outcome: str) -> None:
        counter = self._http.metrics.runs if what == "run" else self._http.metrics.stages
        counter.add(outcome)

    def _timed(self, phase: str, seconds: float) -> None:
        self._http.metrics.stage_seconds.observe(seconds, phase)


def _untold(namespace: str, run: str, started: StageStarted) -> None:
    """A hint that is only for show, and that only a leader could take."""
