"""What the verifier says of rules on topic KubernetesAPI."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.engine.verify import Finding, verify_trigger

from tests.support.kubernetes_events import trigger


def said(**rule: Any) -> list[Finding]:
    return verify_trigger(trigger("watch", rule), None, {})


def only(**rule: Any) -> tuple[str, str, str]:
    (found,) = said(**rule)
    return found.code, found.place, found.fix


def test_a_rule_with_the_topics_own_words_has_no_findings() -> None:
    rule = {
        "match": {"eventType": "modify", "kind": "Deployment", "resource.metadata.labels.team": "shop"},
        "filter": [
            {"attribute": "namespace", "allowed": ["app1*"]},
            {"jsonPath": "$.oldResource.spec.replicas", "allowed": ["1"]},
        ],
        "variableBindings": [{"name": "what", "value": "${event.name} ${contextID} ${registry}"}],
    }
    assert said(**rule) == []


def test_rules_on_other_topics_may_say_anything() -> None:
    assert said(topic="Integration_A", match={"colour": "red"}) == []


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"match": {"kind": "Pod", "namspace": "a"}}, "spec.events[0].match.namspace"),
        ({"match": {"kind": "Pod"}, "filter": [{"attribute": "namspace"}]}, "spec.events[0].filter[0].attribute"),
        ({"match": {"kind": "Pod"}, "filter": [{"jsonPath": "$.namspace"}]}, "spec.events[0].filter[0].jsonPath"),
        (
            {"match": {"kind": "Pod"}, "variableBindings": [{"name": "a", "value": "x ${event.namspace}"}]},
            "spec.events[0].variableBindings[0].value",
        ),
    ],
)
def test_an_unknown_attribute_is_found_wherever_it_is_named(rule: dict[str, Any], place: str) -> None:
    assert only(**rule) == ("unknown-attribute", place, "did you mean namespace?")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("modified", "modify"), ("updated", "modify"), ("ADDED", "create"), ("creat", "create"), ("removed", "delete")],
)
def test_an_unknown_event_type_is_found_with_the_one_that_was_meant(said: str, meant: str) -> None:
    found = only(match={"kind": "Pod", "eventType": said})
    assert found == ("unknown-event", "spec.events[0].match.eventType", f"did you mean {meant}?")


def test_an_event_name_that_is_near_one_is_found() -> None:
    found = only(match={"kind": "Pod"}, filter=[{"attribute": "eventName", "allowed": ["PipelineChange"]}])
    assert found == ("unknown-event", "spec.events[0].filter", "did you mean PipelineChanged?")


def test_a_rule_without_a_kind_is_told_that_nothing_is_watched_for_it() -> None:
    assert only(match={"eventType": "create"})[0] == "no-kind"


def test_a_rule_about_pipelines_needs_no_kind_and_may_have_none() -> None:
    assert said(match={"eventName": "PipelineChanged", "name": "build"}) == []
    found = only(match={"eventName": "PipelineChanged", "name": "build", "kind": "Pipeline"})
    assert found[:2] == ("unknown-attribute", "spec.events[0].match.kind") and found[2].startswith("remove it")


def test_what_is_in_a_secret_can_not_be_asked_for() -> None:
    assert only(match={"kind": "Secret", "resource.data.a": "b"})[0] == "secret-content"


def test_a_rule_that_its_own_runs_would_match_is_warned_of() -> None:
    (found,) = said(match={"kind": "StrategyRun", "eventType": "create"})
    assert (found.code, found.severity) == ("starts-itself", "warning")
