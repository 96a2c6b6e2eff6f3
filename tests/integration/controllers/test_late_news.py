"""Work that began before the watch tells of its StageRun: news from before it began is no reason to stop it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Resource, ResourceType
from kabanero.ports import WatchEvent
from kabanero.stores.sqlite import SqliteStore

from tests.integration.awx.world import secret
from tests.integration.controllers.test_stage_objects import Scene
from tests.integration.controllers.world import PATIENCE, World
from tests.support.awx import FakeAwx, Script
from tests.support.mortal import Life
from tests.support.runner import resource
from tests.support.strategies import binding, match
from tests.support.tekton import PIPELINE_RUN, TASK_RUN

ROUNDS = 50


class LateStore:
    """Watches of StageRuns tell nothing until `news` is set; then all of it, in order."""

    def __init__(self, store: SqliteStore) -> None:
        self._store, self.news = store, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def watch(self, type: ResourceType, *args: Any, **options: Any) -> AsyncIterator[WatchEvent]:
        async for event in self._store.watch(type, *args, **options):
            if type == STAGE_RUN.type:
                await self.news.wait()
            yield event


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with World.opened(tmp_path) as world:
        for type in (PIPELINE_RUN, TASK_RUN):
            await world.store.learn(type)
        world.store = LateStore(world.store)  # type: ignore[assignment]
        world.tells_runs = world.begins_early = True
        yield Scene(world)


async def test_an_object_that_is_waited_for_already_goes_on(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        await told(scene.world)
        assert "status" not in (await scene.pipeline_run())["spec"]


async def test_a_job_that_is_followed_already_goes_on_to_its_end(scene: Scene) -> None:
    world = scene.world
    with FakeAwx() as awx:
        awx.template("deploy", Script(hold=True))
        connection = {"url": awx.url, "secret": "awx", "pollInterval": "200ms"}
        bindings = [binding("Build", "JobTemplateStage", [match("Start")])]
        await world.apply([
            {**secret("awx", token=awx.new_token()), "metadata": {"name": "awx", "namespace": "kabanero"}},
            resource("JobTemplateStage", "build", {"jobTemplate": "deploy", "connection": connection}),
            resource("StrategyDefinition", "main", {"stageBindings": bindings}),
        ])  # fmt: skip
        async with world.runner(Life()):
            await world.start("main-1", "main")
            job = (await scene.until(lambda: launched(world)))["id"]
            await told(world)
            awx.end(job)
            assert (await scene.phases(passing=1.0))[""] == "Succeeded"


async def test_news_of_a_stage_that_has_ended_since_are_no_trouble(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        for stage in ("Build", "Deploy"):
            await scene.stage(stage, waitsOn="Object")
            await scene.tekton_says("True", "Succeeded", f"{stage.lower()}-1")
        assert (await scene.phases())[""] == "Succeeded"
        await told(scene.world)
        ours = [each for each in caplog.records if each.name.startswith("kabanero")]
        assert not [each.getMessage() for each in ours if each.levelname in ("WARNING", "ERROR")]


async def launched(world: World) -> Resource | None:
    """What the StageRun says of its job, once there is one."""
    found = await world.stage_run("main-1", "Build")
    job = ((found or {}).get("status") or {}).get("job") or {}
    return job if job.get("id") else None


async def told(world: World) -> None:
    """The news comes, and is heeded."""
    assert isinstance(world.store, LateStore)
    world.store.news.set()
    async with asyncio.timeout(PATIENCE):
        for _ in range(ROUNDS):
            await asyncio.sleep(0.004)
