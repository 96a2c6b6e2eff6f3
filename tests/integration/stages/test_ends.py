"""How custom work ends, reports and is cancelled, on a real runner."""

from __future__ import annotations

from pathlib import Path

from tests.integration.stages.world import World, hasty
from tests.support import runs


def test_the_outputs_and_progress_of_the_work_are_the_stages(world: World) -> None:
    world.program()
    run = world.begun(world.start("work-go"))
    running = runs.wait(lambda: (status := world.status(run)).get("progress") and status)
    assert (running["phase"], running["waitsOn"]) == ("Running", "External")
    assert running["progress"] == {"message": "half way", "percent": 50}
    assert running["links"] == {"log": "https://ci.example.com/1"}

    world.go(run)
    ended = world.settled(run)
    assert ended["phase"] == "Succeeded"
    assert ended["outputs"]["report"] == {"location": f"by {world.processes[0].process.pid}", "nothing": None}
    assert "claim" not in ended and "progress" not in ended


def test_work_that_says_that_it_failed_fails_the_stage(world: World) -> None:
    world.program()
    ended = world.settled(world.start("work-fail"))
    assert (ended["phase"], ended["reason"], ended["message"]) == ("Failed", "TestsFailed", "2 of 40 tests failed")
    assert ended["outputs"] == {"report": {"location": "report.html"}}


def test_an_exception_makes_the_stage_errored_and_names_its_place(world: World) -> None:
    world.program()
    stage = world.ended(world.start("work-crash"))
    assert (stage["phase"], stage["reason"]) == ("Errored", "KeyError")
    assert stage["message"].startswith("KeyError: 'source' (program.py:")


def test_an_output_that_the_stage_does_not_have_is_answered_with_the_one_that_was_meant(world: World) -> None:
    world.program()
    stage = world.ended(world.start("work-misname"))
    assert (stage["phase"], stage["reason"]) == ("Errored", "BadOutputs")
    assert "did you mean report?" in stage["message"]


def test_failed_work_is_tried_again_as_the_strategy_says(world: World) -> None:
    world.runner.apply(hasty("Work", "fail", retries=2))
    world.program()
    run = world.start("work-fail-hasty")
    assert world.ended(run)["attempt"] == 3
    assert [mark.split()[2] for mark in world.marks("begun")] == ["1", "2", "3"]


def test_a_cancelled_run_leaves_no_process(world: World) -> None:
    program = world.program()
    run = world.begun(world.start("work-command"))
    runs.wait(lambda: len(world.commands(program)) >= 5)
    runs.patch(world.runner, "strategyruns", run, {"cancel": True})
    assert world.ended(run)["phase"] == "Cancelled"
    runs.wait(lambda: not world.commands(program))
    runs.wait(lambda: world.marks("cleaned up"))
    assert world.marks("told")
    assert not Path(world.marks("workspace")[0].split()[1]).exists()


def test_a_cancelled_stage_ends_an_async_function(world: World) -> None:
    world.program()
    run = world.begun(world.start("asyncwork-go"))
    world.patch(run, {"cancel": True})
    assert world.ended(run)["phase"] == "Cancelled"
    runs.wait(lambda: world.marks("task cancelled"))


def test_an_async_function_succeeds(world: World) -> None:
    world.program()
    run = world.start("asyncwork-go")
    world.go(run)
    assert world.settled(run)["outputs"] == {"report": {"location": "async"}}


def test_work_whose_stage_run_is_deleted_ends(world: World) -> None:
    program = world.program()
    run = world.begun(world.start("work-command"))
    runs.wait(lambda: world.commands(program))
    world.delete(run)
    runs.wait(lambda: not world.commands(program))
    assert world.ended(run)["phase"] == "Cancelled"


def test_work_that_takes_too_long_is_timed_out_and_ended(world: World) -> None:
    world.runner.apply(hasty("Work", "command", timeout="1s"))
    program = world.program()
    run = world.begun(world.start("work-command-hasty"))
    assert world.ended(run)["phase"] == "TimedOut"
    runs.wait(lambda: not world.commands(program))


def test_no_more_than_the_limit_is_carried_out_at_once(world: World) -> None:
    world.program("--parallel", "2")
    started = [world.start("work-go") for _ in range(4)]
    runs.wait(lambda: len(world.marks("begun")) == 2)
    runs.wait(lambda: sum(world.status(run).get("waitsOn") == "External" for run in started) == 4)
    assert len(world.marks("begun")) == 2
    for run in started:
        world.go(run)
    assert [world.ended(run)["phase"] for run in started] == ["Succeeded"] * 4
