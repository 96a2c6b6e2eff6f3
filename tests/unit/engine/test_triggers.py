"""The index of triggers finds what holding every rule against the event would find, and looks at next to none."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from kabanero.engine.triggers import TriggerIndex, meant_for, run_for
from kabanero.model.errors import InvalidError
from kabanero.model.events import Event
from kabanero.model.resource import Resource

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
BRANCHES = ("main", "master", "feature/ü/Größe", "release-1.0", "a*b", "weird [x]", "日本語", "a\nb", "")
GLOBS = (*BRANCHES, "*", "feature/*", "release-?.0", "[mf]*", "[!m]*", "*ü*", "a[*]b")
TOPICS = ("SourceRepository", "Timer")


def event(topic: str = "SourceRepository", **data: Any) -> Event:
    return Event("1", "/tests", "io.kabanero.test", topic, "/k/repository/a", NOW, orjson.dumps(data))


def trigger(name: str, *rules: dict[str, Any], namespace: str = "kabanero", suspended: bool = False) -> Resource:
    spec: dict[str, Any] = {"strategy": "main", "events": list(rules)}
    if suspended:
        spec["suspended"] = True
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"}, "spec": spec}


def index_of(*triggers: Resource) -> TriggerIndex:
    index = TriggerIndex()
    for each in triggers:
        index.add(each)
    return index


def found(index: TriggerIndex, what: Event) -> list[tuple[str, str, int]]:
    return [(each.namespace, each.name, each.rule_index) for each in index.match(what)]


# --- the same as the naive way ---


def naive(triggers: dict[tuple[str, str], Resource], what: Event) -> list[tuple[str, str, int]]:
    return sorted(
        (namespace, name, number)
        for (namespace, name), each in triggers.items()
        if not each["spec"].get("suspended")
        for number, rule in enumerate(each["spec"]["events"])
        if rule.get("topic", "SourceRepository") == what.topic and _wants(rule, what.data)
    )


def _wants(rule: dict[str, Any], data: dict[str, Any]) -> bool:
    equal = all(_at(data, name) == value for name, value in rule.get("match", {}).items())
    return equal and all(_passes(each, _at(data, each["attribute"])) for each in rule.get("filter", ()))


def _passes(rule: dict[str, Any], value: str | None) -> bool:
    if value is None:
        return "allowed" not in rule
    allowed = "allowed" not in rule or any(fnmatch.fnmatchcase(value, glob) for glob in rule["allowed"])
    return allowed and not any(fnmatch.fnmatchcase(value, glob) for glob in rule.get("disallowed", ()))


def _at(data: dict[str, Any], path: str) -> str | None:
    value: Any = data
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


VALUES = some.sampled_from([*BRANCHES, "Push", "true", "7"])
MATCHES = some.dictionaries(some.sampled_from(["eventName", "branch", "repository", "nested.deep"]), VALUES, max_size=2)
FILTERS = some.fixed_dictionaries(
    {"attribute": some.sampled_from(["branch", "repository", "nested.deep"])},
    optional={
        "allowed": some.lists(some.sampled_from(GLOBS), max_size=2),
        "disallowed": some.lists(some.sampled_from(GLOBS), max_size=2),
    },
)
RULES = some.fixed_dictionaries(
    {"topic": some.sampled_from(TOPICS), "match": MATCHES, "filter": some.lists(FILTERS, max_size=2)}
)
TRIGGERS = some.builds(
    lambda name, namespace, rules, suspended: trigger(name, *rules, namespace=namespace, suspended=suspended),
    some.sampled_from("abcd"),
    some.sampled_from(["kabanero", "team"]),
    some.lists(RULES, min_size=1, max_size=3),
    some.sampled_from([False, False, False, True]),
)
DATA = some.fixed_dictionaries(
    {},
    optional={
        "eventName": VALUES,
        "branch": some.one_of(VALUES, some.none(), some.just(True), some.just(7)),
        "repository": VALUES,
        "nested": some.one_of(VALUES, some.fixed_dictionaries({"deep": VALUES})),
    },
)


@settings(max_examples=200, deadline=None)
@given(some.lists(TRIGGERS, max_size=8), some.lists(some.integers(0, 7), max_size=3), some.sampled_from(TOPICS), DATA)
def test_matches_are_those_of_holding_every_rule_against_the_event(
    triggers: list[Resource], removed: list[int], topic: str, data: dict[str, Any]
) -> None:
    index, kept = index_of(*triggers), {}
    for each in triggers:
        kept[each["metadata"]["namespace"], each["metadata"]["name"]] = each
    for number in removed:
        if number < len(triggers):
            metadata = triggers[number]["metadata"]
            index.remove(metadata["namespace"], metadata["name"])
            kept.pop((metadata["namespace"], metadata["name"]), None)
    what = event(topic, **data)
    assert found(index, what) == naive(kept, what)
    explained = index.explain(what)
    said = [(each.namespace, each.name, rule.rule) for each in explained for rule in each.rules if rule.matched]
    live = [place for place in said if not kept[place[:2]]["spec"].get("suspended")]
    assert live == naive(kept, what)
    assert {(each.namespace, each.name) for each in explained if each.matched} == {place[:2] for place in live}


# --- examples ---

PUSH = {"match": {"eventName": "Push"}}


@pytest.mark.parametrize(
    ("glob", "branch", "passes"),
    [
        ("master", "master", True),
        ("master", "Master", False),
        ("feature/*", "feature/a/b", True),
        ("feature/*", "feature", False),
        ("*ü*", "fix-größe-über", True),
        ("release-[0-9]", "release-7", True),
        ("release-[!0-9]", "release-7", False),
        ("*", "a\nb", True),
        ("main", "main\n", False),
    ],
)
def test_globs_over_branches(glob: str, branch: str, passes: bool) -> None:
    rule = {**PUSH, "filter": [{"attribute": "branch", "allowed": [glob]}]}
    assert bool(found(index_of(trigger("t", rule)), event(eventName="Push", branch=branch))) is passes


def test_what_is_disallowed_does_not_pass_even_if_it_is_allowed() -> None:
    rule = {**PUSH, "filter": [{"attribute": "branch", "allowed": ["*"], "disallowed": ["*test"]}]}
    index = index_of(trigger("t", rule))
    assert found(index, event(eventName="Push", branch="main"))
    assert not found(index, event(eventName="Push", branch="my-test"))


def test_a_json_path_looks_into_the_whole_event() -> None:
    rule = {"filter": [{"jsonPath": "$.rawData.commits[*].message", "disallowed": ["*skip ci*"]}]}
    index = index_of(trigger("t", rule))
    assert found(index, event(rawData={"commits": [{"message": "a change"}]}))
    assert not found(index, event(rawData={"commits": [{"message": "a change"}, {"message": "x [skip ci]"}]}))


def test_an_event_in_which_one_filter_can_not_look_is_kept_from_no_other_trigger() -> None:
    sorting = {"filter": [{"jsonPath": "$.rawData.commits[/id]", "disallowed": ["x"]}]}
    index = index_of(trigger("careful", sorting), trigger("plain", {}))
    what = event(rawData={"commits": "none"})
    assert found(index, what) == [("kabanero", "plain", 0)]
    assert "can't be read: TypeError" in index.explain(what)[0].rules[0].objections[0]


def test_a_suspended_trigger_matches_nothing_and_explains_itself() -> None:
    index = index_of(trigger("t", PUSH, suspended=True))
    assert not found(index, event(eventName="Push"))
    assert [(each.matched, each.suspended) for each in index.explain(event(eventName="Push"))] == [(False, True)]


def test_a_trigger_that_changed_matches_by_what_it_says_now() -> None:
    index = index_of(trigger("t", PUSH), trigger("t", {"match": {"eventName": "PullRequest"}}))
    assert not found(index, event(eventName="Push"))
    assert found(index, event(eventName="PullRequest"))


def test_a_trigger_that_can_not_be_read_is_refused_and_the_old_one_stays() -> None:
    index = index_of(trigger("t", PUSH))
    with pytest.raises(InvalidError, match="can't be read"):
        index.add(trigger("t", {"filter": [{"jsonPath": "$.["}]}))
    assert found(index, event(eventName="Push"))


def test_an_explanation_names_each_thing_that_is_in_the_way() -> None:
    rule = {
        "match": {"eventName": "Push", "repostory": "shop"},
        "filter": [{"attribute": "branch", "allowed": ["main"]}],
    }
    explained = index_of(trigger("t", rule)).explain(event(eventName="Pull", repository="shop", branch="dev"))[0]
    assert explained.rules[0].objections == (
        "eventName is 'Pull', wanted: Push",
        "the event has no repostory; did you mean repository?",
        "branch is 'dev', allowed: main",
    )


@pytest.mark.parametrize(
    ("own", "topic", "namespace", "meant"),
    [
        ("", "SourceRepository", "team", True),
        ("team", "SourceRepository", "team", True),
        ("team", "SourceRepository", "other", False),
        ("team", "KubernetesAPI", "other", False),
    ],
)
def test_an_event_of_a_namespace_stays_in_it(own: str, topic: str, namespace: str, meant: bool) -> None:
    assert meant_for(event(topic, namespace=own), namespace) is meant


def test_an_event_about_an_object_is_for_every_namespace_unless_somebody_made_it_up() -> None:
    made_up = event("KubernetesAPI", namespace="team")
    assert meant_for(replace(made_up, source="kubernetes/Deployment.apps"), "other")
    assert not meant_for(made_up, "other")


@pytest.mark.parametrize("topic", ["SourceRepository", "KubernetesAPI"])
@pytest.mark.parametrize("own", ["", "kabanero", "team"])
def test_the_explanation_agrees_with_what_is_started(topic: str, own: str) -> None:
    what = event(topic, namespace=own)
    index = index_of(trigger("t", {"topic": topic}))
    started = [each for each in index.match(what) if meant_for(what, each.namespace)]
    assert [each.matched for each in index.explain(what)] == [bool(started)]


# --- many ---


class Counted:
    """Counts how many rules are held against events."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from kabanero.engine import triggers

        self.rules, original = 0, triggers._Rule.matches

        def matches(rule: Any, data: Any) -> bool:
            self.rules += 1
            return bool(original(rule, data))

        monkeypatch.setattr(triggers._Rule, "matches", matches)


