"""Joins, alternatives, compensation, ends, retries and values, each by one example."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.engine.commands import CancelStage, PublishEvent, SettleStage, StartStage
from kabanero.engine.inputs import (
    CancelRequested,
    EventArrived,
    Input,
    RetryRequested,
    StageCancelRequested,
    StageEnded,
    StageStarted,
)
from kabanero.engine.reducer import Step, reduce
from kabanero.model.errors import InvalidError
from kabanero.model.kinds.runs import RunPhase, RunStatus, StagePhase, WaitsOn

from tests.unit.engine.worlds import NOW, started

OK, BAD = StagePhase.SUCCEEDED, StagePhase.FAILED


def stage(name: str, *triggers: dict[str, Any], **more: Any) -> dict[str, Any]:
    emit = [{"name": name, "status": "$stage_status"}]
    return {"stageName": name, "stageRef": {"kind": "K", "name": "k"}, "triggers": triggers, "emit": emit, **more}


def on(name: str, status: str = "") -> dict[str, Any]:
    return {"match": {"name": name, "status": status} if status else {"name": name}}


def either(*matches: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": list(matches)}


def definition(*stages: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "any", "generation": 1}, "spec": {"stageBindings": list(stages), **spec}}


def run_of(*stages: dict[str, Any], **spec: Any) -> RunStatus:
    return started(definition(*stages, **spec)).status


def ended(name: str, phase: StagePhase = OK, attempt: int = 1, **more: Any) -> StageEnded:
    return StageEnded(name, attempt, phase, **more)


def after(status: RunStatus, *inputs: Input) -> RunStatus:
    for each in inputs:
        status = reduce(status, each, NOW).status
    return status


def phases(status: RunStatus) -> dict[str, str]:
    return {each.name: each.phase.value for each in status.stages}


def planned(status: RunStatus, name: str) -> Any:
    return next(each for each in status.stages if each.name == name)


def commands(step: Step, kind: type) -> list[Any]:
    return [each for each in step.commands if isinstance(each, kind)]


START = stage("Build", on("Start"))
JOIN = [START, stage("FVT", on("Build", "Success")), stage("SVT", on("Build", "Success"))]
JOIN = [*JOIN, stage("Deploy", on("FVT", "Success"), on("SVT", "Success"))]


class TestTriggering:
    def test_stages_that_wait_for_one_event_start_side_by_side(self) -> None:
        step = reduce(run_of(*JOIN), ended("Build"), NOW)
        assert [each.stage for each in commands(step, StartStage)] == ["FVT", "SVT"]

    def test_a_join_waits_until_every_entry_has_happened(self) -> None:
        status = after(run_of(*JOIN), ended("Build"), ended("FVT"))
        assert phases(status)["Deploy"] == "Waiting"
        assert phases(after(status, ended("SVT")))["Deploy"] == "Triggered"

    def test_a_stage_knows_which_events_met_its_entries_in_their_order(self) -> None:
        status = after(run_of(*JOIN), ended("Build"), ended("SVT"), ended("FVT"))
        assert planned(status, "Deploy").triggered_by == ("FVT/1/0", "SVT/1/0")

    def test_one_alternative_is_enough_and_a_second_starts_nothing_more(self) -> None:
        deploy = stage("Deploy", either(on("Approval", "Success"), on("Emergency")))
        status = run_of(stage("Approval", on("Start")), deploy, externalEvents=["Emergency"])
        status = after(status, EventArrived("/x#1", {"name": "Emergency"}, "2026-01-01T12:00:00Z"))
        assert phases(status) == {"Approval": "Triggered", "Deploy": "Triggered"}
        assert commands(reduce(status, ended("Approval"), NOW), StartStage) == []

    @pytest.mark.parametrize(
        ("phase", "word"),
        [(OK, "Success"), (BAD, "Failed"), (StagePhase.ERRORED, "Errored"), (StagePhase.TIMED_OUT, "TimedOut"),
         (StagePhase.CANCELLED, "Cancelled")],
    )  # fmt: skip
    def test_stage_status_becomes_the_word_for_the_outcome(self, phase: StagePhase, word: str) -> None:
        status = after(run_of(START, stage("Next", on("Build", word))), ended("Build", phase))
        assert phases(status)["Next"] == "Triggered"

    def test_an_event_on_another_topic_goes_out_and_triggers_nothing_here(self) -> None:
        emit = [{"name": "Done", "topic": "Integration_A"}]
        step = reduce(run_of({**START, "emit": emit}, stage("Next", on("Done"))), ended("Build"), NOW)
        assert commands(step, PublishEvent) == [
            PublishEvent("Build/1/0", "Integration_A", {"name": "Done"}, ("first",))
        ]
        assert phases(step.status)["Next"] == "Skipped"

    def test_an_end_that_is_heard_before_its_stage_was_triggered_counts_when_it_is(self) -> None:
        status = after(run_of(*JOIN), ended("FVT"), ended("Build"))
        assert phases(status) == {"Build": "Succeeded", "FVT": "Succeeded", "SVT": "Triggered", "Deploy": "Waiting"}

    def test_stages_in_a_circle_run_once_each(self) -> None:
        circle = [stage("A", either(on("Start"), on("B"))), stage("B", on("A"))]
        status = after(run_of(*circle), ended("A"), ended("B"))
        assert (status.phase, phases(status)) == (RunPhase.SUCCEEDED, {"A": "Succeeded", "B": "Succeeded"})


class TestEnding:
    def test_what_was_never_reached_is_skipped_and_says_what_it_waited_for(self) -> None:
        status = after(run_of(*JOIN), ended("Build"), ended("FVT"), ended("SVT", BAD))
        deploy = planned(status, "Deploy")
        assert (deploy.phase, deploy.reason) == (StagePhase.SKIPPED, "NeverTriggered")
        assert deploy.message == "never happened: SVT with status Success"

    def test_a_failure_that_nothing_answers_fails_the_run_and_is_named(self) -> None:
        status = after(run_of(START), ended("Build", BAD, message="no space"))
        assert status.phase is RunPhase.FAILED
        assert status.conditions[0].message == "Build Failed: no space"

    def test_a_failure_is_compensated_by_a_stage_that_it_triggered_and_that_succeeded(self) -> None:
        status = after(run_of(START, stage("Undo", on("Build", "Failed"))), ended("Build", BAD), ended("Undo"))
        assert (status.phase, status.conditions[0].reason) == (RunPhase.SUCCEEDED, "Compensated")

    def test_a_compensation_that_fails_compensates_nothing(self) -> None:
        status = after(run_of(START, stage("Undo", on("Build", "Failed"))), ended("Build", BAD), ended("Undo", BAD))
        assert status.phase is RunPhase.FAILED

    @pytest.mark.parametrize("order", [["A", "B"], ["B", "A"]])
    def test_a_failure_is_compensated_by_its_alternative_whichever_event_came_first(self, order: list[str]) -> None:
        undo = stage("Undo", either(on("A", "Failed"), on("B", "Success")))
        status = run_of(stage("A", on("Start")), stage("B", on("Start")), undo)
        ends = {"A": ended("A", BAD), "B": ended("B")}
        status = after(status, *(ends[name] for name in order), ended("Undo"))
        assert (status.phase, status.conditions[0].reason) == (RunPhase.SUCCEEDED, "Compensated")

    def test_what_compensated_the_first_attempt_does_not_compensate_the_second(self) -> None:
        status = after(run_of(START, stage("Undo", on("Build", "Failed"))), ended("Build", BAD), ended("Undo"))
        status = after(status, RetryRequested("Build", 2), ended("Build", BAD, 2))
        assert status.phase is RunPhase.FAILED

    def test_a_declared_outside_event_keeps_the_run_open_for_the_stage_that_waits(self) -> None:
        stages = [START, stage("Next", on("Go"))]
        assert after(run_of(*stages), ended("Build")).phase is RunPhase.SUCCEEDED
        assert after(run_of(*stages, externalEvents=["Go"]), ended("Build")).completion_time is None

    def test_an_end_with_a_phase_that_is_no_end_is_an_error_of_the_machinery(self) -> None:
        status = after(run_of(START), ended("Build", StagePhase.SKIPPED))
        assert (planned(status, "Build").phase, planned(status, "Build").reason) == (StagePhase.ERRORED, "NoEnd")


class TestTryingAgain:
    def test_a_failure_is_tried_again_as_often_as_the_binding_says_and_emitted_once(self) -> None:
        first = reduce(run_of({**START, "retries": 1}), ended("Build", BAD), NOW)
        assert commands(first, PublishEvent) == []
        second = reduce(first.status, ended("Build", BAD, 2), NOW)
        assert second.status.phase is RunPhase.FAILED
        assert [each.id for each in commands(second, PublishEvent)] == ["Build/2/0"]

    def test_an_error_of_the_machinery_is_not_tried_again(self) -> None:
        assert after(run_of({**START, "retries": 3}), ended("Build", StagePhase.ERRORED)).phase is RunPhase.FAILED

    def test_an_interruption_does_not_count_as_a_try(self) -> None:
        status = run_of({**START, "retries": 1})
        status = after(status, ended("Build", StagePhase.ERRORED, may_retry=True), ended("Build", BAD, 2))
        assert (planned(status, "Build").attempt, planned(status, "Build").phase) == (3, StagePhase.TRIGGERED)

    def test_a_retry_reopens_the_run_and_lets_skipped_stages_wait_again(self) -> None:
        status = after(run_of(START, stage("Next", on("Build", "Success"))), ended("Build", BAD))
        status = after(status, RetryRequested("Build", 2))
        assert (status.phase, status.completion_time) == (RunPhase.RUNNING, None)
        assert phases(after(status, ended("Build", OK, 2))) == {"Build": "Succeeded", "Next": "Triggered"}

    def test_a_retry_that_skips_a_number_is_taken_all_the_same(self) -> None:
        status = after(run_of(START), ended("Build", BAD), RetryRequested("Build", 7))
        assert planned(status, "Build").attempt == 7

    def test_a_stage_that_runs_or_was_never_triggered_is_not_retried(self) -> None:
        status = run_of(START, stage("Next", on("Build", "Success")))
        assert after(status, RetryRequested("Build", 2), RetryRequested("Next", 1)) is status


class TestCancelling:
    def test_a_cancelled_run_triggers_nothing_more_and_ends_with_its_work(self) -> None:
        step = reduce(run_of(*JOIN), CancelRequested("wrong branch"), NOW)
        assert commands(step, CancelStage) == [CancelStage("Build", 1, "wrong branch")]
        status = after(step.status, ended("Build"))
        assert (status.phase, set(phases(status).values())) == (RunPhase.CANCELLED, {"Succeeded", "Skipped"})
        assert planned(status, "Deploy").reason == "RunCancelled"

    def test_a_run_that_was_retried_is_not_cancelled_by_the_old_wish(self) -> None:
        wish = CancelRequested("", generation=2)
        status = after(run_of(START), wish, ended("Build", StagePhase.CANCELLED), RetryRequested("Build", 2))
        assert after(status, wish) is status
        assert after(status, CancelRequested("", generation=4)).cancelling

    def test_a_retry_in_a_run_that_is_being_cancelled_calls_the_cancel_off(self) -> None:
        status = run_of(stage("A", on("Start")), stage("B", on("Start")), stage("C", on("A", "Success")))
        status = after(status, ended("A", BAD), CancelRequested(), RetryRequested("A", 2), ended("A", OK, 2))
        assert phases(status) == {"A": "Succeeded", "B": "Triggered", "C": "Triggered"}

    def test_cancelling_a_stage_asks_for_the_end_of_the_attempt_that_was_meant(self) -> None:
        status = run_of(START)
        assert commands(reduce(status, StageCancelRequested("Build", "no", 1), NOW), CancelStage)
        assert reduce(status, StageCancelRequested("Build", "no", 2), NOW).status is status

    def test_a_cancelled_stage_is_not_tried_again_by_itself(self) -> None:
        status = after(run_of({**START, "retries": 3}), ended("Build", StagePhase.CANCELLED))
        assert status.phase is RunPhase.FAILED


VARIABLES = [{"name": "image", "type": "image"}, {"name": "note"}]
HOSTILE = "${variables.note} ${contextID} $stage_status {{ lookup('pipe', 'id') }} $(id)"


def bound(name: str, output: str, *triggers: dict[str, Any]) -> dict[str, Any]:
    bindings = {"output": [{"stageVariable": "out", "strategyVariable": output}]}
    return stage(name, *triggers, resourceBindings=bindings)


class TestValues:
    def test_an_output_sets_its_variable_and_the_next_stage_gets_it(self) -> None:
        reads = {"input": [{"stageVariable": "what", "strategyVariable": "image"}]}
        stages = [bound("Build", "image", on("Start")), stage("Deploy", on("Build"), resourceBindings=reads)]
        given = {"location": "registry/app", "tags": [1, True, None]}
        step = reduce(run_of(*stages, strategyVariables=VARIABLES), ended("Build", outputs={"out": given}), NOW)
        start = commands(step, StartStage)[0]
        assert (start.variables["image"], start.resources["input"]) == (given, {"what": given})

    def test_an_earlier_stage_never_overwrites_what_a_later_one_has_set(self) -> None:
        stages = [bound("A", "note", on("Start")), bound("B", "note", on("Start"), on("A"))]
        one = after(
            run_of(*stages, strategyVariables=VARIABLES),
            ended("B", outputs={"out": "of B"}),
            ended("A", outputs={"out": "of A"}),
        )
        assert one.variables["note"] == "of B"

    @pytest.mark.parametrize("place", ["value", "name"])
    def test_placeholders_in_a_value_are_never_filled_in(self, place: str) -> None:
        emit = [{"name": "${variables.note}" if place == "name" else "Done", "what": "${variables.note}"}]
        variables = [{"name": "note", "value": HOSTILE}]
        step = started(definition({**START, "emit": emit}, strategyVariables=VARIABLES), variables=variables)
        published = commands(reduce(step.status, ended("Build"), NOW), PublishEvent)[0]
        assert published.attributes["what"] == HOSTILE
        assert published.attributes["name"] in (HOSTILE, "Done")

    def test_a_placeholder_in_an_event_from_outside_stays_text(self) -> None:
        status = run_of(stage("Wait", on("Go")), externalEvents=["Go"])
        status = after(status, EventArrived("/x#1", {"name": "Go", "why": HOSTILE}, "2026-01-01T12:00:00Z"))
        assert status.events[-1].attributes["why"] == HOSTILE

    def test_an_emission_whose_placeholder_names_nothing_is_sent_as_written(self) -> None:
        step = reduce(run_of({**START, "emit": [{"name": "Done", "why": "${variables.nope}"}]}), ended("Build"), NOW)
        assert commands(step, PublishEvent)[0].attributes["why"] == "${variables.nope}"


class TestTelling:
    def test_a_stage_that_waits_for_approval_is_named_in_the_summary(self) -> None:
        status = after(run_of(*JOIN), StageStarted("Build", 1, WaitsOn.APPROVAL))
        assert status.summary == "0/4 stages; waiting for approval: Build"

    def test_an_end_is_written_into_the_stage_run_with_its_outputs(self) -> None:
        step = reduce(run_of(START), ended("Build", reason="Fine", message="all good", outputs={"a": 1}), NOW)
        assert commands(step, SettleStage) == [SettleStage("Build", 1, OK, "Fine", "all good", {"a": 1})]


def problem(*stages: dict[str, Any], run: dict[str, Any] | None = None, **spec: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        started(definition(*(stages or JOIN), **spec), **(run or {}))
    return str(caught.value)


class TestBeginning:
    def test_a_variable_that_the_strategy_lacks_is_named_with_what_was_meant(self) -> None:
        text = problem(strategyVariables=VARIABLES, run={"variables": [{"name": "imgae", "value": 1}]})
        assert "spec.variables[0].name: the strategy has no variable imgae (did you mean image?)" in text

    def test_a_required_variable_without_a_value_is_named(self) -> None:
        assert "variable note is required" in problem(strategyVariables=[{"name": "note", "required": True}])

    def test_a_default_stands_in_for_a_value_that_is_not_given(self) -> None:
        status = run_of(START, strategyVariables=[{"name": "note", "default": "as always"}])
        assert status.variables == {"note": "as always"}

    def test_the_first_event_is_the_one_that_nobody_inside_sends(self) -> None:
        status = started(definition(*JOIN), emit=None).status
        assert status.events[0].attributes == {"name": "Start"}

    def test_several_possible_first_events_are_named(self) -> None:
        stages = [START, stage("Other", on("Elsewhere"))]
        text = problem(*stages, run={"emit": None})
        assert "name one in spec.emit: Elsewhere, Start" in text

    def test_stages_whose_stage_runs_would_have_one_name_are_refused(self) -> None:
        assert "can't be told apart" in problem(START, stage("Build", on("Start")))
