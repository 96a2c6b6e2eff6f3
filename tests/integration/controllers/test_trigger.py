"""The trigger controller over a real bus and store: events that can't be matched, and outages of the store."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kabanero.controllers.lull import Lull
from kabanero.controllers.trigger import TriggerController
from kabanero.engine.triggers import Matched, TriggerIndex
from kabanero.model.errors import StoreUnavailableError
from kabanero.model.events import Event
from kabanero.model.kinds.registry import STRATEGY_RUN
from kabanero.model.resource import Resource, ResourceType
from kabanero.ports import EventQuery, Fate, Page, Store

from tests.integration.controllers.world import PATIENCE, World
from tests.support.crowd import taking_in
from tests.support.runner import resource

HOURS = 3
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Poisoned(TriggerIndex):
    """Can't match the event `poison`."""

    def match(self, event: Event) -> list[Matched]:
        if event.id == "poison":
            raise RuntimeError("no way")
        return super().match(event)


class Away:
    """A store that can't be written, nor read page by page, while `away`; its watches hear nothing of that."""

    def __init__(self, store: Store) -> None:
        self._store, self.away = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def create(self, resource: Resource, **options: Any) -> Resource:
        self._must_be_here()
        return await self._store.create(resource, **options)

    async def list(self, type: ResourceType, **options: Any) -> Page:
        self._must_be_here()
        return await self._store.list(type, **options)

    def _must_be_here(self) -> None:
        if self.away:
            raise StoreUnavailableError("away")


def push(id: str) -> Event:
    return Event(id, "/tests", "io.kabanero.test", "SourceRepository", "/k/repository/a", NOW, b"{}")


async def test_an_event_that_can_not_be_matched_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    async with World.opened(tmp_path) as world:
        await world.apply([resource("StrategyTrigger", "any", {"strategy": "main", "events": [{}]})])
        await world.bus.publish([push("poison"), push("good")])
        controller = TriggerController(world.store, world.bus, world.clock, Poisoned(), {})
        running = asyncio.create_task(controller.run())
        async with asyncio.timeout(PATIENCE):
            while not (await world.store.list(STRATEGY_RUN.type)).items:
                await asyncio.sleep(0.01)
        assert not running.done()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        handled = {each.event.id: each.handlings[0] for each in await world.bus.find(EventQuery())}
        assert handled["poison"].fate is Fate.DEAD
        assert "can't be held against the triggers: RuntimeError: no way" in handled["poison"].note


async def test_an_outage_of_hours_makes_no_dead_letter_of_what_was_taken_before_it(tmp_path: Path) -> None:
    async with World.opened(tmp_path) as world:
        await world.apply([resource("StrategyTrigger", "any", {"strategy": "main", "events": [{}]})])
        store = Away(world.store)
        controller = TriggerController(store, world.bus, world.clock, TriggerIndex(), {})
        running = asyncio.create_task(controller.run())
        await world.bus.publish([push("before")])
        await runs(world, 1)
        store.away = True
        await world.bus.publish([push("accepted")])
        for _ in range(HOURS * 60):
            await asyncio.sleep(0.002)
            world.clock.advance(60)
        store.away = False
        await runs(world, 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        fates = {each.event.id: each.handlings[0].fate for each in await world.bus.find(EventQuery())}
        assert fates == {"before": Fate.HANDLED, "accepted": Fate.HANDLED}


async def runs(world: World, count: int) -> None:
    """Waits until there are so many, while time passes."""
    async with asyncio.timeout(PATIENCE):
        while len((await world.store.list(STRATEGY_RUN.type)).items) < count:
            await asyncio.sleep(0.01)
            world.clock.advance(1)


class Hanging(Away):
    """A store that is asked for a run and does not answer."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked, self.left, self.answers = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def create(self, resource: Resource, **options: Any) -> Resource:
        self.asked.set()
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return await super().create(resource, **options)


async def test_a_run_that_is_being_begun_is_left_to_who_leads_next(tmp_path: Path) -> None:
    async with World.opened(tmp_path) as world:
        await world.apply([resource("StrategyTrigger", "any", {"strategy": "main", "events": [{}]})])
        store = Hanging(world.store)
        first = asyncio.create_task(TriggerController(store, world.bus, world.clock, TriggerIndex(), {}).run())
        await world.bus.publish([push("late")])
        await asyncio.wait_for(store.asked.wait(), PATIENCE)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert store.left.is_set()
        next_one = TriggerController(world.store, world.bus, world.clock, TriggerIndex(), {})
        running = asyncio.create_task(next_one.run())
        await runs(world, 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_a_burst_of_webhooks_brings_is_begun_when_all_have_their_answers(tmp_path: Path) -> None:
    async with World.opened(tmp_path) as world:
        await world.apply([resource("StrategyTrigger", "any", {"strategy": "main", "events": [{}]})])
        lull = Lull(world.clock)
        controller = TriggerController(world.store, world.bus, world.clock, TriggerIndex(), {}, lull=lull)
        running = asyncio.create_task(controller.run())
        with taking_in(lull):
            came = dataclasses.replace(push("a"), time=world.clock.now())
            await world.bus.publish([came])
            await taken(world, "a")
            assert (await world.store.list(STRATEGY_RUN.type)).items == []
        await runs(world, 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def taken(world: World, id: str) -> None:
    """Gives the controller time to do what it does with an event."""
    for _ in range(50):
        await asyncio.sleep(0.002)
    (event,) = await world.bus.find(EventQuery(id=id))
    assert event.handlings[0].fate is Fate.PENDING
