"""Single writes of a step that fail or come to nothing, while people delete, cancel or make anew what is written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from kabanero.controllers.control import Told
from kabanero.controllers.outbox import Outbox
from kabanero.controllers.recorder import Recorder
from kabanero.controllers.strategy_run import StrategyRunController
from kabanero.engine.inputs import StageEnded
from kabanero.model.errors import KabaneroError, NotFoundError, StoreUnavailableError
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_RUN
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Key, Resource
from kabanero.ports import Write
from kabanero.stores.sqlite import SqliteStore

from tests.integration.controllers.test_stage_objects import Scene
from tests.integration.controllers.world import INSTANCE, PATIENCE, World
from tests.support.mortal import Life
from tests.support.strategies import binding, match, playbook_stage, strategy
from tests.support.tekton import PIPELINE_RUN

BUILD = binding("Build", "PlaybookStage", [match("Start")])
DEPLOY = binding("Deploy", "PlaybookStage", [match("Build")])
Trouble = Callable[[Resource], Awaitable[KabaneroError | None]]
CLOSING_TURNS = 16
"""More turns of the loop than the controller of runs needs to close."""


class TroubledStore:
    """Before a stage is triggered, and before something is deleted, something else happens."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.triggering: Trouble = nothing
        self.deleting: Callable[[Key], Awaitable[None]] = nothing  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write_all(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        answers: list[Resource | KabaneroError] = []
        for write in writes:
            is_trigger = write.resource.get("status", {}).get("phase") == "Triggered"
            trouble = await self.triggering(write.resource) if is_trigger else None
            answers += [trouble] if trouble else await self._store.write_all([write])
        return answers

    async def delete(self, key: Key, **options: Any) -> Resource:
        await self.deleting(key)
        return await self._store.delete(key, **options)


async def nothing(_: object) -> None:
    """No trouble."""


async def a_while(_: object) -> None:
    """Long enough for work to begin beside the write."""
    await asyncio.sleep(0.05)


async def nobody(world: World, run: str) -> None:
    """Nobody does anything."""


def key_of(stage_run: Resource) -> Key:
    return Key(STAGE_RUN.type, stage_run["metadata"]["namespace"], stage_run["metadata"]["name"])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path) as opened:
        opened.store = TroubledStore(opened.store)  # type: ignore[assignment]
        yield opened


async def prepared(world: World, *, early: bool) -> TroubledStore:
    world.tells_runs = world.begins_early = early
    await world.apply([playbook_stage(name, onInterrupted="Retry") for name in ("build", "deploy")])
    await world.apply(strategy("ship", [BUILD, DEPLOY])[:1])
    assert isinstance(world.store, TroubledStore)
    return world.store


