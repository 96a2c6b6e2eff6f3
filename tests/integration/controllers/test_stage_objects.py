"""Stages whose playbook leaves the rest to a PipelineRun: carried on, cancelled, timed out, deleted, taken up again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.errors import AlreadyExistsError, NotFoundError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key, Resource
from kabanero.ports import Progress, Work, WorkResult, WorkStatus, ignore_progress

from tests.integration.controllers.world import PATIENCE, World
from tests.support.mortal import Life
from tests.support.runner import resource
from tests.support.strategies import binding, match
from tests.support.tekton import PIPELINE_RUN, ended, pipeline_run
from tests.support.work import ScriptedExecutor

ELSEWHERE = "builds"


class TektonExecutor(ScriptedExecutor):
    """Makes a PipelineRun as the stage's playbook does, in a namespace of its own, then says what is waited for."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.interrupted_after: set[str] = set()
        self.interrupted_before: set[str] = set()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def carry_out(self, work: Work, report: Callable[[Progress], None] = ignore_progress) -> WorkResult:
        variables = work.extra_vars
        name = f"{variables['stage_name'].lower()}-{variables['stage_attempt']}"
        if name in self.interrupted_before:
            return WorkResult(WorkStatus.ERRORED, "Interrupted", "nobody knows")
        with contextlib.suppress(AlreadyExistsError):
            uid, attempt = variables["stage_run_uid"], variables["stage_attempt"]
            await self._world.store.create(pipeline_run(name, ELSEWHERE, uid=uid, attempt=attempt))
        if name in self.interrupted_after:
            return WorkResult(WorkStatus.ERRORED, "Interrupted", "nobody knows")
        self.works[work.ident] = work
        await self.may_go_on.wait()
        there = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": name, "namespace": ELSEWHERE}
        return WorkResult(WorkStatus.WAITING, waiting_for=there)


