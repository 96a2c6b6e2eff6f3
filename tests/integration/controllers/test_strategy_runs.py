"""What a run is told and by whom: the strategy_run and strategy_event controllers over a real store and bus."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kabanero.controllers.control import control_event, read_control
from kabanero.engine.inputs import CancelRequested, StageEnded
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_EVENT, STRATEGY_RUN
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Key
from kabanero.ports import EventQuery, Fate, WorkResult, WorkStatus

from tests.integration.controllers.world import PATIENCE, World
from tests.support.mortal import Life
from tests.support.runner import resource
from tests.support.strategies import binding, match, playbook_stage, strategy

BUILD = binding("Build", "PlaybookStage", [match("Start")])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path) as opened:
        await opened.apply([playbook_stage("build"), playbook_stage("deploy")])
        yield opened


async def nobody(world: World, run: str) -> None:
    """Nobody does anything."""


async def until(world: World, run: str, **wanted: Any) -> dict[str, Any]:
    """The run's status, once it has these values."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status = (await world.run(run)).get("status") or {}
            if all(status.get(name) == value for name, value in wanted.items()):
                return dict(status)
            world.clock.advance(0.05)
            await asyncio.sleep(0.01)


async def happened(seen: Callable[[], bool]) -> None:
    """Returns when it is seen."""
    async with asyncio.timeout(PATIENCE):
        while not seen():
            await asyncio.sleep(0.01)


async def handled(world: World) -> None:
    """Returns when no control event waits."""
    async with asyncio.timeout(PATIENCE):
        while await world.bus.find(EventQuery(topic="kabanero.control", fate=Fate.PENDING)):
            await asyncio.sleep(0.01)


async def test_what_is_told_of_a_run_does_not_reach_a_later_one_of_its_name(world: World) -> None:
    world.executor.endings["Build"] = None
    await world.apply(strategy("one", [BUILD])[:1])
    await world.start("again", "one")
    async with world.runner(Life()):
        old = await until(world, "again", phase="Running")
        uid = (await world.run("again"))["metadata"]["uid"]
        await world.delete(Key(STRATEGY_RUN.type, "kabanero", "again"))
        await world.start("again", "one")
        await until(world, "again", phase="Running")
        end = StageEnded("Build", 1, StagePhase.FAILED)
        names = ("test", "kabanero", "again", old["contextID"], "late", end, world.clock.now())
        await world.bus.publish([control_event(*names, uid=uid)])
        await handled(world)
        assert (await world.run("again"))["status"]["phase"] == "Running"


async def test_a_strategy_that_is_not_there_ends_the_run_with_what_was_meant(world: World) -> None:
    await world.apply(strategy("main", [BUILD])[:1])
    await world.start("typo", "mian")
    async with world.runner(Life()):
        status = await until(world, "typo", phase="Errored")
    assert "did you mean main?" in status["summary"]


async def test_a_later_edit_of_the_strategy_does_not_touch_a_run_that_has_begun(world: World) -> None:
    world.executor.endings["Build"] = None
    definition = strategy("one", [BUILD, binding("Deploy", "PlaybookStage", [match("Build", "Success")])])[0]
    await world.apply([definition])
    await world.start("pinned", "one")
    async with world.runner(Life()):
        await until(world, "pinned", phase="Running")
        await world.store.update({**definition, "spec": {**definition["spec"], "stageBindings": [BUILD]}})
        await happened(lambda: bool(world.executor.works))
        world.executor.end_all("pinned Build.1")
        await world.settled("pinned", nobody, "Succeeded")
    assert [each["name"] for each in (await world.run("pinned"))["status"]["stages"]] == ["Build", "Deploy"]


async def test_an_event_sent_into_a_run_triggers_the_stage_that_waits_for_it(world: World) -> None:
    deploy = binding("Deploy", "PlaybookStage", [match("Go")])
    await world.apply(strategy("open", [BUILD, deploy], externalEvents=["Go"])[:1])
    await world.start("waiting", "open")
    async with world.runner(Life()):
        status = await until(world, "waiting", phase="Running")
        spec = {"contextID": status["contextID"], "data": {"name": "Go"}}
        await world.apply([resource("StrategyEvent", "go", spec)])
        await world.settled("waiting", nobody, "Succeeded")
        sent = await world.store.get(Key(STRATEGY_EVENT.type, "kabanero", "go"))
    assert sent["status"]["emitted"] is True
    assert len(await world.bus.find(EventQuery(topic="KabaneroClient"))) == 1


