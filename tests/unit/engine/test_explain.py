"""Explanations of runs that the engine itself has brought to where they are: what is met, what is missing, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from kabanero.engine.explain import as_json, explain
from kabanero.engine.explanation import ClauseNote, RunNote, StageNote
from kabanero.engine.inputs import CancelRequested, EventArrived, Input, RetryRequested, StageEnded, StageStarted
from kabanero.engine.pinning import pin
from kabanero.engine.reducer import begin, reduce
from kabanero.model.kinds.base import Condition
from kabanero.model.kinds.runs import RunPhase, RunStatus, StagePhase, StageProgress, StageRunStatus, StrategyRunSpec
from kabanero.model.kinds.runs import WaitsOn as On

from tests.unit.engine import worlds

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
GOOD, BAD = StagePhase.SUCCEEDED, StagePhase.FAILED
Json = dict[str, Any]


def binding(name: str, triggers: list[Json], *emit: dict[str, str], **more: Any) -> Json:
    told = list(emit) or [{"name": name, "status": "$stage_status"}]
    ref = {"kind": "PlaybookStage", "name": "any"}
    return {"stageName": name, "stageRef": ref, "triggers": triggers, "emit": told, **more}


def on(name: str, status: str = "") -> Json:
    return {"match": {"name": name, "status": status} if status else {"name": name}}


MAIN = [
    binding("build", [on("Start_build")], {"name": "Build", "status": "$stage_status"}),
    binding("FVT", [on("Build", "Success")]),
    binding("SVT", [on("Build", "Success")]),
    binding("approval", [on("FVT", "Success"), on("SVT", "Success")], {"name": "Approval", "status": "$stage_status"}),
    binding("deploy", [{"anyOf": [on("Approval", "Success"), on("Emergency_deploy")]}]),
    binding("FVT_Error", [on("FVT", "Failed")]),
]


class Run:
    """A run of a strategy, brought on by the engine."""

    def __init__(self, bindings: list[Json], emit: str = "Start_build", **spec: Any) -> None:
        definition = {"metadata": {"name": "main"}, "spec": {"stageBindings": bindings, **spec}}
        given = StrategyRunSpec.model_validate({"strategy": "main", "emit": {"name": emit}})
        self.status: RunStatus = begin(given, "main-7", pin("main", definition, {}), "ctx", NOW).status

    def hear(self, input: Input) -> Run:
        self.status = reduce(self.status, input, NOW).status
        return self

    def end(self, stage: str, phase: StagePhase = GOOD, attempt: int = 1, **fields: Any) -> Run:
        return self.hear(StageEnded(stage, attempt, phase, **fields))

    def start(self, stage: str, waits_on: On = On.PLAYBOOK) -> Run:
        return self.hear(StageStarted(stage, 1, waits_on))

    def explained(self, **work: StageRunStatus) -> RunNote:
        return explain(self.status, work)

    def stage(self, name: str, **work: StageRunStatus) -> StageNote:
        return next(stage for stage in self.explained(**work).stages if stage.name == name)

    def clause(self, stage: str, place: int = 0) -> ClauseNote:
        return self.stage(stage).clauses[place]

    def obstacles(self, stage: str, place: int = 0) -> list[str]:
        return [each.text for match in self.clause(stage, place).alternatives for each in match.obstacles]


class TestWhatIsMet:
    def test_names_the_event_and_the_stage_that_sent_it(self) -> None:
        clause = Run(MAIN).end("build").clause("FVT")
        assert clause.met_by and (clause.met_by.text, clause.met_by.stage) == ("Build with status Success", "build")

    def test_entry_by_entry(self) -> None:
        run = Run(MAIN).end("build").end("FVT")
        assert [clause.met for clause in run.stage("approval").clauses] == [True, False]

    def test_of_several_alternatives_the_one_that_happened(self) -> None:
        run = Run(MAIN, externalEvents=["Emergency_deploy"])
        run.hear(EventArrived("e1", {"name": "Emergency_deploy"}, "2026-05-01T12:00:00Z"))
        clause = run.clause("deploy")
        assert clause.met_by and clause.met_by.id == "e1"
        assert [match.met_by is not None for match in clause.alternatives] == [False, True]

    def test_an_alternative_beside_one_that_is_met_needs_no_reason(self) -> None:
        run = Run(MAIN, externalEvents=["Emergency_deploy"])
        run.hear(EventArrived("e1", {"name": "Emergency_deploy"}, "2026-05-01T12:00:00Z"))
        assert run.obstacles("deploy") == []

    def test_what_a_later_attempt_took_back_still_counts_for_the_stage_that_it_triggered(self) -> None:
        run = Run(MAIN).end("build").hear(RetryRequested("build", 2))
        clause = run.clause("FVT")
        assert clause.met_by and (clause.met_by.forgotten, clause.met_by.stage) == (True, "build")


class TestWhatIsMissing:
    def test_a_stage_at_work_will_send_it(self) -> None:
        run = Run(MAIN).end("build").start("FVT")
        assert run.obstacles("approval") == ["FVT is Running and sends it when it ends with Success"]
        assert run.clause("approval").possible

    def test_a_stage_that_waits_itself_says_for_what(self) -> None:
        assert Run(MAIN).obstacles("deploy")[0] == (
            "approval sends it, and waits itself for FVT with status Success and SVT with status Success"
        )

    def test_the_event_happened_with_another_status(self) -> None:
        run = Run(MAIN).end("build").end("FVT", BAD)
        assert run.obstacles("approval") == [
            "FVT happened with status Failed, wanted: Success",
            "FVT has ended as Failed; only another attempt of it can send it",
        ]
        assert not run.clause("approval").possible

    def test_the_event_happened_without_the_attribute(self) -> None:
        run = Run([*MAIN[:1], binding("late", [on("Go", "now")])], externalEvents=["Go"])
        run.hear(EventArrived("e1", {"name": "Go"}, "2026-05-01T12:00:00Z"))
        assert run.obstacles("late")[0] == "Go happened without status, wanted: now"

    def test_what_hangs_behind_it_can_not_happen_either(self) -> None:
        run = Run(MAIN).end("build").end("FVT", BAD)
        assert "approval sends it, but waits itself for FVT with status Success" in run.obstacles("deploy")[0]
        assert "can't be triggered any more" in run.obstacles("deploy")[0]
        assert run.stage("deploy").why.endswith("; it can't be triggered any more")

    def test_a_declared_outside_event_may_come(self) -> None:
        run = Run(MAIN, externalEvents=["Emergency_deploy"]).end("build").end("FVT", BAD)
        clause = run.clause("deploy")
        assert [match.possible for match in clause.alternatives] == [False, True]
        assert "externalEvents" in clause.alternatives[1].obstacles[0].text

    def test_after_the_end_nobody_may_send_anything(self) -> None:
        bindings = [MAIN[0], binding("late", [on("Build", "Success"), {"anyOf": [on("lost"), on("Go")]}])]
        run = Run(bindings, externalEvents=["Go"]).end("build", BAD)
        assert run.status.phase is RunPhase.FAILED
        assert not run.clause("late", 1).alternatives[1].possible
        assert run.stage("late").why == "was skipped: Build with status Success and either lost or Go never happened"

    def test_a_name_that_nobody_sends_is_answered_with_the_near_one(self) -> None:
        bindings = [MAIN[0], binding("deploy", [on("build_", "Success")])]
        assert run_obstacles(bindings, "deploy")[1] == "Build is sent: did you mean Build?"

    def test_a_near_name_that_has_happened_says_so(self) -> None:
        bindings = [MAIN[0], binding("deploy", [on("Start_Build")])]
        assert run_obstacles(bindings, "deploy") == [
            "no stage sends Start_Build, and the run began with Start_build",
            "Start_build has happened: did you mean Start_build?",
        ]

    def test_a_name_that_is_near_to_none_lists_what_is_sent(self) -> None:
        found = run_obstacles([MAIN[0], binding("deploy", [on("Full_moon")])], "deploy")
        assert found[1] == "events of this strategy: Build, deploy, Start_build"

    def test_a_stage_that_sends_it_only_with_another_value(self) -> None:
        bindings = [binding("build", [on("Start_build")], {"name": "Build", "status": "done"}), MAIN[1]]
        assert run_obstacles(bindings, "FVT") == ["build sends Build only with status done, wanted: Success"]

    def test_an_event_on_another_topic_does_not_come_back(self) -> None:
        told = {"name": "Build", "status": "$stage_status", "topic": "Integration_A"}
        found = run_obstacles([binding("build", [on("Start_build")], told), MAIN[1]], "FVT")
        assert found == ["build sends it on topic Integration_A, for other strategies: it doesn't reach this run"]

    def test_a_stage_that_waits_for_its_own_end(self) -> None:
        assert run_obstacles([MAIN[0], binding("round", [on("round")])], "round") == [
            "only round itself sends it: it waits for its own end"
        ]

    def test_a_match_without_a_name_is_explained_as_well(self) -> None:
        found = run_obstacles([MAIN[0], binding("any", [{"match": {"status": "Failed"}}])], "any")
        assert found[0] == "build is Triggered and sends it when it ends with Failed"


def run_obstacles(bindings: list[Json], stage: str) -> list[str]:
    return Run(bindings).obstacles(stage)


class TestStages:
    def test_triggered_is_not_begun(self) -> None:
        assert Run(MAIN).stage("build").why == "is triggered; its work has not begun yet"

    @pytest.mark.parametrize("waits_on", list(On))
    def test_at_work_says_what_will_end_it(self, waits_on: On) -> None:
        stage = Run(MAIN).start("build", waits_on).stage("build")
        assert (stage.waits_on, "not begun" in stage.why) == (waits_on, False)

    def test_work_says_what_it_does_and_which_object_it_awaits(self) -> None:
        progress = StageProgress(task="Compile", percent=40)
        work = StageRunStatus(
            attempt=1, waits_on=On.OBJECT, waiting_for={"kind": "PipelineRun", "name": "b1"}, progress=progress
        )
        stage = Run(MAIN).stage("build", build=work)
        assert (stage.why, stage.doing) == ("waits until PipelineRun b1 has ended", "40% Compile")

    def test_news_of_an_earlier_attempt_are_not_told(self) -> None:
        run = Run(MAIN).end("build", BAD).hear(RetryRequested("build", 2))
        assert run.stage("build", build=StageRunStatus(attempt=1, waits_on=On.APPROVAL)).waits_on is None

    def test_an_end_names_reason_events_and_what_they_led_to(self) -> None:
        run = Run(MAIN).end("build").end("FVT", BAD, reason="TaskFailed", message="test 7: exit 2")
        stage = run.stage("FVT")
        assert stage.why == "its work failed: TaskFailed: test 7: exit 2"
        assert [(event.text, event.triggered) for event in stage.emitted] == [
            ("FVT with status Failed", ("FVT_Error",))
        ]

    def test_a_failure_that_was_made_good_says_by_whom(self) -> None:
        run = Run(MAIN).end("build").end("FVT", BAD).end("FVT_Error")
        assert run.stage("FVT").why.endswith("made good by FVT_Error")

    def test_variables_that_it_set(self) -> None:
        output = {"output": [{"stageVariable": "image", "strategyVariable": "app"}]}
        bindings = [binding("build", [on("Start_build")], resourceBindings=output)]
        run = Run(bindings, strategyVariables=[{"name": "app"}]).end("build", outputs={"image": "r/app:1"})
        assert run.stage("build").sets == {"app": "r/app:1"}

    def test_skipped_by_a_cancel_says_the_wish(self) -> None:
        run = Run(MAIN).hear(CancelRequested("wrong commit"))
        assert run.stage("deploy").why == "was skipped: wrong commit"

    def test_skipped_says_what_never_happened(self) -> None:
        run = Run(MAIN).end("build", BAD)
        assert run.stage("deploy").why == (
            "was skipped: Approval with status Success or Emergency_deploy never happened"
        )
        assert "FVT sends it, but was skipped" in run.obstacles("approval")


class TestRun:
    def test_at_work(self) -> None:
        note = Run(MAIN).end("build").start("FVT").explained()
        assert note.why == "runs: 1 of 6 stages have ended, at work: FVT, SVT"
        assert [(wait.kind, wait.stage) for wait in note.waits] == [("Playbook", "FVT"), ("Start", "SVT")]

    def test_says_what_starts_next_and_upon_what(self) -> None:
        note = Run(MAIN).end("build").explained()
        assert note.next == (
            "approval starts when FVT ends with Success and SVT ends with Success",
            "FVT_Error starts when FVT ends with Failed",
        )

    def test_the_last_stage_ends_the_run(self) -> None:
        note = Run(MAIN[:1]).explained()
        assert note.next == ("the run ends when build has ended",)

    def test_stays_open_for_an_outside_event(self) -> None:
        note = Run(MAIN, externalEvents=["Emergency_deploy"]).end("build", BAD).explained()
        assert "stays open for events from outside" in note.why
        assert [(wait.kind, wait.text) for wait in note.waits] == [("Event", "event Emergency_deploy from outside")]
        assert note.next == ("deploy starts when Emergency_deploy comes from outside",)

    def test_failed_names_the_stage_and_its_message(self) -> None:
        note = Run(MAIN).end("build", BAD, message="compile: exit 2").explained()
        assert (note.phase, note.why, note.next) == (RunPhase.FAILED, "failed: build Failed: compile: exit 2", ())

    def test_made_good(self) -> None:
        note = Run(MAIN).end("build").end("FVT", BAD).end("SVT").end("FVT_Error").explained()
        assert note.why == "succeeded: what went wrong was made good (FVT Failed)"

    def test_being_cancelled_waits_for_the_work(self) -> None:
        note = Run(MAIN).hear(CancelRequested("wrong commit")).explained()
        assert note.why == "is being cancelled (wrong commit): build must end first"

    def test_not_begun(self) -> None:
        assert "has not begun" in explain(RunStatus()).why

    def test_could_not_begin(self) -> None:
        condition = Condition(type="Succeeded", status="False", message="no strategy main")
        status = RunStatus(phase=RunPhase.ERRORED, conditions=(condition,))
        assert explain(status).why == "could not begin: no strategy main"

    def test_as_json_is_in_camel_case(self) -> None:
        found = as_json(Run(MAIN).end("build").explained())
        assert {"contextID", "waits", "next", "stages"} <= found.keys()
        assert found["stages"][1]["clauses"][0]["metBy"]["triggered"] == ["FVT", "SVT"]


@given(some.data())
def test_whatever_happens_every_missing_entry_has_a_reason_and_every_open_stage_a_way(data: some.DataObject) -> None:
    status = worlds.started(data.draw(worlds.definitions())).status
    for _ in range(data.draw(some.integers(0, 6))):
        active = [stage for stage in status.stages if stage.phase in worlds.ACTIVE]
        if not active:
            break
        stage = data.draw(some.sampled_from(active))
        status = reduce(status, StageEnded(stage.name, stage.attempt, data.draw(worlds.ENDS)), NOW).status
    for note in explain(status).stages:
        missing = [clause for clause in note.clauses if not clause.met]
        assert all(match.obstacles for clause in missing for match in clause.alternatives)
        assert note.can_still_run == bool(note.phase is StagePhase.WAITING and note.clauses and possible(missing))


def possible(missing: list[ClauseNote]) -> bool:
    return all(clause.possible for clause in missing)
