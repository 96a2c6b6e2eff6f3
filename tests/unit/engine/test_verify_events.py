"""What the verifier says about events: those that never come, stages that never run, joins, and circles."""

from __future__ import annotations

from pathlib import Path

import pytest
from kabanero.engine.verify import Finding, unreachable, verify
from kabanero.model.compat import load

from tests.unit.engine.strategies import STAGES, definition, found, only, stage

DOCUMENT = Path(__file__).parents[2] / "data" / "document"
MAIN = ["13-appsody-build", "14-tekton-stage-fvt", "15-tekton-stage-svt", "16-approval-stage"]
MAIN += ["17-tekton-stage-deploy", "18-strategy-definition-main"]


@pytest.fixture(scope="module")
def main() -> list[Finding]:
    resources = load("---\n".join((DOCUMENT / f"{name}.yaml").read_text() for name in MAIN)).resources
    stages = {(each["kind"], each["metadata"]["name"]): each for each in resources}
    return verify(resources[-1], stages)


# --- the source document's main strategy ---


def test_the_main_strategy_never_deploys(main: list[Finding]) -> None:
    (finding,) = [each for each in main if each.code == "never-emitted"]
    assert (finding.severity, finding.stage) == ("error", "Deploy")
    assert finding.place == "spec.stageBindings[4].triggers[0].match.name"
    assert "stage Deploy is never triggered: it waits for deploy_approval" in finding.reason
    assert "Approval emits Deploy, for which no stage waits" in finding.reason
    assert "let Approval emit deploy_approval" in finding.fix


def test_the_path_to_the_dead_end_of_the_main_strategy_begins_at_its_start(main: list[Finding]) -> None:
    (finding,) = [each for each in main if each.code == "never-emitted"]
    assert finding.path == (
        "Start_Build → [appsody_build] → Build Success → [FVT, SVT] → FVT Success + SVT Success → [Approval] → Deploy"
        " ✗ deploy_approval Success → [Deploy]"
    )


def test_the_main_strategy_is_sound_once_the_approval_emits_what_deploy_waits_for() -> None:
    text = "---\n".join((DOCUMENT / f"{name}.yaml").read_text() for name in MAIN)
    resources = load(
        text.replace('"deploy_approval"', '"Approved"').replace("value:  Deploy", "value: Approved")
    ).resources
    stages = {(each["kind"], each["metadata"]["name"]): each for each in resources}
    assert not [each for each in verify(resources[-1], stages) if each.code == "never-emitted"]


def test_a_sound_strategy_has_no_findings() -> None:
    assert not found(
        stage("build", "Start"),
        stage("FVT", "build Success"),
        stage("SVT", "build Success"),
        stage("approval", "FVT Success", "SVT Success"),
        stage("deploy", "approval Success | Emergency"),
        stage("sorry", "FVT Failed | SVT Failed"),
        externalEvents=["Emergency"],
    )


# --- events that never come ---


def test_an_event_that_nothing_emits_is_an_error() -> None:
    finding = only(stage("build", "Start"), stage("test", "Compiled Success"))
    assert (finding.severity, finding.code) == ("error", "never-emitted")
    assert finding.place == "spec.stageBindings[1].triggers[0].match.name"


def test_a_misspelt_event_is_answered_with_the_one_that_was_meant() -> None:
    finding = only(stage("build", "Start"), stage("test", "Biuld Success"))
    assert finding.fix == "did you mean build?"
    assert finding.path == "Start → [build] → build ✗ Biuld Success → [test]"


def test_a_misspelt_event_without_a_status_is_not_taken_for_another_start() -> None:
    finding = only(stage("build", "Start"), stage("test", "biuld"), stage("deploy", "test"))
    assert (finding.severity, finding.code, finding.fix) == ("error", "never-emitted", "did you mean build?")


def test_an_event_that_another_stage_means_by_its_emission_is_named() -> None:
    finding = only(
        stage("build", "Start"),
        stage("approval", "build Success", emit=[{"name": "deploy"}]),
        stage("deploy", "deploy_approval", emit=[]),
    )
    assert finding.severity == "error"
    assert finding.fix == "let approval emit deploy_approval, or let deploy wait for deploy"


def test_a_status_that_no_stage_ever_has_is_an_error() -> None:
    finding = only(stage("build", "Start"), stage("test", "build Succes"))
    assert (finding.code, finding.fix) == ("never-with-attributes", "did you mean Success?")
    assert finding.place == "spec.stageBindings[1].triggers[0].match.status"