async def test_an_external_controller_may_end_its_stage_by_the_status_alone(world: World) -> None:
    kind = {"kind": "LoadTest", "controller": "external", "plural": "loadtests"}
    await world.apply([resource("StageKind", "loadtest", kind)])
    from kabanero.controllers.definitions import custom_type

    await world.store.learn(custom_type(resource("StageKind", "loadtest", kind)))
    await world.apply([resource("LoadTest", "load", {})])
    await world.apply(strategy("ext", [binding("Load", "LoadTest", [match("Start")])])[:1])
    await world.start("external", "ext")

    async def controller(world: World, run: str) -> None:
        found = await world.stage_run(run, "Load")
        status = (found or {}).get("status") or {}
        if found and status.get("waitsOn") == "External" and status["phase"] == "Triggered":
            status = {**status, "phase": "Succeeded", "message": "fast enough"}
            with contextlib.suppress(Exception):
                await world.store.update({**found, "status": status}, status=True)

    async with world.runner(Life()):
        await world.settled("external", controller, "Succeeded")
    found = await world.stage_run("external", "Load")
    assert found and found["status"]["message"] == "fast enough"


async def test_interrupted_work_is_done_again_only_where_the_stage_says_so(world: World) -> None:
    interrupted = WorkResult(WorkStatus.ERRORED, "Interrupted", "the machine died")
    world.executor.endings |= {"Build.1": interrupted, "Deploy.1": interrupted}
    await world.apply([playbook_stage("careful"), playbook_stage("bold", onInterrupted="Retry")])
    careful = {**BUILD, "stageRef": {"kind": "PlaybookStage", "name": "careful"}}
    bold = {
        **binding("Deploy", "PlaybookStage", [match("Start")]),
        "stageRef": {"kind": "PlaybookStage", "name": "bold"},
    }
    await world.apply(strategy("two", [careful, bold])[:1])
    await world.start("cut", "two")
    async with world.runner(Life()):
        await world.settled("cut", nobody, "Failed")
    assert (await world.comes_to("cut"))["stages"] == {"Build": ("Errored", 1), "Deploy": ("Succeeded", 2)}


async def test_the_run_of_a_deleted_strategy_run_is_cleared_away_with_its_work(world: World) -> None:
    world.executor.endings["Build"] = None
    await world.apply(strategy("one", [BUILD])[:1])
    await world.start("gone", "one")
    async with world.runner(Life()):
        await happened(lambda: bool(world.executor.works))
        await world.delete(Key(STRATEGY_RUN.type, "kabanero", "gone"))
        (work,) = world.executor.works.values()
        async with asyncio.timeout(PATIENCE):
            assert (await world.executor.carry_out(work)).status is WorkStatus.CANCELLED
    assert not (await world.store.list(STAGE_RUN.type)).items


async def test_a_stage_run_that_was_deleted_while_the_runner_was_away_does_not_leave_its_run_open(world: World) -> None:
    world.executor.endings["Build"] = None
    await world.apply(strategy("one", [BUILD])[:1])
    await world.start("lost", "one")
    async with world.runner(Life()):
        await until(world, "lost", phase="Running")
        await happened(lambda: bool(world.executor.works))
        await until(world, "lost", summary="0/1 stages; running: Build", starting=None)
    found = await world.stage_run("lost", "Build")
    assert found
    await world.delete(Key(STAGE_RUN.type, "kabanero", found["metadata"]["name"]))
    async with world.runner(Life()):
        await world.settled("lost", nobody, "Failed")
    (work,) = world.executor.works.values()
    assert (await world.executor.carry_out(work)).status is WorkStatus.CANCELLED


def test_a_control_event_comes_back_as_it_was_told(world: World) -> None:
    wish = CancelRequested("why not", 3)
    told = read_control(control_event("i", "n", "r", "c", "id", wish, world.clock.now(), uid="u"))
    assert (told.namespace, told.run, told.uid, told.what) == ("n", "r", "u", wish)


async def test_a_run_that_is_found_in_its_start_and_was_to_be_cancelled_meanwhile_is_cancelled(world: World) -> None:
    world.executor.is_full = True  # Else the stage's beginning would be told, and the run looked at again.
    world.executor.endings["Build"] = None
    await world.apply(strategy("ship", [BUILD])[:1])
    await world.start("one", "ship")
    life = Life(last=2)
    async with world.runner(life), asyncio.timeout(PATIENCE):
        await life.over.wait()
    await world.change(await world.run("one"), cancel=True)
    async with world.runner(Life()):
        await world.settled("one", nobody, "Cancelled")
