"""The trigger controller: every event on the bus is held against all triggers, and each match starts one run.

The run's name and contextID are derived from the event's identity and the trigger, so an event that is handled twice
finds its run already there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping

from kabanero.controllers.control import CONTROL_TOPIC
from kabanero.controllers.following import follow, unreadable
from kabanero.controllers.lull import Lull
from kabanero.controllers.outage import outlasted
from kabanero.controllers.stage_runs import LABEL_CONTEXT, LABEL_STRATEGY, LABEL_TRIGGER
from kabanero.engine.context import context_id, run_name
from kabanero.engine.triggers import Matched, TriggerIndex, meant_for, run_for
from kabanero.model.errors import AlreadyExistsError, InvalidError, PermanentError, TemporaryError
from kabanero.model.events import Event
from kabanero.model.kinds.registry import STRATEGY_TRIGGER
from kabanero.model.resource import API_VERSION, Resource
from kabanero.ports import Bus, Change, Clock, Consumer, Delivery, Store

log = logging.getLogger(__name__)
CONSUMER = Consumer("triggers", but_not=frozenset({CONTROL_TOPIC}), max_in_flight=256, max_attempts=20)
Matches = Callable[[int], None]
RunMade = Callable[[Resource], None]


class TriggerController:
    """Keeps the index of triggers and starts runs. `values` are settings for `${...}` such as docker_registry.

    A run is begun in a `lull` of the webhooks, or a moment later; `made` is told of it.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        index: TriggerIndex,
        values: Mapping[str, str],
        matched: Matches = lambda _: None,
        lull: Lull | None = None,
        made: RunMade = lambda _: None,
    ) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._index, self._values, self._matched = index, values, matched
        self._lull, self._made = lull or Lull(clock), made
        self._listed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; then nothing of it goes on, for another may lead."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.follow())
                group.create_task(self._consume())
        finally:
            await self._break_off()

    async def follow(self) -> None:
        """Keeps the index alone, for a runner that does not lead and is asked what an event would start."""
        async for change in follow(self._store, self._clock, STRATEGY_TRIGGER.type, known=self._index.places()):
            if change.change is Change.BOOKMARK:
                self._listed.set()
            elif change.change is Change.DELETED:
                metadata = change.resource["metadata"]
                self._index.remove(metadata["namespace"], metadata["name"])
            else:
                with unreadable(change.resource):
                    self._take_in(change.resource)

    def _take_in(self, trigger: Resource) -> None:
        metadata = trigger["metadata"]
        self._index.remove(metadata["namespace"], metadata["name"])
        try:
            self._index.add(trigger)
        except InvalidError as error:
            log.error("StrategyTrigger %s/%s is left out: %s", metadata["namespace"], metadata["name"], error)

    async def _consume(self) -> None:
        await self._listed.wait()
        async for delivery in self._bus.subscribe(CONSUMER):
            try:
                matched = self._index.match(delivery.event)
            except Exception as error:
                # Raised further, it would come back with every restart of this loop and hold up all events behind it.
                log.exception("Event %s could not be matched", delivery.event.identity)
                await delivery.dead(f"can't be held against the triggers: {type(error).__name__}: {error}")
                continue
            if matched:
                await self._lull.wait(delivery.event.time)
                await self._lull.one_by_one(self._spawn(self._take(delivery, matched)))
            else:
                await delivery.ack()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _break_off(self) -> None:
        """Events that were taken and not acknowledged come again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, delivery: Delivery, matched: list[Matched]) -> None:
        """Starts what can be started; what can't be is named in the dead letter, from where it can be replayed."""
        try:
            names, failures = await self._start_all(delivery.event, matched)
        except TemporaryError as error:
            await delivery.retry(await outlasted(error, self._store, self._clock, STRATEGY_TRIGGER.type))
        except Exception as error:
            log.exception("Event %s could not be handled", delivery.event.identity)
            await delivery.retry(f"{type(error).__name__}: {error}")
        else:
            self._matched(len(names))
            note = "started " + ", ".join(names) if names else ""
            if failures:
                await delivery.dead("; ".join([*failures, note] if note else failures))
            else:
                await delivery.ack(note)

    async def _start_all(self, event: Event, matched: list[Matched]) -> tuple[list[str], list[str]]:
        names: list[str] = []
        failures: list[str] = []
        for each in matched:
            if not meant_for(event, each.namespace):
                continue
            try:
                names.append(await self._start(event, each))
            except PermanentError as error:
                failures.append(f"trigger {each.namespace}/{each.name}: {error}")
        return names, failures

    async def _start(self, event: Event, matched: Matched) -> str:
        context = context_id(event.time, f"{matched.uid}/{matched.rule_index}/{event.identity}")
        spec = run_for(matched, event, self._values, context)
        name = run_name(matched.name, context)
        run = {
            "apiVersion": API_VERSION,
            "kind": "StrategyRun",
            "metadata": {
                "name": name,
                "namespace": matched.namespace,
                "labels": {
                    LABEL_CONTEXT: context,
                    LABEL_STRATEGY: spec.strategy,
                    LABEL_TRIGGER: matched.name,
                },
            },
            "spec": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        }
        try:
            self._made(await self._store.create(run))
        except AlreadyExistsError:
            log.debug("Run %s was started before", name)
        return f"{matched.namespace}/{name}"