def repository_rule(number: int) -> dict[str, Any]:
    return {
        "match": {"eventName": "Push", "repository": f"repository-{number}"},
        "filter": [{"attribute": "branch", "allowed": ["main"]}],
    }


def filter_rule(number: int) -> dict[str, Any]:
    literal = {"attribute": "fullName", "allowed": [f"acme/repository-{number}"]}
    return {**PUSH, "filter": [{"attribute": "branch", "allowed": ["main"]}, literal]}


def test_of_ten_thousand_triggers_only_those_of_the_repository_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule_of(number) for number in range(5000) for rule_of in (repository_rule, filter_rule)]
    index = index_of(*(trigger(f"t{number}", rule) for number, rule in enumerate(rules)))
    counted = Counted(monkeypatch)
    what = event(eventName="Push", repository="repository-77", fullName="acme/repository-77", branch="main")
    assert found(index, what) == [("kabanero", "t154", 0), ("kabanero", "t155", 0)]
    assert counted.rules == 2


# --- what a match starts ---

HOSTILE = "${event.rawData} ${contextID} ${docker_registry} {{ lookup('pipe', 'id') }} $(id)"


def test_a_value_of_the_event_is_put_in_as_it_is_and_never_looked_at_again() -> None:
    bindings = [
        {"name": "src", "location": "git/${event.branch}", "branch": "${event.branch}"},
        {"name": "note", "value": "${event.rawData}"},
    ]
    index = index_of(trigger("t", {"variableBindings": bindings}))
    what = event(branch=HOSTILE, rawData={"${contextID}": [HOSTILE]})
    spec = run_for(index.match(what)[0], what, {"docker_registry": "registry"}, "ctx")
    source, note = (each.content() for each in spec.variables)
    assert source == {"location": f"git/{HOSTILE}", "branch": HOSTILE}
    assert note == {"${contextID}": [HOSTILE]}


def test_a_placeholder_that_names_nothing_is_named_with_what_was_meant() -> None:
    index = index_of(trigger("t", {"variableBindings": [{"name": "src", "value": "${event.brnach}"}]}))
    what = event(branch="main")
    with pytest.raises(InvalidError, match=r"variableBindings\[0\]\.value.*did you mean branch"):
        run_for(index.match(what)[0], what, {}, "ctx")


def test_a_run_says_what_caused_it() -> None:
    what = event(eventName="Push")
    spec = run_for(index_of(trigger("t", {"match": {"eventName": "No"}}, PUSH)).match(what)[0], what, {}, "ctx")
    assert spec.cause and (spec.cause.trigger, spec.cause.rule, spec.cause.event) == ("t", 1, "/tests#1")
