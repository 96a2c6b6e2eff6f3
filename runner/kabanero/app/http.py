"""The runner's HTTP side: webhook, resource API, health and metrics, wired over its parts. Used by `app`."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import urlsplit

from kabanero.api.access import Tokens, User, load_tokens
from kabanero.api.beside import BesideApi
from kabanero.api.certificate import CertificateFiles, Trust, own_certificate, trust_of
from kabanero.api.embedded import EmbeddedApi
from kabanero.api.health import PATHS as HEALTH_PATHS
from kabanero.api.health import Health
from kabanero.api.http import AsgiApp
from kabanero.api.kubeconfig import CONTEXT, OWN_KUBECONFIG, local_token, local_url, secure, write_kubeconfig
from kabanero.api.metrics import Metrics
from kabanero.api.runner_events import PREFIX, RunnerEvents
from kabanero.api.runner_logs import StageLogs
from kabanero.api.runner_runs import RUNS_PREFIX, RunnerRuns
from kabanero.api.server import HttpServer, Listener, PathRouter, ServerLimits, split_address
from kabanero.api.webhook import Webhook, WebhookLimits
from kabanero.api.webhook_connection import RequestLimits
from kabanero.app.parts import Parts
from kabanero.controllers.lull import Lull
from kabanero.controllers.stage_runs import ident_of
from kabanero.engine.triggers import TriggerIndex
from kabanero.model.kinds.registry import STRATEGY_RUN
from kabanero.settings import Settings
from kabanero.sources.github_keys import KeyRing
from kabanero.sources.github_secrets import GithubSecrets

SETTLE_SECONDS = 10.0


class HttpSide:
    """What the runner serves. `url` is where, once it has started; `metrics` are for whoever counts."""

    def __init__(self, settings: Settings, parts: Parts, index: TriggerIndex) -> None:
        self._settings, self._parts = settings, parts
        self.metrics, self._tokens, self.lull = Metrics(), Tokens(), Lull(parts.clock)
        self._index = index
        self._token = local_token(settings.data_dir)
        self._tokens.add(self._token, User("local"))
        if settings.tokens:
            load_tokens(settings.tokens, self._tokens)
        self.stage_token = self._tokens.issue("stage")
        self._keys = KeyRing(settings.webhook.shared_namespace)
        self.secrets = GithubSecrets(parts.store, parts.clock, self._keys)
        self.api = self._choose_api(parts)
        requests = RequestLimits(seconds=settings.webhook.body_timeout)
        self._own = self._own_certificate()
        self._server = HttpServer(self._listeners(), ServerLimits(request=requests))
        self.url = ""

    def _choose_api(self, parts: Parts) -> EmbeddedApi | BesideApi:
        if parts.cluster:
            cluster = parts.cluster
            return BesideApi(cluster.client.server, self._tokens, cluster.reviews, cluster.namespace)
        return EmbeddedApi(parts.store, parts.clock, self._tokens)

    async def start(self) -> None:
        """Serves; afterwards `url` is where."""
        await self.api.prepare()
        await self._server.start()
        self.url = self._server.urls[0]
        url = local_url(self.url)
        trust = Trust(self._own.certificate) if self._own else self._trust(url)
        file, context = "kubeconfig", CONTEXT
        if self._parts.cluster:  # Resources are the API server's: this file is for what the runner alone can tell.
            file, context = OWN_KUBECONFIG, self._parts.cluster.client.server
        write_kubeconfig(self._settings.data_dir / file, secure(url), self._token, trust=trust, context=context)

    def _trust(self, url: str) -> Trust:
        certificate = self._settings.listener.certificate
        return trust_of(certificate, urlsplit(url).hostname or "") if certificate else Trust()

    async def settled(self) -> None:
        """Waits until webhooks can be verified; not for ever, since health and API are there all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.secrets.ready.wait()

    async def stop(self) -> None:
        """Takes nothing more in, and lets what was taken in end."""
        self.api.close()
        await self._server.close()

    @property
    def certificate(self) -> Path:
        """What clients on this machine believe within TLS."""
        own = self._own.certificate if self._own else None
        return (own or self._settings.listener.certificate or Path()).absolute()

    def _own_certificate(self) -> CertificateFiles | None:
        """For local clients where no certificate is given: kubectl sends its token over TLS only."""
        listener = self._settings.listener
        if listener.certificate:
            return None
        return own_certificate(self._settings.data_dir.absolute(), split_address(listener.listen)[0])

    def _listeners(self) -> list[Listener]:
        own, main = self._settings.webhook.listener, self._settings.listener
        routes: dict[str, AsgiApp] = {} if own else {"/webhook": self._webhook()}
        health = self._health()
        router = PathRouter(routes | dict.fromkeys(HEALTH_PATHS, health), self._resource_api())
        listeners = [Listener(main.listen, router, main.certificate, main.private_key, self._own)]
        if own:
            alone = PathRouter({"/webhook": self._webhook(), "/livez": health})
            listeners.append(Listener(own.listen, alone, own.certificate, own.private_key))
        return listeners

    def _webhook(self) -> Webhook:
        chosen = self._settings.webhook
        limits = WebhookLimits(
            instance=self._settings.instance,
            body_limit=chosen.body_limit,
            in_flight=chosen.in_flight,
        )
        count = self.metrics.webhooks.add
        return Webhook(
            self._keys,
            self._parts.bus,
            self._parts.clock,
            limits,
            ready=self.secrets.ready.is_set,
            answered=lambda status, outcome, seconds: count(outcome),
            lull=self.lull,
        )

    def _health(self) -> Health:
        store = self._parts.store
        checks = {"store": lambda: store.list(STRATEGY_RUN.type, limit=1)}
        if cluster := self._parts.cluster:
            cluster.client.requests.told = self.metrics.kubernetes_requests.add
            self.metrics.watch_leader(cluster.election)
        else:
            self.metrics.watch_store(store)
        self.metrics.watch_bus(self._parts.bus)
        self.metrics.watch_streams(lambda: self.api.app.replies.open_streams)
        opened = self._settings.metrics_open
        return Health(checks, self.metrics.registry, self._tokens, metrics_open=opened, notes=self._notes)

    def _notes(self) -> list[str]:
        """Anybody may ask for health, so the reasons are left to the log and to Events."""
        refused = self._parts.cluster.refused() if self._parts.cluster else {}
        return [f"namespace {namespace} is not served in full" for namespace in refused]

    def _resource_api(self) -> AsgiApp:
        app = self.api.app
        app.subresources["stageruns", "log"] = StageLogs(self._parts.store, self._parts.executor, ident_of)
        app.paths[PREFIX] = RunnerEvents(self._parts.bus, self._explain)
        app.paths[RUNS_PREFIX] = RunnerRuns(self._parts.store)
        app.answered = self.metrics.answered
        return app

    async def _explain(self, event: object) -> object:
        return [each.as_json() for each in self._index.explain(event)]  # type: ignore[arg-type]
