"""The filters decide as the runner's triggers do, and as Semantic Versioning says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kabanero.events.plugins.filter.jsonpath_match import jsonpath_match
from ansible_collections.kabanero.events.plugins.filter.semver_select import semver_select
from ansible_collections.kabanero.events.plugins.module_utils.matching import matches
from hypothesis import given, settings
from hypothesis import strategies as st
from kabanero.engine.triggers import TriggerIndex
from kabanero.model.events import Event
from kabanero.model.kinds.trigger import EventFilter
from kabanero.model.matching import compile_filter

PATHS = ("$.a", "$.a.b", "$.list[*]", "$.list[?(@.a)]", "$..a", "$")
GLOBS = st.lists(st.sampled_from(["*", "a*", "*b", "[ab]", "?", "1", "true", "", "A*"]), max_size=2)
VALUES = st.recursive(
    st.sampled_from(["a", "ab", "b", "", "A\nb", "é", 1, 1.5, True, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "list"]), inner, max_size=3),
    max_leaves=6,
)
DATA = st.dictionaries(st.sampled_from(["a", "b", "list"]), VALUES, max_size=3)


@settings(deadline=None)
@given(DATA, st.sampled_from(PATHS), st.none() | GLOBS, GLOBS)
def test_a_filter_passes_what_passes_it_in_a_trigger(
    data: dict[str, Any], path: str, allowed: list[str] | None, disallowed: list[str]
) -> None:
    rule = EventFilter(json_path=path, allowed=None if allowed is None else tuple(allowed), disallowed=disallowed)
    assert jsonpath_match(data, path, allowed, disallowed) == compile_filter(rule).passes(data)


@settings(deadline=None)
@given(DATA, st.sampled_from(["a", "a.b", "list", "c"]), st.sampled_from(["a", "1", "true", "[]", '{"a":"é"}']))
def test_an_awaited_event_matches_as_in_a_trigger(data: dict[str, Any], name: str, value: str) -> None:
    index = TriggerIndex()
    rule = {"match": {name: value}, "topic": "T", "emit": {"name": "x"}}
    index.add(trigger(rule))
    assert matches(data, {name: value}) == bool(list(index.match(event(data))))


def trigger(rule: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "t", "namespace": "n", "uid": "u", "generation": 1}
    spec = {"strategy": "s", "events": [rule]}
    return {"apiVersion": "kabanero.io/v1alpha1", "kind": "StrategyTrigger", "metadata": metadata, "spec": spec}


def event(data: dict[str, Any]) -> Event:
    time, payload = datetime(2026, 11, 23, tzinfo=UTC), orjson.dumps(data)
    return Event(id="e", source="s", type="t", topic="T", path="/k/x", time=time, payload=payload)


def test_a_path_that_can_not_be_read_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"jsonpath_match: the jsonPath '\$\.\.\[' can't be read"):
        jsonpath_match({}, "$..[")


TAGS = ["latest", "v0.2.9", "v0.2.10", "0.3.0", "1.4.1", "1.10.0", "2.0.0-rc.1", "2.0.0-rc.2"]


@pytest.mark.parametrize(
    ("range", "chosen"),
    [
        ("*", "1.10.0"),
        ("x", "1.10.0"),
        ("^0.2", "v0.2.10"),
        ("^0.2.9", "v0.2.10"),
        ("~0.2.9", "v0.2.10"),
        ("~0", "0.3.0"),
        ("^1.4.1", "1.10.0"),
        ("~1.4", "1.4.1"),
        ("1.4", "1.4.1"),
        ("1.4.x", "1.4.1"),
        ("1", "1.10.0"),
        ("=1.4.1", "1.4.1"),
        ("1.4.1", "1.4.1"),
        (">=0.2 <1", "0.3.0"),
        ("<=0.2", "v0.2.10"),
        (">0.2 <1.5", "1.4.1"),
        ("!=1.10.0", "1.4.1"),
        ("^0.1 || ^0.3", "0.3.0"),
    ],
)
def test_the_highest_version_within_a_range_is_chosen(range: str, chosen: str) -> None:
    assert semver_select(TAGS, range) == chosen


def test_a_version_before_a_release_is_chosen_only_where_it_may_be() -> None:
    assert semver_select(TAGS, "*", prerelease=True) == "2.0.0-rc.2"


def test_what_comes_before_the_next_release_is_not_within_the_one_before() -> None:
    assert semver_select(TAGS, "^1.4.1", prerelease=True) == "1.10.0"


@pytest.mark.parametrize(("range", "says"), [("newest", "is no comparison"), (">= 1", "without spaces inside")])
def test_a_range_that_is_none_is_answered_with_how_to_write_one(range: str, says: str) -> None:
    with pytest.raises(AnsibleFilterError, match=says):
        semver_select(TAGS, range)


def test_where_no_version_is_within_the_range_the_versions_are_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"no version is within '\^3'; there are latest, v0.2.9"):
        semver_select(TAGS, "^3")
