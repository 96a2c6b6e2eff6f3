"""`explain RUN [STAGE]` on runs that are told by hand: what is printed, as text and as data, and how runs are named."""

from __future__ import annotations

import json
import re

import pexpect
import pytest
import yaml

from tests.integration.cli.world import KABANERO, LATER, STRATEGY, Story, World

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BUILT = {"name": "Build", "status": "Success"}


@pytest.fixture
def story(world: World) -> Story:
    """Built; FVT has failed, SVT runs."""
    world.create(STRATEGY)
    story = Story(world).begin()
    story.stage("build", "Succeeded", triggeredBy=["start"], completionTime=LATER).event("build/1/0", "build", **BUILT)
    failed = {"reason": "TaskFailed", "message": "test 7: exit 2", "completionTime": LATER}
    story.stage("FVT", "Failed", triggeredBy=["build/1/0"], **failed)
    story.event("FVT/1/0", "FVT", name="FVT", status="Failed")
    work = {"waitsOn": "Playbook", "progress": {"task": "Run load"}}
    return story.stage("SVT", "Running", work, triggeredBy=["build/1/0"], waitsOn="Playbook").write()


def block(text: str, stage: str) -> str:
    """What is said of one stage."""
    return next(part for part in text.split("\n\n") if part.splitlines()[0][2:].startswith(f"{stage} "))


def test_says_of_the_run_what_it_waits_for(world: World, story: Story) -> None:
    head = world.run("explain", "@latest").out.split("\n\n")[0]
    assert head.startswith("main-7f3a  main  Running")
    assert "◷ waits for SVT: its playbook runs (Run load)" in head


def test_says_of_a_clause_by_which_event_it_is_met(world: World, story: Story) -> None:
    assert "✔ Build with status Success" in block(world.run("explain", story.name).out, "SVT")
    assert "from build" in block(world.run("explain", story.name).out, "SVT")


def test_says_of_a_clause_that_is_not_met_why_not(world: World, story: Story) -> None:
    found = block(world.run("explain", story.name).out, "approval")
    assert "✘ FVT with status Success\n        · FVT happened with status Failed, wanted: Success" in found
    assert "◷ SVT with status Success\n        ◷ SVT is Running and sends it when it ends with Success" in found


def test_one_stage_by_a_beginning_of_its_name(world: World, story: Story) -> None:
    found = world.run("explain", "7f3a", "dep").out
    assert "deploy  Waiting" in found and "SVT  Running" not in found
    assert "approval sends it, but waits itself for FVT with status Success and SVT with status Success" in found


def test_a_stage_that_failed_names_reason_and_log(world: World, story: Story) -> None:
    found = world.run("explain", story.name, "FVT").out
    assert "its work failed: TaskFailed: test 7: exit 2" in found
    assert "kabanero logs main-7f3a FVT" in found


def test_a_stage_that_asks_names_the_command_to_answer(world: World, story: Story) -> None:
    story.stage("approval", "Running", {"waitsOn": "Approval"}, triggeredBy=["x", "y"]).write()
    assert "kabanero approve main-7f3a approval" in world.run("explain", story.name).out


def test_the_same_as_json_and_as_yaml(world: World, story: Story) -> None:
    found = json.loads(world.run("explain", story.name, "-o", "json").out)
    assert (found["run"], found["strategy"], found["phase"]) == ("main-7f3a", "main", "Running")
    approval = next(stage for stage in found["stages"] if stage["name"] == "approval")
    obstacles = [clause["alternatives"][0]["obstacles"] for clause in approval["clauses"]]
    assert [found[-1]["possible"] for found in obstacles] == [False, True]
    assert yaml.safe_load(world.run("explain", story.name, "-o", "yaml").out) == found


def test_one_stage_as_json(world: World, story: Story) -> None:
    found = json.loads(world.run("explain", story.name, "build", "-o", "json").out)
    assert (found["name"], found["clauses"][0]["metBy"]["text"]) == ("build", "Start_build")


def test_a_run_that_has_not_begun_says_so(world: World) -> None:
    world.create(STRATEGY)
    world.run("submit", "main", "--name", "fresh")
    assert "has not begun: the runner has not taken it up yet" in world.run("explain", "fresh").out
    assert world.run("explain", "fresh", "build").code == 5


def test_a_wrong_stage_is_answered_with_the_near_one(world: World, story: Story) -> None:
    done = world.run("explain", story.name, "bild")
    assert (done.code, "did you mean build?" in done.err) == (3, True)


def test_hostile_names_and_messages_are_only_text(world: World, story: Story) -> None:
    story.stage("SVT", "Failed", message="\x1b[2J\u202eabc", completionTime=LATER).write()
    story.event("e9", name="FVT", status="\x1b]0;x\x07").write()
    for output in ("table", "json", "yaml"):
        assert not set("\x1b\x07\u202e") & set(world.run("explain", story.name, "-o", output).out)


def test_long_lines_are_broken_on_a_terminal_and_colours_are_on(world: World, story: Story) -> None:
    env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **world.environment()}
    child = pexpect.spawn(KABANERO, ["explain", "@latest"], env=env, dimensions=(24, 60), encoding="utf-8", timeout=15)
    shown = child.read()
    assert "\x1b[32m✔" in shown
    assert max(len(line) for line in COLOUR.sub("", shown).splitlines()) <= 60