class Scene:
    """One strategy, Build then Deploy, both Tekton's, and what people and Tekton do."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.executor = TektonExecutor(world)
        world.executor = self.executor

    async def start(self, **build: Any) -> None:
        declared = {"output": [{"name": "image", "type": "image"}]}
        for name, more in (("build", build), ("deploy", {})):
            spec = {"pipelineName": name, "resources": declared, **more}
            await self.world.apply([resource("TektonStage", name, spec)])
        bound = {"output": [{"stageVariable": "image", "strategyVariable": "app"}]}
        bindings = [
            binding("Build", "TektonStage", [match("Start")], resourceBindings=bound),
            binding("Deploy", "TektonStage", [match("Build", "Success")]),
        ]
        spec = {"strategyVariables": [{"name": "app", "type": "image"}], "stageBindings": bindings}
        await self.world.apply([resource("StrategyDefinition", "main", spec)])
        await self.world.start("main-1", "main")

    async def until(self, check: Callable[[], Any], *, passing: float = 0.0) -> Any:
        """What `check` finds at last; so many seconds pass for each look."""
        async with asyncio.timeout(PATIENCE):
            while not (found := await check()):
                await asyncio.sleep(0.005)
                if passing:
                    self.world.clock.advance(passing)
            return found

    async def stage(self, name: str = "Build", **wanted: Any) -> Resource:
        """The StageRun, once its status is as wanted."""

        async def look() -> Resource | None:
            found = await self.world.stage_run("main-1", name)
            status = (found or {}).get("status") or {}
            return found if all(status.get(key) == value for key, value in wanted.items()) else None

        return await self.until(look)  # type: ignore[no-any-return]

    async def pipeline_run(self, name: str = "build-1") -> Resource:
        return await self.world.store.get(Key(PIPELINE_RUN, ELSEWHERE, name))

    async def asked_to_stop(self, name: str = "build-1", *, passing: float = 0.0) -> None:
        async def look() -> bool:
            return (await self.pipeline_run(name))["spec"].get("status") == "CancelledRunFinally"

        await self.until(look, passing=passing)

    async def tekton_says(self, truth: str, reason: str, name: str = "build-1", **results: Any) -> None:
        await self.world.store.update(ended(await self.pipeline_run(name), truth, reason, **results), status=True)

    async def phases(self, passing: float = 0.0) -> dict[str, str]:
        """Of the run and its stages, once the run has ended."""

        async def look() -> dict[str, str] | None:
            status = (await self.world.run("main-1")).get("status") or {}
            if not status.get("completionTime"):
                return None
            return {"": status["phase"], **{each["name"]: each["phase"] for each in status["stages"]}}

        return await self.until(look, passing=passing)  # type: ignore[no-any-return]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with World.opened(tmp_path) as world:
        await world.learn_tekton()
        yield Scene(world)


async def test_results_reach_the_strategys_variables_and_the_next_stage(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        await scene.tekton_says("True", "Succeeded", **{"image-url": "registry/shop:1", "image-digest": "sha256:ab"})
        deploy = await scene.stage("Deploy", waitsOn="Object")
        assert deploy["status"]["variables"]["app"] == {"location": "registry/shop:1", "digest": "sha256:ab"}
        await scene.tekton_says("True", "Completed", "deploy-1")
        assert await scene.phases() == {"": "Succeeded", "Build": "Succeeded", "Deploy": "Succeeded"}


async def test_a_stage_that_ended_before_its_playbook_does_leaves_no_pipeline_run_behind(scene: Scene) -> None:
    scene.executor.may_go_on.clear()
    await scene.start()
    async with scene.world.runner(Life()):
        stage_run = await scene.stage(phase="Triggered")
        await scene.until(lambda: is_made(scene))
        ended = {**stage_run["status"], "phase": "TimedOut"}
        await scene.world.store.update({**stage_run, "status": ended}, status=True)
        scene.executor.may_go_on.set()
        await scene.asked_to_stop()


async def test_a_cancel_before_the_stage_run_says_what_is_waited_for_stops_what_the_playbook_made(scene: Scene) -> None:
    scene.executor.may_go_on.clear()
    await scene.start()
    async with scene.world.runner(Life()):
        stage_run = await scene.stage(phase="Triggered")
        await scene.until(lambda: is_made(scene))
    await scene.world.change(stage_run, cancel=True)
    async with scene.world.runner(Life()):
        assert (await scene.phases())["Build"] == "Cancelled"
        await scene.asked_to_stop()


async def is_made(scene: Scene) -> bool:
    """Whether the stage's PipelineRun is there."""
    try:
        return bool(await scene.pipeline_run())
    except NotFoundError:
        return False


