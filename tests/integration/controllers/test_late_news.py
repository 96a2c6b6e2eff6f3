"""Work that is further on than what is known of its StageRun, by news or by memory: it goes on, and is done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.errors import StoreUnavailableError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.ports import WatchEvent
from kabanero.stores.sqlite import SqliteStore

from tests.integration.awx.world import secret
from tests.integration.controllers.test_stage_objects import Scene, is_made
from tests.integration.controllers.world import PATIENCE, World
from tests.support.awx import FakeAwx, Script
from tests.support.mortal import Life
from tests.support.runner import resource
from tests.support.strategies import binding, match

ROUNDS = 50


class LateStore:
    """Watches of StageRuns tell nothing until `news` is set; then all of it, in order.

    What is remembered of a StageRun is what was made, while it `is_forgetful`. The first write that tells of a launched
    job fails where `loses_jobs` is set.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store, self.news = store, asyncio.Event()
        self.is_forgetful = self.loses_jobs = False
        self.lost_a_job = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, key: Key, *, recent: bool = False) -> Resource:
        found = await self._store.get(key)
        if recent and self.is_forgetful and key.type == STAGE_RUN.type:
            return {name: value for name, value in found.items() if name != "status"}
        return found

    async def update(self, resource: Resource, **options: Any) -> Resource:
        job = (resource.get("status") or {}).get("job") or {}
        if self.loses_jobs and job.get("id") and not self.lost_a_job.is_set():
            self.lost_a_job.set()
            raise StoreUnavailableError("an outage")
        return await self._store.update(resource, **options)

    async def watch(self, type: ResourceType, *args: Any, **options: Any) -> AsyncIterator[WatchEvent]:
        async for event in self._store.watch(type, *args, **options):
            if type == STAGE_RUN.type:
                await self.news.wait()
            yield event


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with World.opened(tmp_path) as world:
        await world.learn_tekton()
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
        await apply_job_stage(world, awx)
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


async def test_a_job_that_was_launched_is_found_again_by_news_from_before_it(scene: Scene) -> None:
    world = scene.world
    store = late(world)
    store.loses_jobs = True
    with FakeAwx() as awx:
        await apply_job_stage(world, awx)
        async with world.runner(Life()):
            await world.start("main-1", "main")
            async with asyncio.timeout(PATIENCE):
                await store.lost_a_job.wait()
            await turns()
            await told(world)
            job = (await scene.until(lambda: launched(world), passing=0.1))["id"]
            assert [each["id"] for each in awx.launched()] == [job]


async def test_what_is_remembered_from_before_an_attempt_is_not_taken_for_what_came_after_it(scene: Scene) -> None:
    late(scene.world).news.set()
    scene.executor.may_go_on.clear()
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.until(lambda: is_made(scene))
        await turns()
        late(scene.world).is_forgetful = True
        scene.executor.may_go_on.set()
        await scene.stage(waitsOn="Object")
        await scene.tekton_says("True", "Succeeded", "build-1")
        assert (await scene.stage(phase="Succeeded"))["status"]["attempt"] == 1


async def test_the_object_of_an_attempt_before_the_one_at_work_is_stopped(scene: Scene) -> None:
    await scene.start(timeout="5m", retries=1)
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object", attempt=1)
        await scene.until(lambda: waits_again(scene.world), passing=10)
        await told(scene.world)
        await scene.asked_to_stop("build-1")
        assert "status" not in (await scene.pipeline_run("build-2"))["spec"]


async def waits_again(world: World) -> bool:
    """Whether the second attempt waits for its object."""
    status = ((await world.stage_run("main-1", "Build")) or {}).get("status") or {}
    return (status.get("attempt"), status.get("waitsOn")) == (2, "Object")


async def apply_job_stage(world: World, awx: FakeAwx) -> None:
    """A strategy of one stage, whose job goes on until it is ended."""
    awx.template("deploy", Script(hold=True))
    connection = {"url": awx.url, "secret": "awx", "pollInterval": "200ms"}
    bindings = [binding("Build", "JobTemplateStage", [match("Start")])]
    await world.apply([
        {**secret("awx", token=awx.new_token()), "metadata": {"name": "awx", "namespace": "kabanero"}},
        resource("JobTemplateStage", "build", {"jobTemplate": "deploy", "connection": connection}),
        resource("StrategyDefinition", "main", {"stageBindings": bindings}),
    ])  # fmt: skip


async def launched(world: World) -> Resource | None:
    """What the StageRun says of its job, once there is one."""
    found = await world.stage_run("main-1", "Build")
    job = ((found or {}).get("status") or {}).get("job") or {}
    return job if job.get("id") else None


async def turns() -> None:
    """Whoever can go on has done so."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


def late(world: World) -> LateStore:
    """The world's store."""
    assert isinstance(world.store, LateStore)
    return world.store


async def told(world: World) -> None:
    """The news comes, and is heeded."""
    late(world).news.set()
    async with asyncio.timeout(PATIENCE):
        for _ in range(ROUNDS):
            await asyncio.sleep(0.004)
