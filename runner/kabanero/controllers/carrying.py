"""From a StageRun to a playbook and back: the work that the executor gets, and what its result means for the stage.

Used by the stage_run controller. Progress is written into the StageRun at most once in a while, so that a chatty
playbook does not become a flood of writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kabanero.controllers.definitions import StagePlan, may_begin_twice
from kabanero.controllers.stage_runs import ENDED, condition, ident_of
from kabanero.controllers.stage_vars import extra_vars
from kabanero.engine.inputs import StageEnded
from kabanero.model.errors import ConflictError, ExecutorUnavailableError, InvalidError, KabaneroError, NotFoundError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import StagePhase, WaitsOn
from kabanero.model.resource import Key, Resource
from kabanero.ports import Clock, Executor, Progress, Store, Work, WorkResult, WorkStatus

log = logging.getLogger(__name__)
TASK_STARTED = "runner_on_start"
TASK_ENDED = ("runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable")
Environment = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """How the playbook ended, and the object to be waited for if it named one."""

    ended: StageEnded
    waiting_for: Mapping[str, Any] | None = None
    links: Mapping[str, str] = field(default_factory=dict)


class Carrier:
    """Hands work to the executor. `show_after` and `show_every` (seconds) bound how often progress is written."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        executor: Executor,
        environment: Environment,
        *,
        show_after: float = 0.25,
        show_every: float = 1.0,
        default_timeout: float = 0.0,
    ) -> None:
        self._store, self._clock, self._executor, self._environment = store, clock, executor, environment
        self._show_after, self._show_every = show_after, show_every
        self._default_timeout = default_timeout

    async def carry_out(
        self, stage_run: Resource, plan: StagePlan, timeout: float, began: Callable[[], None]
    ) -> CarriedOut:
        """Starts or takes up the work of this attempt and returns when it has ended.

        What the stage asks to be filled in, and can't be, ends it before it begins.
        """
        try:
            work = self._work(stage_run, plan, timeout or self._default_timeout)
        except InvalidError as error:
            return CarriedOut(_never_begun(stage_run, error))
        progress = _Shown(stage_run)
        showing = asyncio.get_running_loop().create_task(self._show(stage_run, progress, began))
        try:
            result = await self._started(work, progress.take)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        return _outcome(stage_run, plan, result)

    async def cancel(self, ident: str, reason: str) -> None:
        """Ends the work of an attempt, whether or not it has begun."""
        await self._executor.cancel(ident, reason)

    async def _started(self, work: Work, report: Callable[[Progress], None]) -> WorkResult:
        while True:
            try:
                return await self._executor.carry_out(work, report)
            except ExecutorUnavailableError as error:
                log.warning("Can't start %s yet: %s", work.ident, error)
                await self._clock.sleep(1)

    def _work(self, stage_run: Resource, plan: StagePlan, timeout: float) -> Work:
        metadata = stage_run["metadata"]
        environment = {**self._environment(), "KABANERO_NAMESPACE": metadata["namespace"]}
        return Work(ident_of(stage_run), plan.playbook, extra_vars(stage_run, plan, timeout), environment, timeout)

    async def _show(self, stage_run: Resource, progress: _Shown, began: Callable[[], None]) -> None:
        """Writes Running, then the task that runs; work that waits for its turn, or ends at once, is never shown."""
        await progress.begun.wait()
        await self._clock.sleep(self._show_after)
        began()
        while True:
            if progress.changed:
                await self._write(stage_run, progress)
            await self._clock.sleep(self._show_every)

    async def _write(self, stage_run: Resource, progress: _Shown) -> None:
        metadata, attempt = stage_run["metadata"], stage_run["status"]["attempt"]
        try:
            now = await self._store.get(Key(STAGE_RUN.type, metadata["namespace"], metadata["name"]), recent=True)
            status = now.get("status") or {}
            if status.get("attempt") != attempt or status.get("phase") in ENDED:
                return
            status = {
                **status,
                "phase": StagePhase.RUNNING.value,
                "waitsOn": WaitsOn.PLAYBOOK.value,
                "progress": progress.shown(),
                "conditions": [condition("Unknown", "Running", progress.task, status["startTime"])],
            }
            await self._store.update({**now, "status": status}, status=True)
        except (ConflictError, NotFoundError):
            progress.changed = True
        except KabaneroError as error:
            log.debug("Progress of %s was not written: %s", metadata["name"], error)


class _Shown:
    """The latest progress of one attempt. Changed from the start, so that Running is written once at least."""

    def __init__(self, stage_run: Resource) -> None:
        self.changed = True
        self.begun = asyncio.Event()
        self.task = ""
        self._done = 0
        self._said: dict[str, Any] = {}

    def take(self, news: Progress) -> None:
        self.changed = True
        self.begun.set()
        if news.event == "progress":
            self._said = {"percent": news.percent} if news.percent is not None else {}
            self._said |= {"message": news.message} if news.message else {}
        elif news.event in TASK_ENDED:
            self._done += 1
        elif news.task:
            self.task = news.task

    def shown(self) -> dict[str, Any]:
        self.changed = False
        return {"task": self.task, "done": self._done, **self._said}


_PHASES = {
    WorkStatus.SUCCEEDED: StagePhase.SUCCEEDED,
    WorkStatus.FAILED: StagePhase.FAILED,
    WorkStatus.ERRORED: StagePhase.ERRORED,
    WorkStatus.CANCELLED: StagePhase.CANCELLED,
    WorkStatus.TIMED_OUT: StagePhase.TIMED_OUT,
    WorkStatus.WAITING: StagePhase.RUNNING,
}


def _never_begun(stage_run: Resource, error: InvalidError) -> StageEnded:
    spec, attempt = stage_run["spec"], stage_run["status"]["attempt"]
    return StageEnded(spec["stageName"], attempt, StagePhase.ERRORED, "StageInvalid", str(error))


def _outcome(stage_run: Resource, plan: StagePlan, result: WorkResult) -> CarriedOut:
    interrupted = result.status is WorkStatus.ERRORED and result.reason == "Interrupted"
    return carried_out(stage_run, result, may_retry=interrupted and may_begin_twice(plan.stage))


def carried_out(stage_run: Resource, result: WorkResult, *, may_retry: bool = False) -> CarriedOut:
    """What a result means for the stage."""
    ended = StageEnded(
        stage_run["spec"]["stageName"],
        stage_run["status"]["attempt"],
        _PHASES[result.status],
        result.reason,
        result.message,
        result.outputs,
        may_retry=may_retry,
    )
    return CarriedOut(ended, result.waiting_for if result.status is WorkStatus.WAITING else None, result.links)
