"""What the verifier says about stages, variables, names and placeholders, and about what starts a strategy."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.engine.verify import Finding, verify, verify_run, verify_trigger

from tests.unit.engine.strategies import STAGES, Json, definition, playbook_stage, stage

VARIABLES = [{"name": "src_repo", "type": "github"}, {"name": "app_image", "type": "image"}, {"name": "note"}]
RESOURCES = {
    "input": [{"name": "source", "type": "github"}, {"name": "depth", "type": "number", "optional": True}],
    "output": [{"name": "image", "type": "docker"}],
}
BUILD = dict([playbook_stage("build", resources=RESOURCES)])


def bound(input: Json, output: Json | None = None) -> Json:
    """A build stage with these bindings: resource → variable."""
    sides = {"input": input, "output": output or {}}
    bindings = {
        side: [{"stageVariable": resource, "strategyVariable": variable} for resource, variable in pairs.items()]
        for side, pairs in sides.items()
    }
    return stage("build", "Start", ref="build", resourceBindings=bindings)


def only(binding: Json, stages: Any = None, **more: Any) -> Finding:
    (finding,) = verify(definition(binding, strategyVariables=VARIABLES), BUILD if stages is None else stages, **more)
    return finding


# --- variables and resources ---


def test_bindings_that_fit_have_no_findings() -> None:
    binding = bound({"source": "src_repo"}, {"image": "app_image"})
    assert verify(definition(binding, strategyVariables=VARIABLES), BUILD) == []


def test_an_input_that_is_not_bound_is_an_error_that_names_a_fitting_variable() -> None:
    finding = only(bound({}, {"image": "app_image"}))
    assert (finding.code, finding.place) == ("unbound-input", "spec.stageBindings[0].resourceBindings")
    assert "needs input source" in finding.reason
    assert "such as src_repo" in finding.fix


def test_a_variable_that_the_strategy_does_not_have_is_an_error() -> None:
    finding = only(bound({"source": "src_rep"}))
    assert (finding.code, finding.fix) == ("unknown-variable", "did you mean src_repo?")
    assert finding.place == "spec.stageBindings[0].resourceBindings.input[0].strategyVariable"


def test_a_resource_that_the_stage_does_not_have_is_an_error() -> None:
    finding = only(bound({"source": "src_repo"}, {"imgae": "app_image"}))
    assert (finding.code, finding.fix) == ("unknown-resource", "did you mean image?")
    assert finding.place == "spec.stageBindings[0].resourceBindings.output[0].stageVariable"


def test_an_output_bound_as_input_is_told_apart() -> None:
    finding = only(bound({"source": "src_repo", "image": "app_image"}))
    assert finding.fix == "it is an output: bind it under resourceBindings.output"


def test_a_variable_of_another_type_is_an_error() -> None:
    finding = only(bound({"source": "app_image"}))
    assert (finding.code, finding.place) == ("type-mismatch", "spec.stageBindings[0].resourceBindings.input[0]")
    assert "source is of type github, but variable app_image is image" in finding.reason


def test_docker_and_image_are_one_type() -> None:
    assert (
        verify(definition(bound({"source": "src_repo"}, {"image": "app_image"}), strategyVariables=VARIABLES), BUILD)
        == []
    )


def test_a_resource_that_is_bound_twice_is_an_error() -> None:
    binding = bound({"source": "src_repo"})
    binding["resourceBindings"]["input"] *= 2
    assert only(binding).code == "bound-twice"


def test_a_stage_that_declares_nothing_takes_what_it_is_given() -> None:
    stages = dict([playbook_stage("build")])
    assert verify(definition(bound({"anything": "note"}), strategyVariables=VARIABLES), stages) == []


def test_the_resources_of_a_kind_count_for_all_its_stages() -> None:
    kinds = {"PlaybookStage": {"spec": {"kind": "PlaybookStage", "resources": {"input": [{"name": "ticket"}]}}}}
    finding = only(bound({"source": "src_repo"}), kinds=kinds)
    assert "needs input ticket" in finding.reason


# --- stages ---


def test_a_stage_that_is_not_there_is_an_error_with_the_near_one() -> None:
    finding = only(bound({}), dict([playbook_stage("biuld")]))
    assert (finding.severity, finding.code, finding.fix) == ("error", "missing-stage", "did you mean biuld?")
    assert finding.place == "spec.stageBindings[0].stageRef.name"


def test_a_stage_of_another_kind_is_named() -> None:
    finding = only(bound({}), {("TektonStage", "build"): {"spec": {}}})
    assert finding.fix == "build is of kind TektonStage"


def test_a_kind_that_nobody_declares_is_an_error_with_the_near_one() -> None:
    binding = bound({}) | {"stageRef": {"kind": "TektonStag", "name": "build"}}
    finding = only(binding, {})
    assert (finding.code, finding.fix) == ("unknown-kind", "did you mean TektonStage?")


def test_a_declared_kind_is_known() -> None:
    binding = bound({}) | {"stageRef": {"kind": "LoadTest", "name": "build"}}
    stages = {("LoadTest", "build"): {"spec": {}}}
    kinds = {"LoadTest": {"spec": {"kind": "LoadTest", "playbook": "x"}}}
    assert verify(definition(binding, strategyVariables=VARIABLES), stages, kinds=kinds) == []
    assert only(binding, stages, kinds={}).code == "unknown-kind"


def test_what_is_not_in_the_files_is_a_warning_only() -> None:
    finding = only(bound({}), {}, complete=False)
    assert (finding.severity, finding.reason) == ("warning", "there is no PlaybookStage build in these files")


# --- names ---


@pytest.mark.parametrize(
    ("other", "said"),
    [("Build", "can't be told apart"), ("build", "two stages of the name build")],
)
def test_two_stages_need_two_names(other: str, said: str) -> None:
    findings = verify(definition(stage("build", "Start"), stage(other, "Start")), STAGES)
    (finding,) = [each for each in findings if each.code == "duplicate-stage"]
    assert finding.place == "spec.stageBindings[1].stageName"
    assert said in finding.reason


def test_names_that_differ_in_more_than_case_are_told_apart() -> None:
    assert verify(definition(stage("E 1", "Start"), stage("E/1", "Start")), STAGES) == []


def test_two_variables_need_two_names() -> None:
    findings = verify(definition(stage("a", "Start"), strategyVariables=[{"name": "x"}, {"name": "x"}]), STAGES)
    assert [(each.code, each.place) for each in findings] == [("duplicate-variable", "spec.strategyVariables[1].name")]


def test_a_first_stage_that_is_none_is_an_error() -> None:
    findings = verify(definition(stage("build", "Start"), firstStage="biuld"), STAGES)
    assert [(each.place, each.fix) for each in findings] == [("spec.firstStage", "did you mean build?")]


def test_a_definition_that_breaks_its_kind_is_told_and_not_thrown() -> None:
    findings = verify(definition({"stageName": "a"}), STAGES)
    assert {each.code for each in findings} == {"invalid"}
    assert "spec.stageBindings[0].stageRef" in [each.place for each in findings]


# --- placeholders ---


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("$stage_statu", "did you mean $stage_status?"),
        ("it was $stage_status", "write ${stage_status}"),
        ("${variables.note_}", "did you mean note?"),
        ("${variable.note}", "did you mean variables?"),
        ("${contextId}", "did you mean contextID?"),
        ("${contextID", "close it with }"),
    ],
)
def test_a_placeholder_that_names_nothing_is_an_error(text: str, fix: str) -> None:
    binding = stage("build", "Start", emit=[{"name": "Done"}, {"name": "Told", "text": text}])
    (finding,) = verify(definition(binding, strategyVariables=VARIABLES), STAGES)
    assert (finding.code, finding.fix, finding.severity) == ("unknown-placeholder", fix, "error")
    assert finding.place == "spec.stageBindings[0].emit[1].text"


@pytest.mark.parametrize(
    "text", ["$stage_status", "${stage_status}", "${contextID}", "for ${variables.src_repo.commit}", "5 $", "costs $5"]
)
def test_a_placeholder_that_can_be_filled_is_none(text: str) -> None:
    binding = stage("build", "Start", emit=[{"name": "Told", "text": text}])
    assert verify(definition(binding, strategyVariables=VARIABLES), STAGES) == []


# --- what starts a strategy ---


STRATEGY = definition(
    bound({"source": "src_repo"}, {"image": "app_image"}),
    strategyVariables=[
        {"name": "src_repo", "type": "github", "required": True},
        {"name": "app_image", "type": "image"},
    ],
)
SOURCE = {"name": "src_repo", "location": "${event.location}"}


def trigger(*given: Json, emit: Json | None = None) -> list[Finding]:
    rule = {"variableBindings": list(given)} | ({"emit": emit} if emit else {})
    return verify_trigger({"spec": {"strategy": "main", "events": [rule]}}, STRATEGY, BUILD)


def test_a_trigger_that_fits_its_strategy_has_no_findings() -> None:
    assert trigger(SOURCE) == trigger(SOURCE, emit={"name": "Start"}) == []


def test_a_trigger_that_gives_an_unknown_variable_is_an_error() -> None:
    (finding,) = trigger(SOURCE, {"name": "app-image", "location": "x"})
    assert (finding.code, finding.fix) == ("unknown-variable", "did you mean app_image?")
    assert finding.place == "spec.events[0].variableBindings[1].name"


def test_a_trigger_that_gives_a_variable_twice_is_an_error() -> None:
    assert [each.code for each in trigger(SOURCE, SOURCE)] == ["given-twice"]


def test_a_trigger_that_leaves_a_required_variable_out_is_an_error() -> None:
    (finding,) = trigger()
    assert (finding.code, finding.severity) == ("variable-not-given", "error")


def test_a_first_event_that_starts_nothing_is_an_error() -> None:
    (finding,) = trigger(SOURCE, emit={"name": "start"})
    assert (finding.code, finding.place, finding.fix) == (
        "starts-nothing",
        "spec.events[0].emit.name",
        "did you mean Start?",
    )


def test_a_trigger_has_to_choose_where_several_events_could_start() -> None:
    strategy = definition(stage("build", "Start"), stage("nightly", "Night"))
    (finding,) = verify_trigger({"spec": {"strategy": "main", "events": [{}]}}, strategy, STAGES)
    assert (finding.code, finding.fix) == ("start-unclear", "name one in emit: Night, Start")


def test_a_placeholder_of_a_trigger_that_is_nearly_an_event_is_a_warning() -> None:
    (finding,) = trigger({"name": "src_repo", "location": "${evnt.location}/${docker_registry}"})
    assert (finding.severity, finding.fix) == ("warning", "did you mean event?")


def test_a_variable_that_a_stage_reads_and_nothing_sets_is_a_warning() -> None:
    strategy = definition(bound({"source": "src_repo"}), strategyVariables=[{"name": "src_repo", "type": "github"}])
    (finding,) = verify_trigger({"spec": {"strategy": "main", "events": [{}]}}, strategy, BUILD)
    assert (finding.code, finding.severity) == ("variable-not-given", "warning")


def test_a_run_is_held_against_its_strategy_too() -> None:
    run = {"spec": {"strategy": "main", "variables": [{"name": "src_rep", "value": 1}], "emit": {"name": "Begin"}}}
    assert [each.code for each in verify_run(run, STRATEGY, BUILD)] == [
        "variable-not-given",
        "starts-nothing",
        "unknown-variable",
    ]