async def until(check: Callable[[], Awaitable[object]]) -> None:
    """Returns when it holds; no time passes meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not await check():
            await asyncio.sleep(0.004)


async def phase_of(world: World, run: str, stage: str) -> str:
    status = (await world.run(run)).get("status") or {}
    return next((str(each.get("phase", "")) for each in status.get("stages", ()) if each["name"] == stage), "")


@pytest.mark.parametrize("early", [False, True])
async def test_a_stage_that_was_cancelled_while_it_waited_never_begins(world: World, early: bool) -> None:
    store = await prepared(world, early=early)
    world.executor.endings["Build"] = None
    store.triggering = a_while
    async with world.runner(Life()):
        await world.start("one", "ship")
        await until(lambda: world.stage_run("one", "Deploy"))
        await world.change(await world.stage_run("one", "Deploy") or {}, cancel=True)
        await until(lambda: begun(world, "one Build.1"))
        world.executor.end_all("one Build.1")
        await until(lambda: has_phase(world, "Deploy", "Cancelled"))
    assert not world.executor.begun["one Deploy.1"]


@pytest.mark.parametrize("early", [False, True])
async def test_a_run_hears_at_once_of_a_stage_run_that_was_deleted_as_it_was_triggered(
    world: World, early: bool
) -> None:
    store = await prepared(world, early=early)
    world.executor.endings["Deploy"] = None

    async def deleted(stage_run: Resource) -> None:
        if stage_run["spec"]["stageName"] == "Deploy":
            await world.delete(key_of(stage_run))

    store.triggering = deleted  # type: ignore[assignment]
    async with world.runner(Life()):
        await world.start("one", "ship")
        await until(lambda: has_phase(world, "Deploy", "Cancelled"))


async def test_a_cancel_reaches_a_stage_whose_beginning_is_still_to_be_written(world: World) -> None:
    store = await prepared(world, early=True)
    world.executor.endings["Deploy"] = None
    tried = asyncio.Event()

    async def away(stage_run: Resource) -> KabaneroError | None:
        if stage_run["spec"]["stageName"] != "Deploy":
            return None
        tried.set()
        return StoreUnavailableError("away")

    store.triggering = away
    async with world.runner(Life()):
        await world.start("one", "ship")
        await asyncio.wait_for(tried.wait(), PATIENCE)
        await world.change(await world.run("one"), cancel=True)
        await until(lambda: is_cancelling(world))
        store.triggering = nothing
        await world.settled("one", nobody, "Cancelled")


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("in_between", [False, True])
async def test_stage_runs_of_an_earlier_run_of_that_name_give_way(world: World, early: bool, in_between: bool) -> None:
    store = await prepared(world, early=early)
    async with world.runner(Life()):
        await world.start("one", "ship")
        await world.settled("one", nobody, "Succeeded")
    await made_anew_before_its_stage_runs_have_gone(world)
    if in_between:
        store.deleting = gone_meanwhile(store)
    async with world.runner(Life()):
        await world.settled("one", nobody, "Succeeded")
    assert world.executor.begun["one Deploy.1"] == 2


async def test_what_early_work_made_elsewhere_is_stopped_when_its_stage_run_was_deleted(tmp_path: Path) -> None:
    async with World.opened(tmp_path) as world:
        await world.store.learn(PIPELINE_RUN)
        scene = Scene(world)
        store = TroubledStore(world.store)
        world.store, world.tells_runs, world.begins_early = store, True, True  # type: ignore[assignment]

        async def deleted(stage_run: Resource) -> None:
            if stage_run["spec"]["stageName"] == "Deploy":
                await scene.until(lambda: made(scene))
                await world.delete(key_of(stage_run))

        store.triggering = deleted  # type: ignore[assignment]
        await scene.start()
        async with world.runner(Life()):
            await scene.stage(waitsOn="Object")
            await scene.tekton_says("True", "Succeeded")
            await scene.until(lambda: made(scene))
            await scene.asked_to_stop("deploy-1")


async def test_the_controller_of_runs_stops_whenever_those_who_wait_for_it_stop(world: World) -> None:
    store = await prepared(world, early=True)
    world.executor.endings["Build"] = None
    asked, answer = asyncio.Event(), asyncio.Event()

    async def held(*args: Any, **options: Any) -> None:
        asked.set()
        await answer.wait()

    for turns in range(CLOSING_TURNS):
        asked.clear()
        outbox = Outbox(world.store, world.bus, world.clock, INSTANCE, world.executor.cancel)
        runs = StrategyRunController(store, world.bus, world.clock, outbox, Recorder(store, world.clock))  # type: ignore[arg-type]
        store.get = held  # type: ignore[attr-defined]
        running = asyncio.create_task(runs.run())
        told = Told("kabanero", "one", "", StageEnded("Build", 1, StagePhase.SUCCEEDED))
        teller = asyncio.create_task(runs.tell(told))
        await asyncio.wait_for(asked.wait(), PATIENCE)
        running.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        teller.cancel()
        results = await asyncio.gather(running, teller, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError), f"after {turns} turns: {results[0]!r}"


async def begun(world: World, name: str) -> bool:
    return bool(world.executor.begun[name])


async def has_phase(world: World, stage: str, phase: str) -> bool:
    return await phase_of(world, "one", stage) == phase


async def is_cancelling(world: World) -> bool:
    return bool((await world.run("one"))["status"].get("cancelling"))


async def made(scene: Scene) -> bool:
    with contextlib.suppress(NotFoundError):
        return bool(await scene.pipeline_run("deploy-1"))
    return False


def gone_meanwhile(store: TroubledStore) -> Callable[[Key], Awaitable[None]]:
    """Somebody else, such as the garbage collector, deletes the same thing a moment before."""

    async def deleted(key: Key) -> None:
        with contextlib.suppress(NotFoundError):
            await store._store.delete(key)

    return deleted


async def made_anew_before_its_stage_runs_have_gone(world: World) -> None:
    """As where the garbage collector takes its time."""
    left = await world.stage_runs("one")
    await world.store.delete(Key(STRATEGY_RUN.type, "kabanero", "one"))
    await until(lambda: none_of(world))
    await world.start("one", "ship")
    for each in left:
        kept = {name: each["metadata"][name] for name in ("name", "namespace", "labels")}
        again = await world.store.create({**each, "metadata": kept})
        await world.store.update({**again, "status": each["status"]}, status=True)


async def none_of(world: World) -> bool:
    return not await world.stage_runs("one")