async def test_people_find_the_pipeline_run_while_it_goes_on(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        status = (await scene.stage(waitsOn="Object"))["status"]
        assert status["links"] == {"PipelineRun": f"/apis/tekton.dev/v1/namespaces/{ELSEWHERE}/pipelineruns/build-1"}


@pytest.mark.parametrize(
    ("reason", "phase"),
    [
        ("Failed", "Failed"),
        ("PipelineRunTimeout", "TimedOut"),
        ("Cancelled", "Cancelled"),
        ("ParameterMissing", "Errored"),
    ],
)
async def test_the_stage_ends_as_tekton_says(scene: Scene, reason: str, phase: str) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        await scene.tekton_says("False", reason)
        build = await scene.stage(phase=phase)
        assert build["status"]["reason"] == reason
        assert (await scene.phases())["Deploy"] == "Skipped"


async def test_cancelling_the_run_lets_the_pipeline_end_in_order(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        await scene.world.change(await scene.world.run("main-1"), cancel=True)
        await scene.asked_to_stop()
        assert (await scene.stage())["status"]["phase"] == "Running"
        await scene.tekton_says("False", "Cancelled")
        assert await scene.phases() == {"": "Cancelled", "Build": "Cancelled", "Deploy": "Skipped"}


async def test_a_cancelled_pipeline_that_never_ends_is_not_waited_for_for_ever(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        await scene.world.change(await scene.world.run("main-1"), cancel=True)
        await scene.asked_to_stop()
        assert (await scene.phases(passing=1))["Build"] == "Cancelled"


async def test_a_cancel_is_seen_through_by_the_next_runner(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        stage_run = await scene.stage(waitsOn="Object")
    await scene.world.change(stage_run, cancel=True)
    async with scene.world.runner(Life()):
        await scene.asked_to_stop()
        await scene.tekton_says("False", "Cancelled")
        assert (await scene.phases())["Build"] == "Cancelled"


async def test_tekton_has_a_little_longer_than_the_stage(scene: Scene) -> None:
    await scene.start(timeout="5m")
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        (work,) = scene.executor.works.values()
        assert work.extra_vars["stage_timeout"] == 300
        scene.world.clock.advance(301)
        await scene.tekton_says("False", "PipelineRunTimeout")
        assert (await scene.stage(phase="TimedOut"))["status"]["reason"] == "PipelineRunTimeout"


async def test_a_pipeline_that_outlasts_the_stage_is_stopped(scene: Scene) -> None:
    await scene.start(timeout="5m")
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
        await scene.asked_to_stop(passing=10)
        assert (await scene.stage(phase="TimedOut"))["status"]["reason"] == "DeadlineExceeded"


async def test_the_pipeline_of_an_attempt_that_timed_out_is_stopped_before_the_next_ends(scene: Scene) -> None:
    await scene.start(timeout="5m", retries=1)
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object", attempt=1)
        await scene.asked_to_stop(passing=10)
        await scene.stage(waitsOn="Object", attempt=2)
        await scene.tekton_says("True", "Succeeded", "build-2")
        await scene.stage(phase="Succeeded")


async def test_deleting_the_stage_run_stops_its_pipeline_in_another_namespace(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        stage_run = await scene.stage(waitsOn="Object")
        await scene.world.delete(Key(STAGE_RUN.type, "kabanero", stage_run["metadata"]["name"]))
        await scene.asked_to_stop()
        assert (await scene.phases())["Build"] == "Cancelled"


async def test_the_next_runner_goes_on_waiting(scene: Scene) -> None:
    await scene.start()
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object")
    await scene.tekton_says("True", "Succeeded", **{"image-url": "registry/shop:1"})
    async with scene.world.runner(Life()):
        deploy = await scene.stage("Deploy", waitsOn="Object")
        assert deploy["status"]["variables"]["app"] == {"location": "registry/shop:1"}


async def test_what_an_interrupted_playbook_has_made_is_taken_up(scene: Scene) -> None:
    await scene.start()
    scene.executor.interrupted_after = {"build-1"}
    async with scene.world.runner(Life()):
        assert (await scene.stage(waitsOn="Object"))["status"]["attempt"] == 1
        await scene.tekton_says("True", "Succeeded")
        await scene.stage("Deploy", waitsOn="Object")


async def test_a_playbook_that_was_interrupted_before_it_made_anything_is_played_again(scene: Scene) -> None:
    await scene.start()
    scene.executor.interrupted_before = {"build-1"}
    async with scene.world.runner(Life()):
        await scene.stage(waitsOn="Object", attempt=2)
        await scene.tekton_says("True", "Succeeded", "build-2")
        await scene.stage("Deploy", waitsOn="Object")


async def test_a_placeholder_that_names_nothing_ends_the_stage_before_it_begins(scene: Scene) -> None:
    await scene.start(params={"tag": "${variables.ap}"})
    async with scene.world.runner(Life()):
        status = (await scene.stage(phase="Errored"))["status"]
        assert status["reason"] == "StageInvalid"
        assert "did you mean app?" in status["message"]
        assert not scene.executor.works


async def test_placeholders_are_filled_in_as_plain_values(scene: Scene) -> None:
    await scene.start(params={"tag": "v-${contextID}", "run": "${strategy_run}", "shell": "$(echo)"})
    async with scene.world.runner(Life()):
        context = (await scene.stage(waitsOn="Object"))["spec"]["contextID"]
        (work,) = scene.executor.works.values()
        filled = {"tag": f"v-{context}", "run": "main-1", "shell": "$(echo)"}
        assert work.extra_vars["stage_spec"]["params"] == filled
