"""Work that begins beside the write that triggers it, and StageRuns that are made beside the run's first decision."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.kinds.registry import STRATEGY_DEFINITION, STRATEGY_RUN
from kabanero.model.resource import Key, Resource
from kabanero.ports import Write
from kabanero.stores.sqlite import SqliteStore

from tests.integration.controllers.world import PATIENCE, World
from tests.support.mortal import Life
from tests.support.strategies import binding, match, playbook_stage, strategy

BUILD = binding("Build", "PlaybookStage", [match("Start")])
DEPLOY = binding("Deploy", "PlaybookStage", [match("Start")])


class SlowStore:
    """Holds up the writes that trigger a stage, or that begin a run, until they are let through."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.triggers, self.beginnings = asyncio.Event(), asyncio.Event()
        self.triggers.set(), self.beginnings.set()
        self.asked, self.steps = asyncio.Event(), 0

    async def write_all(self, writes: Sequence[Write]) -> Any:
        if any(write.resource.get("status", {}).get("phase") == "Triggered" for write in writes):
            self.asked.set()
            await self.triggers.wait()
        return await self._store.write_all(writes)

    async def update(self, resource: Resource, **options: Any) -> Resource:
        if resource["kind"] == "StrategyRun" and not resource["status"].get("completionTime"):
            self.steps += 1
            await self.beginnings.wait()
        return await self._store.update(resource, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path) as opened:
        opened.store = SlowStore(opened.store)  # type: ignore[assignment]
        opened.tells_runs = opened.begins_early = True
        yield opened


async def test_work_that_may_begin_twice_begins_while_the_write_that_triggers_it_is_under_way(world: World) -> None:
    async with begun_early(world):
        assert not await status_of(world, "early", "Build")


async def test_what_follows_from_such_work_waits_for_that_write(world: World) -> None:
    async with begun_early(world) as slow:
        await asyncio.sleep(0.05)
        assert (await world.run("early"))["status"]["phase"] == "Running"
        slow.triggers.set()
        await world.settled("early", nobody, "Succeeded")


async def test_other_work_begins_when_that_write_is_durable(world: World) -> None:
    slow = await prepared(world)
    slow.triggers.clear()
    async with world.runner(Life()), asyncio.timeout(PATIENCE):
        await world.start("late", "ship")
        await slow.asked.wait()
        await asyncio.sleep(0.05)
        assert not world.executor.begun["late Build.1"]
        slow.triggers.set()
        await world.settled("late", nobody, "Succeeded")
        assert world.executor.begun["late Build.1"] == 1


async def test_stage_runs_made_for_a_definition_that_changed_before_the_run_began_give_way(world: World) -> None:
    slow = await prepared(world, BUILD, DEPLOY)
    slow.beginnings.clear()
    async with world.runner(Life()), asyncio.timeout(PATIENCE):
        await world.start("changed", "ship")
        while len(await world.stage_runs("changed")) < 2:
            await asyncio.sleep(0.004)
    slow.beginnings.set()
    await redefine(world, {**BUILD, "timeout": "5m"}, binding("Test", "PlaybookStage", [match("Start")]))
    async with world.runner(Life()):
        await world.settled("changed", nobody, "Succeeded")
    made = {each["spec"]["stageName"]: each["spec"].get("timeout") for each in await world.stage_runs("changed")}
    assert made == {"Build": "5m", "Test": None}


async def test_a_run_that_is_told_of_twice_begins_once(world: World) -> None:
    slow = await prepared(world)
    world.executor.endings["Build"] = None
    async with world.runner(Life()) as runs, asyncio.timeout(PATIENCE):
        await world.start("once", "ship")
        runs.made(await world.store.get(Key(STRATEGY_RUN.type, "kabanero", "once")))
        while not world.executor.begun["once Build.1"]:
            await asyncio.sleep(0.004)
        await asyncio.sleep(0.05)
    assert slow.steps == 1


async def nobody(world: World, run: str) -> None:
    """Nobody does anything."""


async def prepared(world: World, *bindings: dict[str, Any], **stage: Any) -> SlowStore:
    await world.apply([playbook_stage(name, **stage) for name in ("build", "deploy", "test")])
    await world.apply(strategy("ship", list(bindings) or [BUILD])[:1])
    assert isinstance(world.store, SlowStore)
    return world.store


@contextlib.asynccontextmanager
async def begun_early(world: World) -> AsyncIterator[SlowStore]:
    """A run whose first stage is at work, and the write that triggers it is held up."""
    slow = await prepared(world, onInterrupted="Retry")
    slow.triggers.clear()
    async with world.runner(Life()), asyncio.timeout(PATIENCE):
        await world.start("early", "ship")
        while not world.executor.begun["early Build.1"]:
            await asyncio.sleep(0.004)
        yield slow


async def redefine(world: World, *bindings: dict[str, Any]) -> None:
    key = Key(STRATEGY_DEFINITION.type, "kabanero", "ship")
    await world.change(await world.store.get(key), stageBindings=list(bindings))


async def status_of(world: World, run: str, stage: str) -> dict[str, Any]:
    found = await world.stage_run(run, stage)
    assert found
    return dict(found.get("status") or {})
