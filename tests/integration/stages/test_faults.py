"""Processes that die, several at once, runners that restart: no attempt is lost and none is carried out twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stages.world import World, definitions
from tests.support import runs
from tests.support.runner import Runner


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """A world with a runner of its own, which may be killed."""
    with Runner(tmp_path / "runner") as runner:
        runner.apply(*definitions())
        made = World(runner, tmp_path)
        yield made
        made.close()


def test_what_a_killed_process_did_is_errored_by_its_successor(world: World) -> None:
    first = world.program(gone_after=2)
    run = world.begun(world.start("work-command"))
    runs.wait(lambda: len(world.commands(first)) >= 5)
    left = world.commands(first)
    first.kill()
    world.program(gone_after=2)
    stage = world.ended(run)
    assert (stage["phase"], stage["reason"]) == ("Errored", "Interrupted")
    assert len(world.marks("begun")) == 1
    runs.wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def test_work_that_may_be_begun_twice_is_taken_up_again_after_a_kill(world: World) -> None:
    world.program(gone_after=2).kill()
    first = world.program(gone_after=2)
    run = world.begun(world.start("workagain-go"))
    first.kill()
    second = world.program(gone_after=2)
    world.begun(run, times=2)
    world.go(run)
    assert world.settled(run)["outputs"]["report"]["location"] == f"by {second.process.pid}"
    assert world.ended(run)["attempt"] == 1


def test_a_stop_hands_work_that_may_be_begun_twice_to_the_others_at_once(world: World) -> None:
    first = world.program()
    run = world.begun(world.start("workagain-go"))
    assert first.stop() == 0
    status = world.status(run)
    assert (status["phase"], status["waitsOn"]) == ("Triggered", "External")
    assert "claim" not in status
    world.program()
    world.begun(run, times=2)
    world.go(run)
    assert world.ended(run)["phase"] == "Succeeded"


def test_a_stop_ends_other_work_as_interrupted(world: World) -> None:
    program = world.program()
    run = world.begun(world.start("work-command"))
    program.stop()
    stage = world.ended(run)
    assert (stage["phase"], stage["reason"]) == ("Errored", "Interrupted")


def test_of_two_processes_one_carries_each_attempt_out(world: World) -> None:
    programs = [world.program("--parallel", "8") for _ in range(2)]
    started = [world.start("workagain-go") for _ in range(12)]
    for run in started:
        world.begun(run)
        world.go(run)
    assert [world.ended(run)["phase"] for run in started] == ["Succeeded"] * len(started)
    begun = world.marks("begun")
    assert len(begun) == len(started)
    assert {mark.split()[-1] for mark in begun} <= {str(program.process.pid) for program in programs}


def test_a_process_that_was_held_for_long_finds_its_work_taken_over(world: World) -> None:
    first = world.program(gone_after=2)
    run = world.begun(world.start("workagain-go"))
    os.kill(first.process.pid, signal.SIGSTOP)
    second = world.program(gone_after=2)
    world.begun(run, times=2)
    os.kill(first.process.pid, signal.SIGCONT)
    runs.wait(lambda: "has the claim" in first.said)
    world.go(run)
    assert world.settled(run)["outputs"]["report"]["location"] == f"by {second.process.pid}"


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_work_goes_on_while_the_runner_is_away(own: World, end: str) -> None:
    own.program()
    run = own.begun(own.start("work-go"))
    getattr(own.runner, end)()
    runs.wait(lambda: "can't be renewed yet" in own.processes[0].said)
    own.go(run)
    runs.wait(lambda: "end can't be written yet" in own.processes[0].said)
    own.runner.start()
    assert own.ended(run)["phase"] == "Succeeded"
    assert len(own.marks("begun")) == 1


def test_work_that_may_be_begun_twice_stops_before_another_could_take_it_up(own: World) -> None:
    program = own.program(gone_after=2)
    run = own.begun(own.start("workagain-command"))
    runs.wait(lambda: own.commands(program))
    own.runner.kill()
    runs.wait(lambda: "could not be renewed in time" in program.said)
    runs.wait(lambda: not own.commands(program))
    own.runner.start()
    own.begun(run, times=2)
    assert own.status(run)["attempt"] == 1


def test_a_stage_that_was_triggered_while_no_process_ran_is_carried_out_later(world: World) -> None:
    run = world.start("work-go")
    runs.waits_on(world.runner, run, "work", "External")
    world.go(run)
    world.program()
    assert world.ended(run)["phase"] == "Succeeded"


def test_a_runner_that_comes_back_at_another_address_is_found(own: World) -> None:
    own.program()
    own.runner.stop()
    own.runner.port = 0
    own.runner.start()
    run = own.start("work-go")
    own.go(run)
    assert own.ended(run)["phase"] == "Succeeded"


def test_a_runner_with_another_history_is_followed_from_a_new_list(own: World) -> None:
    """As after a backup was put back: the version that the watch goes on from was never reached."""
    program = own.program()
    for _ in range(3):
        own.ended(own.start("work-fail"))
    own.runner.stop()
    for file in own.runner.data.glob("store.db*"):
        file.unlink()
    own.runner.start()
    runs.wait(lambda: "Lists the StageRuns of Work again" in program.said)
    own.runner.apply(*definitions())
    run = own.start("work-fail")
    assert own.ended(run)["phase"] == "Failed"
