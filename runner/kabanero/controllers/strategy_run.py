"""The strategy_run controller: one step after the other, it carries each run from its first event to its end.

A step reads the run, lets the engine decide, writes the status that holds the decision, carries the outbox out, and
only then acknowledges what it heard. Killed anywhere in between, the step runs again and changes nothing it had done.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from datetime import datetime
from typing import cast

from kabanero.controllers.control import CONTROL_TOPIC, Told, read_control
from kabanero.controllers.definitions import definition_of, stages_of
from kabanero.controllers.following import follow, unreadable
from kabanero.controllers.keyed import KeyedWork
from kabanero.controllers.lost import LostStageRuns
from kabanero.controllers.outage import outlasted
from kabanero.controllers.outbox import Made, Outbox
from kabanero.controllers.run_status import RunObserver, as_json, condensed, errored
from kabanero.engine.commands import CreateStageRuns
from kabanero.engine.context import context_id
from kabanero.engine.inputs import CancelRequested, Input, StageStarted
from kabanero.engine.pinning import pin
from kabanero.engine.reducer import Step, begin, outbox_commands, reduce, without_outbox
from kabanero.model.errors import ConflictError, InvalidError, KabaneroError, NotFoundError, TemporaryError
from kabanero.model.kinds.registry import STRATEGY_RUN
from kabanero.model.kinds.runs import RunPhase, RunStatus, StrategyRunSpec
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import parse_selector
from kabanero.ports import Bus, Change, Clock, Consumer, Delivery, Store

log = logging.getLogger(__name__)
CONSUMER = Consumer("strategy-runs", topics=frozenset({CONTROL_TOPIC}), max_in_flight=512, max_attempts=50)
CONFLICTS = 10
REMEMBERED = 4096
NEEDS_ATTENTION = ("status.phase=", "status.starting=true", "spec.cancel=true,status.phase=Running")
ACTIVE = (RunPhase.PENDING, RunPhase.RUNNING)


class StrategyRunController:
    """Owns StrategyRun.status. With `beside`, writes that need not wait for each other don't: each is a request."""

    def __init__(
        self, store: Store, bus: Bus, clock: Clock, outbox: Outbox, observer: RunObserver, *, beside: bool = False
    ) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._outbox, self._observer, self._beside = outbox, observer, beside
        self._work: KeyedWork[Key] = KeyedWork()
        self._done: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._tellers: set[asyncio.Future[None]] = set()
        self._is_running = False

    async def run(self) -> None:
        """Until cancelled."""
        self._is_running = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._consume())
                group.create_task(LostStageRuns(self._store, self._clock, self._outbox).run())
        finally:
            self._is_running = False
            await self._work.close()
            for teller in self._tellers:
                if not teller.done():  # Whoever waited may have been stopped at the same moment.
                    teller.set_exception(ConflictError("the controller of runs was stopped"))
            self._tellers.clear()

    async def tell(self, told: Told) -> None:
        """Takes in at once what somebody tells again after a crash; returns when all that follows from it is done.

        Raises TemporaryError when it has to be told again.
        """
        teller = asyncio.get_running_loop().create_future()
        self._tellers.add(teller)
        key = Key(STRATEGY_RUN.type, told.namespace, told.run)
        self._work.submit(key, lambda: self._hear(key, told, teller))
        try:
            await teller
        finally:
            self._tellers.discard(teller)

    async def _hear(self, key: Key, told: Told, teller: asyncio.Future[None]) -> None:
        error: Exception | None = None
        try:
            await self._step(key, told.what, told.uid)
        except NotFoundError:
            log.debug("%s is gone", key)
        except Exception as raised:
            error = raised
        if teller.done():
            return
        if error:
            teller.set_exception(error)
        else:
            teller.set_result(None)

    def stage_started(self, namespace: str, run: str, started: StageStarted) -> None:
        """Hint that work has begun; only for show, so it need not be durable."""
        key = Key(STRATEGY_RUN.type, namespace, run)
        self._work.submit(key, lambda: self._quietly(key, started))

    def made(self, run: Resource) -> None:
        """Told of a run that was made in this process; a watch tells of it once more."""
        if self._is_running:
            self._attend(run, found=False)

    async def _follow(self) -> None:
        first = [parse_selector(fields=fields) for fields in NEEDS_ATTENTION]
        async for change in follow(self._store, self._clock, STRATEGY_RUN.type, first=first):
            if change.change in (Change.ADDED, Change.MODIFIED):
                with unreadable(change.resource):
                    self._attend(change.resource, found=change.change is Change.ADDED)

    def _attend(self, run: Resource, *, found: bool) -> None:
        """Decides what a run needs; one that was `found` in its start may have been left there by a crash."""
        status = run.get("status") or {}
        phase = status.get("phase", "")
        key = Key(STRATEGY_RUN.type, run["metadata"]["namespace"], run["metadata"]["name"])
        if not phase or (found and status.get("starting")):
            self._work.submit(key, lambda: self._begin(key))
        if phase in ACTIVE and run["spec"].get("cancel"):
            self._work.submit(key, lambda: self._ask_to_cancel(run))

    async def _ask_to_cancel(self, run: Resource) -> None:
        """Durable first: a step that no control event stands behind would not be finished after a crash."""
        status, generation = run["status"], run["metadata"]["generation"]
        if status.get("cancelling") or status.get("observedGeneration", 0) >= generation:
            return
        wish = CancelRequested(run["spec"].get("cancelReason", ""), generation)
        while True:
            try:
                await self._outbox.tell(run, status.get("contextID", ""), f"cancel/{generation}", wish)
                return
            except TemporaryError as error:
                log.warning("Can't cancel %s yet: %s", run["metadata"]["name"], error)
                await self._clock.sleep(1)

    async def _consume(self) -> None:
        async for delivery in self._bus.subscribe(CONSUMER):
            try:
                told = read_control(delivery.event)
            except Exception as error:
                # Raised further, it would come back with every restart of this loop and hold up all events behind it.
                log.exception("Event %s is no message to a run", delivery.event.identity)
                await delivery.dead(f"is no message to a run: {type(error).__name__}: {error}")
                continue
            key = Key(STRATEGY_RUN.type, told.namespace, told.run)
            self._work.submit(key, lambda key=key, told=told, delivery=delivery: self._take(key, told, delivery))  # type: ignore[misc]

    async def _take(self, key: Key, told: Told, delivery: Delivery) -> None:
        try:
            await self._step(key, told.what, told.uid)
        except NotFoundError:
            await delivery.ack(f"{key} is gone")
        except TemporaryError as error:
            await delivery.retry(await outlasted(error, self._store, self._clock, STRATEGY_RUN.type))
        except Exception as error:
            log.exception("A step of %s failed", key)
            await delivery.retry(f"{type(error).__name__}: {error}")
        else:
            await delivery.ack()

    async def _quietly(self, key: Key, what: Input) -> None:
        """A step that level-triggering would redo: an error is logged and that is all."""
        try:
            await self._step(key, what)
        except KabaneroError as error:
            log.warning("A step of %s failed: %s", key, error)

    async def _begin(self, key: Key) -> None:
        while True:
            try:
                run = await self._store.get(key, recent=True)
                if not (run.get("status") or {}).get("phase"):
                    await self._apply(run, await self._first_step(run))
                elif _is_unfinished(begun := self._cleared(run)):
                    await self._apply(run, Step(begun, ()))
                return
            except NotFoundError:
                return
            except TemporaryError as error:
                log.warning("Can't begin %s yet: %s", key, error)
                await self._clock.sleep(1)

    async def _first_step(self, run: Resource) -> Step:
        """The engine's first decision, or the end of a run that can't begin."""
        spec = StrategyRunSpec.model_validate(run["spec"])
        metadata, now = run["metadata"], self._clock.now()
        context = spec.context_id or context_id(datetime.fromisoformat(metadata["creationTimestamp"]), metadata["uid"])
        try:
            definition = await definition_of(self._store, metadata["namespace"], spec.strategy)
            stages = await stages_of(self._store, definition)
            return begin(spec, metadata["name"], pin(spec.strategy, definition, stages), context, now)
        except InvalidError as error:
            return Step(errored(context, "Invalid", error, now), ())

    async def _step(self, key: Key, what: Input, uid: str = "") -> None:
        for _ in range(CONFLICTS):
            run = await self._store.get(key, recent=True)
            if uid not in ("", run["metadata"]["uid"]):
                raise NotFoundError(f"{key} is another run of that name now")
            if not (run.get("status") or {}).get("phase"):
                raise ConflictError(f"{key} has not begun yet")
            status = self._cleared(run)
            try:
                await self._apply(run, reduce(status, what, self._clock.now()))
                return
            except ConflictError:
                continue
        raise ConflictError(f"{key} keeps changing")

    def _cleared(self, run: Resource) -> RunStatus:
        status = RunStatus.model_validate(run["status"])
        done = self._done.get(run["metadata"]["uid"])
        return without_outbox(status, done) if done else status

    async def _apply(self, run: Resource, step: Step) -> None:
        """Makes the decision durable, then does what it asks for; what an earlier step left undone is done first."""
        status = step.status
        if status.completion_time and status.outbox:
            status = status.model_copy(update={"starting": True})  # Found by it after a crash, to close the books.
        fresh: Made | None = {} if any(isinstance(command, CreateStageRuns) for command in step.commands) else None
        if fresh is not None and self._beside:
            run, fresh = await self._begun(run, status)
        elif step.commands or as_json(status) != (run.get("status") or {}):
            run = await self._store.update({**run, "status": as_json(status)}, status=True)
        entries = outbox_commands(status)
        if entries:
            await self._outbox.carry_out(run, status, [command for _, command in entries], fresh=fresh)
            self._remember(run["metadata"]["uid"], frozenset(id for id, _ in entries))
        if step.commands:
            self._observer.stepped(run, status, step.commands)
        if status.completion_time and status.outbox:
            await self._close_the_books(run, status)

    async def _begun(self, run: Resource, status: RunStatus) -> tuple[Resource, Made | None]:
        """The first decision made durable, and beside it the StageRuns, which do nothing until it tells them to."""
        write = self._store.update({**run, "status": as_json(status)}, status=True)
        both = await asyncio.gather(write, self._outbox.make_stage_runs(run, status), return_exceptions=True)
        for result in both:
            if isinstance(result, BaseException):
                raise result
        return cast(tuple[Resource, Made | None], both)

    async def _close_the_books(self, run: Resource, status: RunStatus) -> None:
        """An ended run shows no outbox: everything in it is done."""
        try:
            await self._store.update({**run, "status": as_json(condensed(status))}, status=True)
            self._done.pop(run["metadata"]["uid"], None)
        except (ConflictError, NotFoundError):
            log.debug("The outbox of %s stays until the next step", run["metadata"]["name"])

    def _remember(self, uid: str, done: frozenset[str]) -> None:
        self._done[uid] = done
        self._done.move_to_end(uid)
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)


def _is_unfinished(status: RunStatus) -> bool:
    """Whether the last step left something undone, or the books open."""
    return bool(status.outbox or status.completion_time)
