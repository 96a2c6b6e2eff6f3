"""Waiting for objects: none is in the way of others, and none is taken for another one of its name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from kabanero.controllers.object_end import ObjectEnd
from kabanero.controllers.object_watch import ObjectWatch
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.ports import Store

from tests.integration.controllers.world import PATIENCE, World
from tests.support.tekton import PIPELINE_RUN, ended, pipeline_run

THING = ResourceType("example.org", "v1", "Thing", "things", "thing")
ODD = ({"conditions": ["Ready"]}, {"conditions": {"Ready": "True"}}, "Ready", ["Ready"])


class Late:
    """A store whose watches tell nothing while they are held, and break once when the test says so."""

    def __init__(self, store: Store) -> None:
        self._store, self.flows, self.breaks = store, asyncio.Event(), False
        self.flows.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def watch(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        async for event in self._store.watch(*arguments, **options):
            await self.flows.wait()
            if self.breaks:
                self.breaks = False
                raise ZeroDivisionError
            yield event


class Waiting:
    """Who waits, and what is waited for."""

    def __init__(self, world: World) -> None:
        self.world, self.store, self.late = world, world.store, Late(world.store)
        self.watch = ObjectWatch(cast(Any, self.late), world.clock)

    def ended(self, type: ResourceType, name: str, **options: Any) -> asyncio.Task[ObjectEnd]:
        named = {"apiVersion": type.api_version, "kind": type.kind, "name": name, "namespace": "kabanero"}
        return asyncio.create_task(self.watch.ended("kabanero", named, **options))

    async def thing(self, name: str) -> Resource:
        labels = {"kabanero.io/stage-run": name}
        metadata = {"name": name, "namespace": "kabanero", "labels": labels}
        return await self.store.create({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": metadata})

    async def run(self, name: str, uid: str) -> Resource:
        return await self.store.create(pipeline_run(name, uid=uid))

    async def succeeds(self, resource: Resource) -> None:
        await self.store.update(ended(resource, "True", "Succeeded"), status=True)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0.005)
            self.world.clock.advance(0.5)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Waiting]:
    async with World.opened(tmp_path) as world:
        for type in (PIPELINE_RUN, THING):
            await world.store.learn(type)
        waiting = Waiting(world)
        yield waiting
        await waiting.watch.close()


@pytest.fixture(params=[THING, PIPELINE_RUN], ids=["of any kind", "of Tekton"])
def type(request: pytest.FixtureRequest) -> Iterator[ResourceType]:
    yield request.param


@pytest.mark.parametrize("status", ODD, ids=str)
async def test_an_object_whose_status_can_not_be_read_ends_nobody_elses_waiting(
    here: Waiting, type: ResourceType, status: Any
) -> None:
    make = {THING: here.thing, PIPELINE_RUN: lambda name: here.run(name, "u")}[type]
    good, odd = await make("good"), await make("odd")
    waiting = here.ended(type, "good")
    await here.settle()
    await here.store.update({**odd, "status": status}, status=True)
    await here.succeeds(good)
    assert (await asyncio.wait_for(waiting, PATIENCE)).phase is StagePhase.SUCCEEDED


@pytest.mark.parametrize("status", ODD, ids=str)
async def test_an_object_whose_status_can_not_be_read_goes_on_until_it_can_be(here: Waiting, status: Any) -> None:
    odd = await here.thing("odd")
    odd = await here.store.update({**odd, "status": status}, status=True)
    waiting = here.ended(THING, "odd")
    await here.settle()
    assert not waiting.done()
    await here.succeeds(odd)
    assert (await asyncio.wait_for(waiting, PATIENCE)).phase is StagePhase.SUCCEEDED


async def test_a_watch_that_breaks_is_logged_and_begun_again(here: Waiting, caplog: pytest.LogCaptureFixture) -> None:
    good, other = await here.thing("good"), await here.thing("other")
    waiting = here.ended(THING, "good")
    await here.settle()
    here.late.breaks = True
    await here.succeeds(other)
    await here.settle()
    await here.succeeds(good)
    await here.settle()
    assert (await asyncio.wait_for(waiting, PATIENCE)).phase is StagePhase.SUCCEEDED
    assert "The watch on things broke" in caplog.text


class TestAnObjectThatWasMadeAgain:
    """The one before had ended; the watch is late with its deletion."""

    @pytest.fixture
    async def again(self, here: Waiting) -> AsyncIterator[asyncio.Task[ObjectEnd]]:
        warm = here.ended(PIPELINE_RUN, (await here.run("warm", "w"))["metadata"]["name"])
        await here.settle()
        await here.succeeds(await here.run("build-1", "a"))
        await here.settle()
        here.late.flows.clear()
        await here.store.delete(Key(PIPELINE_RUN, "kabanero", "build-1"))
        await here.run("build-1", "b")
        waiting = here.ended(PIPELINE_RUN, "build-1", made_for=("b", 1))
        await here.settle()
        yield waiting
        for task in (warm, waiting):
            task.cancel()
        await asyncio.gather(warm, waiting, return_exceptions=True)

    async def test_has_not_ended_as_the_one_before(self, here: Waiting, again: asyncio.Task[ObjectEnd]) -> None:
        assert not again.done()

    async def test_has_not_gone_with_the_one_before(self, here: Waiting, again: asyncio.Task[ObjectEnd]) -> None:
        here.late.flows.set()
        await here.settle()
        assert not again.done()

    async def test_ends_by_its_own_end(self, here: Waiting, again: asyncio.Task[ObjectEnd]) -> None:
        here.late.flows.set()
        run = await here.store.get(Key(PIPELINE_RUN, "kabanero", "build-1"))
        await here.store.update(ended(run, "False", "Failed", "so it was"), status=True)
        end = await asyncio.wait_for(again, PATIENCE)
        assert (end.phase, end.message) == (StagePhase.FAILED, "so it was")

    async def test_counts_as_gone_when_it_goes_itself(self, here: Waiting, again: asyncio.Task[ObjectEnd]) -> None:
        here.late.flows.set()
        await here.store.delete(Key(PIPELINE_RUN, "kabanero", "build-1"))
        assert (await asyncio.wait_for(again, PATIENCE)).reason == "ObjectDeleted"
