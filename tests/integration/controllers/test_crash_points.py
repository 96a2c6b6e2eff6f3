"""A runner that dies between any two of its writes: the next one brings the run to the same end, no work done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key

from tests.integration.controllers.world import PATIENCE, People, World
from tests.support.mortal import Life
from tests.support.runner import resource
from tests.support.strategies import binding, match, playbook_stage, strategy
from tests.support.work import Ending, failed, made


@dataclass(frozen=True)
class Story:
    """A strategy, how its work goes, what people do, and what must come of it."""

    bindings: list[dict[str, Any]]
    ends: str
    people: People
    endings: dict[str, Ending] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)


async def nobody(world: World, run: str) -> None:
    """Nobody does anything."""


async def approver(world: World, run: str) -> None:
    """Approves what waits for approval."""
    found = await world.stage_run(run, "Approval")
    if found and found.get("status", {}).get("waitsOn") == "Approval" and "approval" not in found["spec"]:
        await world.change(found, approval={"decision": "Approved", "by": "champ"})


async def canceller(world: World, run: str) -> None:
    """Cancels the run as soon as its first stage is under way."""
    found = await world.run(run)
    if world.executor.begun[f"{run} Build.1"] and not found["spec"].get("cancel"):
        await world.change(found, cancel=True)


async def canceller_of_what_waits(world: World, run: str) -> None:
    """Cancels the run when nothing is under way in it."""
    found, build = await world.run(run), await world.stage_run(run, "Build")
    if build and build.get("status", {}).get("phase") == "Succeeded" and not found["spec"].get("cancel"):
        await world.change(found, cancel=True)


async def retrier(world: World, run: str) -> None:
    """Wants the failed stage once more after the run has ended."""
    found = await world.run(run)
    build = await world.stage_run(run, "Build")
    ended = found.get("status", {}).get("completionTime")
    if ended and build and build.get("status", {}).get("phase") == "Failed" and "attempt" not in build["spec"]:
        await world.change(build, attempt=2)


async def deleter(world: World, run: str) -> None:
    """Deletes the StageRun of a stage that waits, and that of one whose work goes on."""
    for stage, wanted in (("Deploy", True), ("Build", world.executor.begun[f"{run} Build.1"])):
        found = await world.stage_run(run, stage)
        if found and wanted:
            await world.delete(Key(STAGE_RUN.type, "kabanero", found["metadata"]["name"]))


async def deleter_ahead(world: World, run: str) -> None:
    """Deletes the StageRun of a stage before it is triggered, then lets the stage before it end.

    Not before the run has triggered anything: until then what is missing may never have been made, and is made.
    """
    deploy, build = await world.stage_run(run, "Deploy"), await world.stage_run(run, "Build")
    if not build or not build.get("status"):
        return
    if deploy and not deploy.get("status"):
        await world.delete(Key(STAGE_RUN.type, "kabanero", deploy["metadata"]["name"]))
    elif not deploy:
        world.executor.end_all(f"{run} Build.1")


BOUND = {"output": [{"stageVariable": "image", "strategyVariable": "note"}]}
BUILD = binding("Build", "PlaybookStage", [match("Start")], resourceBindings=BOUND)
DEPLOY = binding("Deploy", "PlaybookStage", [match("Build", "Success")])
STORIES = {
    "main": Story(
        [
            BUILD,
            binding("FVT", "PlaybookStage", [match("Build", "Success")], retries=1),
            binding("SVT", "PlaybookStage", [match("Build", "Success")]),
            binding("Undo", "PlaybookStage", [match("SVT", "Failed")]),
            binding("Approval", "EmailApprovalStage", [match("FVT", "Success"), match("Undo", "Success")]),
            binding("Deploy", "PlaybookStage", [match("Approval", "Success")]),
            binding("Never", "PlaybookStage", [match("SVT", "Success")]),
        ],
        "Succeeded",
        approver,
        {"FVT.1": failed(), "SVT": failed(), "Build": made(image="app:1")},
    ),
    "cancelled": Story([BUILD, DEPLOY], "Cancelled", canceller, {"Build": None}),
    "cancelled while idle": Story(
        [BUILD, binding("Deploy", "PlaybookStage", [match("Go")])],
        "Cancelled",
        canceller_of_what_waits,
        spec={"externalEvents": ["Go"]},
    ),
    "retried": Story([BUILD, DEPLOY], "Succeeded", retrier, {"Build.1": failed()}),
    "ended at once": Story([DEPLOY], "Succeeded", nobody),
    "deleted": Story([BUILD, DEPLOY, binding("Undo", "PlaybookStage", [match("Build", "Cancelled")])],
                     "Succeeded", deleter, {"Build": None}),
    "deleted ahead": Story([BUILD, DEPLOY], "Failed", deleter_ahead, {"Build": None}),
}  # fmt: skip


async def prepared(world: World, story: Story) -> None:
    world.executor.endings.update(story.endings)
    twice = {"onInterrupted": "Retry"} if world.begins_early else {}
    await world.apply([playbook_stage(name, **twice) for name in ("build", "fvt", "svt", "undo", "deploy", "never")])
    await world.apply([resource("EmailApprovalStage", "approval", {"message": "Deploy it?"})])
    await world.apply(strategy("story", story.bindings, **story.spec)[:1])


async def told(world: World, story: Story, run: str, deaths: list[int]) -> int:
    """Lets one run happen, with a runner that dies at each of these writes; returns how many the last one made."""
    await world.start(run, "story")
    for last in deaths:
        life = Life(last)
        async with world.runner(life):
            await first_of(life.over.wait(), world.settled(run, story.people, story.ends))
    life = Life()
    async with world.runner(life):
        await world.settled(run, story.people, story.ends)
    return life.writes


async def first_of(*coroutines: Any) -> None:
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    for each in rest:
        each.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for each in done:
        each.result()


def deaths_of(number: int) -> dict[str, Callable[[], list[int]]]:
    return {"once": lambda: [number], "twice": lambda: [number, number * 7 % 11 + 1]}


@pytest.mark.parametrize("ends", ["over the bus", "told", "told, begun early"])
@pytest.mark.parametrize("name", STORIES)
async def test_killed_before_any_write_the_run_comes_to_the_same_end(tmp_path: Path, name: str, ends: str) -> None:
    story = STORIES[name]
    async with World.opened(tmp_path) as world:
        world.tells_runs, world.begins_early = ends.startswith("told"), ends.endswith("early")
        await prepared(world, story)
        writes = await told(world, story, "undisturbed", [])
        expected = await world.comes_to("undisturbed")
        assert expected["phase"] == story.ends
        assert set(expected["work"].values()) <= {1}
        for number in range(1, writes + 1):
            for how, deaths in deaths_of(number).items():
                run = f"killed-{number}-{how}"
                try:
                    await told(world, story, run, deaths())
                except TimeoutError:
                    pytest.fail(f"killed {how} before write {number}, the run never ends: {await world.run(run)}")
                assert await world.comes_to(run) == expected, f"killed {how} before write {number}"
        await world.hear_all_again()
        async with world.runner(Life()):
            await told(world, story, "afterwards", [])
        for number in range(1, writes + 1):
            assert await world.comes_to(f"killed-{number}-once") == expected