def test_a_status_that_the_event_is_emitted_without_is_an_error() -> None:
    finding = only(stage("build", "Start", emit=[{"name": "Built"}]), stage("test", "Built Success"))
    assert "but build emits Built without status" in finding.reason
    assert finding.fix == "emit it with status: $stage_status"


def test_a_fixed_attribute_of_another_value_is_an_error() -> None:
    wants = stage("test", "Built") | {"triggers": [{"match": {"name": "Built", "region": "us"}}]}
    finding = only(stage("build", "Start", emit=[{"name": "Built", "region": "eu"}]), wants)
    assert "but build emits Built with region eu" in finding.reason


def test_an_attribute_that_a_variable_decides_may_have_any_value() -> None:
    wants = stage("test", "Built") | {"triggers": [{"match": {"name": "Built", "region": "us"}}]}
    emits = stage("build", "Start", emit=[{"name": "Built", "region": "${variables.region}"}])
    assert not found(emits, wants, strategyVariables=[{"name": "region"}])


@pytest.mark.parametrize("status", ["$stage_status", "${stage_status}"])
def test_a_status_may_be_written_in_two_ways(status: str) -> None:
    emits = stage("build", "Start", emit=[{"name": "Built", "status": status}])
    assert not found(emits, stage("test", "Built Success"))
    assert [each.code for each in found(emits, stage("test", "Built Good"))] == ["never-with-attributes"]


def test_a_status_inside_a_longer_text_is_worked_out() -> None:
    emits = stage("build", "Start", emit=[{"name": "Built-${stage_status}"}])
    assert not found(emits, stage("test", "Built-Success"), firstStage="build")
    assert unreachable(definition(emits, stage("test", "Built-Fine", "Start")), STAGES) == ["test"]


def test_an_event_on_a_topic_of_its_own_is_not_heard_in_the_run() -> None:
    out = [{"name": "Built", "status": "$stage_status", "topic": "Integration_A"}]
    finding = only(stage("build", "Start", emit=out), stage("test", "Built Success"))
    assert "but build emits it on topic Integration_A" in finding.reason


def test_a_dead_alternative_beside_a_living_one_is_told_and_does_not_stop_the_stage() -> None:
    bindings = (stage("build", "Start"), stage("test", "build Success | Compiled Success"))
    finding = only(*bindings)
    assert (finding.severity, finding.place) == ("warning", "spec.stageBindings[1].triggers[0].anyOf[1].match.name")
    assert unreachable(definition(*bindings), STAGES) == []


def test_a_misspelt_status_in_an_alternative_is_an_error_all_the_same() -> None:
    finding = only(stage("build", "Start"), stage("test", "build Success | build Faild"))
    assert (finding.severity, finding.fix) == ("error", "did you mean Failed?")


def test_an_event_that_is_declared_as_external_needs_nobody_to_emit_it() -> None:
    assert not found(stage("build", "Start"), stage("deploy", "build Success", "Go Yes"), externalEvents=["Go"])


def test_an_external_event_that_no_stage_waits_for_is_a_warning() -> None:
    finding = only(stage("build", "Start"), stage("test", "build Success | Rush"), externalEvents=["Rush", "rsuh"])
    assert (finding.severity, finding.place, finding.fix) == ("warning", "spec.externalEvents[1]", "did you mean Rush?")


def test_the_last_event_of_a_strategy_needs_no_listener() -> None:
    assert not found(stage("build", "Start", emit=[{"name": "Done"}]))


def test_an_unheard_event_is_told_where_a_stage_waits_for_it_in_another_spelling() -> None:
    build = stage("build", "Start", emit=[{"name": "built"}, {"name": "Built"}])
    finding = only(build, stage("test", "Built"))
    assert (finding.severity, finding.code) == ("warning", "unheard")
    assert finding.place == "spec.stageBindings[0].emit[0].name"


def test_what_a_binding_has_from_its_stage_is_told_at_the_reference() -> None:
    stages = {
        ("PlaybookStage", "any"): {
            "spec": {"playbook": "x", "triggers": [{"match": {"name": "Biuld", "status": "Success"}}]}
        }
    }
    (finding,) = verify(definition(stage("build", "Start"), stage("test")), stages)
    assert finding.place == "spec.stageBindings[1].stageRef"


# --- stages that never run ---


def test_a_stage_without_trigger_is_never_reached() -> None:
    finding = only(stage("build", "Start"), stage("test"))
    assert (finding.code, finding.stage, finding.severity) == ("unreachable", "test", "error")


def test_the_first_stage_needs_no_trigger() -> None:
    assert not found(stage("build"), stage("test", "build Success"), firstStage="build")
    assert not found(stage("build"))


