"""What the verifier says about where runs begin."""

from __future__ import annotations

from kabanero.engine.verify import verify

from tests.unit.engine.strategies import STAGES, definition, found, only, stage


def test_a_strategy_without_a_start_is_an_error() -> None:
    finding = only(stage("build", "Go"), externalEvents=["Go"])
    assert (finding.code, finding.severity) == ("no-start", "warning")


def test_of_several_starts_the_lesser_is_a_warning() -> None:
    finding = only(stage("build", "Start"), stage("test", "build Success"), stage("nightly", "Night"))
    assert (finding.code, finding.severity, finding.stage) == ("start-unclear", "warning", "nightly")


def test_an_event_that_a_trigger_emits_is_a_start_like_any_other() -> None:
    trigger = {"spec": {"strategy": "main", "events": [{"emit": {"name": "Night"}}, {"emit": {"name": "Start"}}]}}
    strategy = definition(stage("build", "Start"), stage("nightly", "Night"))
    assert not verify(strategy, STAGES, triggers=[trigger])


def test_an_entrance_whose_name_resembles_a_later_event_is_no_mistake() -> None:
    findings = found(
        stage("build", "Build", emit=[{"name": "Built"}]), stage("test", "Built", "Start"), stage("x", "Start")
    )
    assert all(each.severity == "warning" for each in findings if each.stage == "build")


def test_a_start_that_needs_more_than_a_name_is_a_warning() -> None:
    assert [each.code for each in found(stage("build", "Start Full"))] == ["start-unclear"]
    trigger = {"spec": {"strategy": "main", "events": [{"emit": {"name": "Start", "status": "Full"}}]}}
    assert not verify(definition(stage("build", "Start Full")), STAGES, triggers=[trigger])


def test_a_placeholder_that_may_become_a_first_event_asks_for_the_first_stage() -> None:
    finding = only(stage("build", "Start", emit=[{"name": "Built-${contextID}"}]), stage("test", "Built-7"))
    assert (finding.code, finding.fix) == ("start-unclear", "set firstStage where runs should begin")


def test_a_name_made_of_the_status_is_an_event_of_the_run_and_no_first_one() -> None:
    assert (
        found(stage("build", "Start", emit=[{"name": "Built-${stage_status}"}]), stage("test", "Built-Success")) == []
    )
