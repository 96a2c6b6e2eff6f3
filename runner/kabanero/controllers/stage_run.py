"""The stage_run controller: brings each triggered StageRun to its end by a playbook, a job, a person, others.

It looks at a StageRun as it is now (level-triggered) and decides what is missing. The StageRun's own end is written by
the run's outbox, so the two can't disagree. Until then it is told again after a crash: so where each message costs
requests the end is told to the run's controller itself, in this process, and to others' as a control event on the bus.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta

from kabanero.controllers.awaiting import Awaiting
from kabanero.controllers.carrying import CarriedOut, Carrier
from kabanero.controllers.claiming import ClaimingCarrier, SettledError, owner_of
from kabanero.controllers.control import Told, stage_event, told_of
from kabanero.controllers.definitions import StagePlan, StageUnknownError, may_begin_twice, plan_of
from kabanero.controllers.durations import seconds
from kabanero.controllers.following import follow, unreadable
from kabanero.controllers.graces import USUAL, Graces
from kabanero.controllers.headstart import ALREADY, Durable
from kabanero.controllers.job_stages import JobStages
from kabanero.controllers.stage_ends import decided, end_of, ended_by
from kabanero.controllers.stage_patch import patched
from kabanero.controllers.stage_runs import ENDED, ident_of, is_past, waiting_fields
from kabanero.engine.inputs import Input, RetryRequested, StageCancelRequested, StageEnded, StageStarted
from kabanero.model.errors import NotFoundError, TemporaryError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import StagePhase, WaitsOn
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import parse_selector
from kabanero.ports import Bus, Change, Clock, Store

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
INTERRUPTED = "Interrupted"
AWAITED = (WaitsOn.OBJECT, WaitsOn.JOB)
"""What goes on outside of any runner: whoever leads waits for it."""
NEEDS_ATTENTION = (
    "status.phase=Triggered",
    "status.phase=Running,status.waitsOn=Playbook",
    "status.waitsOn=Object",
    "status.waitsOn=Job",
    "status.waitsOn=External",
    "spec.approval.decision=Approved,status.waitsOn=Approval",
    "spec.approval.decision=Rejected,status.waitsOn=Approval",
    "spec.cancel=true,status.phase=Running",
    *(f"spec.attempt={attempt}" for attempt in range(2, 11)),
)
Started = Callable[[str, str, StageStarted], None]
TellRun = Callable[[Told], Awaitable[None]]


class StageRunController:
    """Owns StageRun.status from Triggered until the stage has ended.

    Where runners share a store, `identity` is ours. With `own_only` it attends to no more than the playbooks that we
    began while we led. `tell_run` tells the runs' controller in this process of an end, and returns when all is done.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        carrier: Carrier | ClaimingCarrier,
        instance: str,
        started: Started,
        awaiting: Awaiting | None = None,
        *,
        jobs: JobStages,
        graces: Graces = USUAL,
        identity: str = "",
        own_only: bool = False,
        tell_run: TellRun | None = None,
    ) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._carrier, self._jobs, self._instance, self._started = carrier, jobs, instance, started
        self._awaiting, self._graces = awaiting or Awaiting(store, clock), graces
        self._identity, self._own_only, self._tell_run = identity, own_only, tell_run
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[asyncio.Task[None]] = set()
        self._is_running = False

    async def run(self) -> None:
        """Until cancelled; work that is under way goes on and is taken up again at the next start."""
        first = [parse_selector(fields=fields) for fields in NEEDS_ATTENTION]
        self._is_running = True
        try:
            async for change in follow(self._store, self._clock, STAGE_RUN.type, first=first):
                if change.change is not Change.BOOKMARK:
                    with unreadable(change.resource):
                        (self._deleted if change.change is Change.DELETED else self._attend)(change.resource)
        finally:
            await self._close()

    def begin(self, stage_run: Resource, durable: Durable) -> None:
        """Told of a stage that is being triggered right now, before a watch would tell of it.

        One that was cancelled while it waited never begins: the watch tells of it, and it is ended.
        """
        if self._is_running and not stage_run["spec"].get("cancel"):
            self._spawn(stage_run, "work", self._carry(stage_run, durable))

    async def _close(self) -> None:
        self._is_running = False
        tasks = [*self._tasks.values(), *self._again]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._awaiting.close()

    def _attend(self, stage_run: Resource) -> None:
        """Decides what this StageRun, as it is now, still needs."""
        if self._is_for_others(stage_run):
            return
        status, spec = stage_run.get("status") or {}, stage_run["spec"]
        phase, waits_on = status.get("phase", StagePhase.WAITING), status.get("waitsOn")
        self._let_go(stage_run)
        if phase in ENDED and not waits_on:
            if spec.get("attempt", 1) > status.get("attempt", 0) > 0:
                wish = RetryRequested(spec["stageName"], spec["attempt"])
                self._spawn(
                    stage_run, f"retry-{spec['attempt']}", self._tell(stage_run, f"retry/{spec['attempt']}", wish)
                )
        elif spec.get("cancel") and phase not in (*ENDED, StagePhase.WAITING) and not self._is_elsewhere(stage_run):
            self._spawn(stage_run, "cancel", self._cancel(stage_run))
            if waits_on in AWAITED:
                self._spawn(stage_run, "work", self._await(stage_run))
        elif waits_on == WaitsOn.EXTERNAL:
            if phase in ENDED:
                self._spawn(stage_run, "end", self._end(stage_run, end_of(stage_run)))
        elif waits_on == WaitsOn.APPROVAL:
            if spec.get("approval"):
                self._spawn(stage_run, "end", self._end(stage_run, decided(stage_run)))
        elif waits_on in AWAITED:
            self._spawn(stage_run, "work", self._await(stage_run))
        elif phase in (StagePhase.TRIGGERED, StagePhase.RUNNING):
            self._spawn(stage_run, "work", self._carry(stage_run))

    def _is_for_others(self, stage_run: Resource) -> bool:
        return self._own_only and owner_of(stage_run) != self._identity

    def _is_elsewhere(self, stage_run: Resource) -> bool:
        """Another runner carries it out, and will hear itself that it is to be cancelled."""
        return owner_of(stage_run) not in ("", self._identity)

    def _spawn(self, stage_run: Resource, what: str, coroutine: Coroutine[None, None, None]) -> None:
        """At most one task per attempt and purpose."""
        name = f"{ident_of(stage_run)}/{what}"
        if name in self._tasks:
            coroutine.close()
            return
        task = asyncio.get_running_loop().create_task(self._guarded(name, stage_run, coroutine))
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))
        task.add_done_callback(lambda _: coroutine.close())  # Where it was cancelled before it began.

    async def _guarded(self, name: str, stage_run: Resource, coroutine: Coroutine[None, None, None]) -> None:
        try:
            await coroutine
        except SettledError as error:
            log.debug("Nothing to do for %s: %s", name, error)
        except NotFoundError:
            log.info("The stage run of %s is gone", name)
            if name.endswith("/work"):
                # Work that began early may have made something before the StageRun said that its stage was triggered.
                await self._awaiting.stop_left_behind(stage_run)
        except TemporaryError as error:
            log.warning("Can't bring %s on yet: %s", name, error)
            task = asyncio.get_running_loop().create_task(self._attend_again(stage_run))
            self._again.add(task)
            task.add_done_callback(self._again.discard)
        except Exception as error:
            log.exception("Could not bring %s on", name)
            if name.endswith("/work"):
                # Nobody would come back to it: a stage that ends with a reason is better than one that hangs.
                await self._end(stage_run, ended_by(stage_run, StagePhase.ERRORED, "RunnerError", repr(error)))

    async def _attend_again(self, stage_run: Resource) -> None:
        """After an outage: as the StageRun is then."""
        metadata = stage_run["metadata"]
        while True:
            await self._clock.sleep(RETRY_SECONDS)
            try:
                self._attend(await self._store.get(Key(STAGE_RUN.type, metadata["namespace"], metadata["name"])))
                return
            except TemporaryError:
                continue
            except NotFoundError:
                await self._awaiting.stop_left_behind(stage_run)
                return

    def _let_go(self, stage_run: Resource) -> None:
        """Stops what the stage has ended without: by its deadline, or by a cancel that took too long."""
        for ident in self._jobs.abandoned(stage_run):
            self._spawn(stage_run, f"let-go-job-{ident}", self._let_job_go(ident))
        for attempt, key in self._awaiting.abandoned(stage_run):
            if work := self._tasks.get(f"{ident_of(stage_run, attempt)}/work"):
                work.cancel()
            self._spawn(stage_run, f"let-go-{attempt}", self._awaiting.let_go(key))

    async def _let_job_go(self, ident: str) -> None:
        await self._jobs.let_go(ident)
        if work := self._tasks.get(f"{ident}/work"):
            work.cancel()

    def _deleted(self, stage_run: Resource) -> None:
        """Its work is cancelled; the run hears of it, unless the run is gone as well."""
        status = stage_run.get("status") or {}
        if self._is_for_others(stage_run):
            return
        if not status.get("attempt") or (status.get("phase") in ENDED and not status.get("waitsOn")):
            return
        wish = StageCancelRequested(stage_run["spec"]["stageName"], "its StageRun was deleted", status["attempt"])
        self._spawn(stage_run, "deleted", self._forget(stage_run, wish))

    async def _forget(self, stage_run: Resource, wish: StageCancelRequested) -> None:
        ident = ident_of(stage_run)
        if self._is_job(stage_run):
            await self._tell(stage_run, "deleted", wish)
            await (self._let_job_go(ident) if self._jobs.is_flying(ident) else self._jobs.stop(stage_run))
            return
        work = self._tasks.get(f"{ident}/work")
        await self._carrier.cancel(ident, wish.reason)
        if work:
            work.cancel()
        await self._tell(stage_run, "deleted", wish)
        if stage_run["status"].get("waitsOn") == WaitsOn.OBJECT:
            await self._awaiting.stop(stage_run)
        else:
            await self._awaiting.stop_left_behind(stage_run)

    # --- carrying out ---

    async def _carry(self, stage_run: Resource, durable: Durable = ALREADY) -> None:
        """What may begin twice begins before it is durable that it does."""
        try:
            plan = await plan_of(self._store, stage_run["metadata"]["namespace"], stage_run["spec"]["stageRef"])
        except StageUnknownError as error:
            await durable.wait()
            await self._end(stage_run, ended_by(stage_run, StagePhase.ERRORED, "StageUnknown", str(error)))
            return
        if plan.controller != "playbook" or not may_begin_twice(plan.stage):
            await durable.wait()
        if plan.controller == "playbook":
            await self._play(stage_run, plan, durable)
        elif plan.controller == "job":
            await self._follow_job(stage_run, plan)
        else:
            await self._hand_over(stage_run, plan)

    async def _play(self, stage_run: Resource, plan: StagePlan, durable: Durable) -> None:
        timeout = self._timeout(stage_run, plan)
        end = await self._carrier.carry_out(stage_run, plan, timeout, lambda: self._began(stage_run, WaitsOn.PLAYBOOK))
        await durable.wait()
        waiting_for = end.waiting_for
        if end.ended.reason == INTERRUPTED:
            waiting_for = await self._awaiting.left_behind(stage_run)
        if waiting_for is None:
            if end.ended.phase in (StagePhase.CANCELLED, StagePhase.TIMED_OUT):
                await self._awaiting.stop_left_behind(stage_run)
            await self._end_with_links(stage_run, end)
            return
        await self._deadline(stage_run, timeout + self._graces.timeout, timeout)
        await self._wait_for(stage_run, plan, waiting_for, end)

    async def _follow_job(self, stage_run: Resource, plan: StagePlan | None = None) -> None:
        if plan is None and (stage_run["status"].get("job") or {}).get("id") is None:
            await self._carry(stage_run)
            return
        timeout = self._timeout(stage_run, plan) if plan else 0.0
        await self._deadline(stage_run, timeout, timeout)
        end = await self._jobs.carry_out(stage_run, plan, timeout, lambda: self._began(stage_run, WaitsOn.JOB))
        if end.waiting_for is None:
            await self._end_with_links(stage_run, end)
            return
        await self._wait_for(stage_run, plan, end.waiting_for, end)

    async def _end_with_links(self, stage_run: Resource, end: CarriedOut) -> None:
        if end.links:
            await self._patch(stage_run, {"links": dict(end.links)})
        await self._end(stage_run, end.ended)

    def _is_job(self, stage_run: Resource) -> bool:
        return self._jobs.is_flying(ident_of(stage_run)) or stage_run["status"].get("waitsOn") == WaitsOn.JOB

    async def _wait_for(
        self, stage_run: Resource, plan: StagePlan | None, waiting_for: Mapping[str, object], end: CarriedOut
    ) -> None:
        fields = waiting_fields(stage_run, waiting_for, end.ended.outputs, end.links)
        waiting = await self._patch(stage_run, fields)
        if is_past(waiting, stage_run["status"]["attempt"]):
            await self._awaiting.stop_left_behind(stage_run)
            raise SettledError("the stage has ended meanwhile")
        if not self._own_only:
            await self._await_object(waiting, plan)

    async def _hand_over(self, stage_run: Resource, plan: StagePlan) -> None:
        waits_on = WaitsOn.APPROVAL if plan.controller == "approval" else WaitsOn.EXTERNAL
        message = plan.stage["spec"].get("message") or "" if waits_on is WaitsOn.APPROVAL else ""
        fields = {"waitsOn": waits_on.value, "message": message or None}
        if waits_on is WaitsOn.APPROVAL:
            fields |= {"phase": StagePhase.RUNNING.value, "reason": "WaitingForApproval"}
        timeout = self._timeout(stage_run, plan)
        await self._deadline(stage_run, timeout, timeout)
        await self._patch(stage_run, fields)
        self._began(stage_run, waits_on)

    async def _await(self, stage_run: Resource) -> None:
        if stage_run["status"]["waitsOn"] == WaitsOn.JOB:
            await self._follow_job(stage_run)
        else:
            await self._await_object(stage_run)

    async def _await_object(self, stage_run: Resource, plan: StagePlan | None = None) -> None:
        await self._end(stage_run, await self._awaiting.ended(stage_run, plan.stage if plan else None))

    async def _deadline(self, stage_run: Resource, seconds: float, timeout: float) -> None:
        """The end by timeout, told in so many seconds."""
        if timeout:
            end = ended_by(stage_run, StagePhase.TIMED_OUT, "DeadlineExceeded", f"not ended within {timeout:g} s")
            await self._later(stage_run, "deadline", end, seconds)

    async def _later(self, stage_run: Resource, id: str, end: StageEnded, seconds: float) -> None:
        """A timer that outlives the runner: an end that is told later; whoever ends the stage first wins."""
        due = self._clock.now() + timedelta(seconds=seconds)
        event = stage_event(self._instance, stage_run, f"{end.attempt}/{id}", end, self._clock.now())
        await self._bus.publish([event], not_before=due)

    def _timeout(self, stage_run: Resource, plan: StagePlan) -> float:
        text = stage_run["spec"].get("timeout") or plan.stage["spec"].get("timeout")
        return seconds(text) if text else 0.0

    # --- ending ---

    async def _cancel(self, stage_run: Resource) -> None:
        ended = ended_by(stage_run, StagePhase.CANCELLED, "Cancelled", "cancelled on request")
        if self._is_job(stage_run):
            if await self._jobs.stop(stage_run):
                await self._later(stage_run, "cancelled", ended, self._graces.cancel)
                return
            await self._end(stage_run, ended)
            return
        await self._carrier.cancel(ident_of(stage_run), ended.message)
        waits_on = stage_run["status"].get("waitsOn")
        if waits_on in (None, WaitsOn.PLAYBOOK):
            if f"{ident_of(stage_run)}/work" in self._tasks:
                return
            await self._awaiting.stop_left_behind(stage_run)
        if waits_on == WaitsOn.OBJECT and await self._awaiting.stop(stage_run):
            await self._later(stage_run, "cancelled", ended, self._graces.cancel)
            return
        await self._end(stage_run, ended)

    async def _end(self, stage_run: Resource, end: StageEnded) -> None:
        if not self._tell_run or not await self._told_run(self._tell_run, told_of(stage_run, end)):
            await self._tell(stage_run, f"{end.attempt}/ended", end)

    async def _told_run(self, tell_run: TellRun, told: Told) -> bool:
        """False where something unforeseen happened: the bus has dead letters for that."""
        while True:
            try:
                await tell_run(told)
                return True
            except TemporaryError as error:
                log.warning("Can't tell run %s of an end yet: %s", told.run, error)
                await self._clock.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("A step of run %s failed", told.run)
                return False

    async def _tell(self, stage_run: Resource, id: str, what: Input) -> None:
        event = stage_event(self._instance, stage_run, id, what, self._clock.now())
        while True:
            try:
                await self._bus.publish([event])
                return
            except TemporaryError as error:
                log.warning("Can't tell of %s yet: %s", id, error)
                await self._clock.sleep(1)

    def _began(self, stage_run: Resource, waits_on: WaitsOn) -> None:
        metadata, spec = stage_run["metadata"], stage_run["spec"]
        started = StageStarted(spec["stageName"], stage_run["status"]["attempt"], waits_on)
        self._started(metadata["namespace"], spec["strategyRun"], started)

    async def _patch(self, stage_run: Resource, fields: dict[str, object]) -> Resource:
        """Changes some fields of a status that is still about the same attempt; None removes one."""
        return await patched(self._store, stage_run, fields)