def test_stages_behind_a_dead_one_are_told_with_the_way_back_to_it() -> None:
    findings = found(
        stage("build", "Start"),
        stage("test", "Biuld Success"),
        stage("approval", "test Success"),
        stage("deploy", "approval Success"),
    )
    assert [(each.code, each.stage) for each in findings] == [
        ("never-emitted", "test"),
        ("unreachable", "approval"),
        ("unreachable", "deploy"),
    ]
    assert "which" not in findings[2].reason
    assert "but approval never runs" in findings[2].reason
    assert findings[2].path == "✗ [test] → test Success → [approval] → approval Success → [deploy]"


# --- joins ---


def test_two_ends_of_one_stage_can_never_both_happen() -> None:
    finding = only(stage("build", "Start"), stage("test", "build Success", "build Failed"))
    assert (finding.code, finding.severity) == ("impossible-join", "error")
    assert finding.place == "spec.stageBindings[1].triggers[1]"
    assert "as build would have to end with Success and with Failed" in finding.reason
    assert finding.path.startswith("Start → [build] → build Success + build Failed ✗ [test]")


def test_stages_that_run_after_opposite_ends_can_never_be_joined() -> None:
    finding = only(
        stage("build", "Start"),
        stage("test", "build Success"),
        stage("repair", "build Failed"),
        stage("deploy", "test Success", "repair Success"),
    )
    assert (finding.code, finding.stage) == ("impossible-join", "deploy")


def test_opposite_ends_may_be_alternatives() -> None:
    assert not found(stage("build", "Start"), stage("tell", "build Success | build Failed"))


def test_a_join_of_opposite_ends_has_a_way_out_where_an_alternative_is_open() -> None:
    assert not found(
        stage("build", "Start"), stage("test", "build Success", "build Failed | Rush"), externalEvents=["Rush"]
    )


def test_three_entries_that_fit_in_pairs_and_not_together_are_found() -> None:
    finding = only(
        stage("build", "Start"),
        stage(
            "test",
            "build Success | build Failed",
            "build Failed | build Errored",
            "build Success | build Errored",
        ),
    )
    assert (finding.code, finding.place) == ("impossible-join", "spec.stageBindings[1].triggers")


def test_two_first_events_never_begin_one_run() -> None:
    finding = only(stage("build", "Start_a", "Start_b"))
    assert "as a run begins with one event only" in finding.reason
    assert "externalEvents" in finding.fix


# --- circles ---


def test_stages_that_wait_for_each_other_are_told_once_with_the_way_round() -> None:
    finding = only(
        stage("build", "Start"),
        stage("a", "build Success", "c Success"),
        stage("b", "a Success"),
        stage("c", "b Success"),
    )
    assert (finding.code, finding.severity) == ("cycle", "error")
    assert "a → b → c → a" in finding.reason
    assert finding.path == "[a] → a Success → [b] → b Success → [c] → c Success → [a]"
    assert finding.place == "spec.stageBindings[1].triggers[1]"


def test_a_strategy_that_is_one_circle_has_one_error() -> None:
    finding = only(stage("a", "b Success"), stage("b", "a Success"))
    assert finding.code == "cycle"


def test_a_way_back_into_a_stage_that_has_run_is_an_error() -> None:
    finding = only(stage("build", "Start | test Failed"), stage("test", "build Success"))
    assert (finding.code, finding.severity) == ("cycle", "error")
    assert "a stage runs once in a run, so test can't start build again" in finding.reason


def test_stages_that_happen_to_share_the_name_of_an_event_are_only_warned_of() -> None:
    done = [{"name": "Done", "status": "$stage_status"}]
    first = stage("a", "Start", emit=done)
    finding = only(first, stage("b", "Done Success", emit=done), stage("c", "Done Success", emit=done))
    assert (finding.code, finding.severity) == ("cycle", "warning")


def test_a_stage_that_waits_for_itself_alone_never_runs() -> None:
    finding = only(stage("build", "Start"), stage("test", "build Success", "test Success"))
    assert (finding.code, finding.severity, finding.stage) == ("cycle", "error", "test")


def test_a_stage_that_hears_its_own_event_too_is_warned_of() -> None:
    approval = stage("approval", "Start", emit=[{"name": "Deploy", "status": "$stage_status"}])
    finding = only(approval, stage("Deploy", "Deploy Success"))
    assert (finding.code, finding.severity) == ("cycle", "warning")


def test_stages_behind_a_circle_are_told_as_unreachable() -> None:
    findings = found(stage("z", "Start"), stage("a", "b Success"), stage("b", "a Success"), stage("c", "b Success"))
    assert [(each.code, each.stage) for each in findings] == [("cycle", "a"), ("unreachable", "c")]
