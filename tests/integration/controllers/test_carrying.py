"""What people see of work while it goes on: nothing of work that ends at once, nor of work that waits for its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.controllers.world import PATIENCE, World
from tests.support.mortal import Life
from tests.support.strategies import binding, match, playbook_stage, strategy

A_WHILE = 5


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path) as opened:
        build = binding("Build", "PlaybookStage", [match("Start")])
        await opened.apply([playbook_stage("build"), *strategy("ship", [build])])
        opened.executor.endings["Build"] = None
        yield opened


async def begun(world: World) -> None:
    """The work is in the executor's hands, and a while goes by."""
    await world.start("one", "ship")
    while not world.executor.begun["one Build.1"]:
        await asyncio.sleep(0.004)
    for _ in range(A_WHILE):
        await asyncio.sleep(0.01)
        world.clock.advance(1)


async def phase_of(world: World) -> str:
    found = await world.stage_run("one", "Build")
    return str(found and found["status"]["phase"])


async def test_work_that_goes_on_for_a_while_is_shown_as_running(world: World) -> None:
    async with world.runner(Life()), asyncio.timeout(PATIENCE):
        await begun(world)
        while await phase_of(world) != "Running":
            await asyncio.sleep(0.004)


async def test_work_that_waits_for_its_turn_is_not_shown_as_running(world: World) -> None:
    world.executor.is_full = True
    async with world.runner(Life()), asyncio.timeout(PATIENCE):
        await begun(world)
        assert await phase_of(world) == "Triggered"
