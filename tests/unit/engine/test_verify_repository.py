"""What the verifier says of rules on topic SourceRepository: near misses, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.engine.verify import Finding, verify_trigger
from kabanero.model.repository_events import ATTRIBUTES, EVENT_NAMES, event_name
from kabanero.sources.github_fields import EVENTS, read_fields
from kabanero.sources.github_origin import read_origin

from tests.support.github import payload


def said(**rule: Any) -> list[Finding]:
    return verify_trigger({"metadata": {"name": "a"}, "spec": {"strategy": "main", "events": [rule]}}, None, {})


def test_an_event_of_a_forge_has_no_findings() -> None:
    rule = {"match": {"eventName": "Push", "repository": "shop"}, "filter": [{"attribute": "branch", "allowed": ["*"]}]}
    assert said(**rule) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [("push", "Push"), ("Psuh", "Push"), ("Pull_Request", "PullRequest"), ("PullRequst", "PullRequest")],
)
def test_a_misspelt_event_is_told_with_the_one_that_was_meant(name: str, meant: str) -> None:
    (found,) = said(match={"eventName": name})
    assert (found.severity, found.place, found.fix) == (
        "warning",
        "spec.events[0].match.eventName",
        f"did you mean {meant}?",
    )


def test_a_filter_by_names_is_looked_at_too_but_for_its_globs() -> None:
    rule = {"filter": [{"attribute": "eventName", "allowed": ["Push", "Pull_*", "Relaese"]}]}
    assert [(each.place, each.fix) for each in said(**rule)] == [("spec.events[0].filter", "did you mean Release?")]


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"match": {"eventname": "Push"}}, "spec.events[0].match.eventname"),
        ({"filter": [{"attribute": "brnach"}]}, "spec.events[0].filter[0].attribute"),
        (
            {"variableBindings": [{"name": "a", "commit": "${event.comit}"}]},
            "spec.events[0].variableBindings[0].commit",
        ),
    ],
)
def test_a_misspelt_attribute_is_found_wherever_it_is_named(rule: dict[str, Any], place: str) -> None:
    (found,) = said(**rule)
    assert (found.severity, found.place) == ("warning", place)


def test_words_that_resemble_none_may_be_those_of_another_sender() -> None:
    assert said(match={"eventName": "Nightly", "colour": "red"}) == []
    assert said(topic="Integration_A", match={"eventName": "push"}) == []


def test_every_event_and_attribute_that_the_source_makes_is_known() -> None:
    assert {event_name(each) for each in EVENTS} <= set(EVENT_NAMES)
    for event in ("push", "pull_request", "issues"):
        body = payload(event)
        assert set(read_fields(event, read_origin(body, ""), body)) <= set(ATTRIBUTES)
