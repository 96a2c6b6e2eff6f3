"""JSONPaths that could search for longer than an event is large are refused when they are written."""

from __future__ import annotations

import pytest
from kabanero.model.errors import InvalidError
from kabanero.model.jsonpath import read_json_path
from kabanero.model.validation import validate

DATA = {"rawData": {"size": 7, "commits": [{"id": "a", "message": "one"}, {"id": "b", "message": "two"}]}}


def trigger(path: str) -> dict[str, object]:
    rule = {"filter": [{"jsonPath": path, "allowed": ["*"]}]}
    spec = {"strategy": "main", "events": [rule]}
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StrategyTrigger",
        "metadata": {"name": "a"},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.rawData.size", [7]),
        ("$..id", ["a", "b"]),
        ("$.rawData.commits[*].message", ["one", "two"]),
        ('$.rawData.commits[?(@.id == "b")].message', ["two"]),
        ("$.rawData.commits[-1].id", ["b"]),
        ("$.rawData.nothing", []),
    ],
)
def test_a_path_finds_what_it_names(path: str, values: list[object]) -> None:
    assert [found.value for found in read_json_path(path).find(DATA)] == values


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.rawData.commits[?(@.id =~ '(x+x+)+y')]", "regular expressions"),
        ("$.rawData[?(@.commits[?(@.id =~ 'y')])]", "regular expressions"),
        ("$.rawData.ref.`sub(/(a+)+$/, x)`", "regular expressions"),
        ("$.rawData.ref * 1000000", "arithmetic"),
        ("$..*..id", "more than 1 `..`"),
        ("$..*[?(@..id)]", "more than 1 `..`"),
        ("$..* where id", "more than 1 `..`"),
        ("$[", "can't be read"),
        ("$." + "a." * 600 + "a", "longer than"),
    ],
)
def test_a_path_that_could_take_for_ever_is_refused_when_it_is_applied(path: str, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason):
        read_json_path(path)
    assert any(
        reason in str(problem) and problem.path == "spec.events[0].filter[0]" for problem in validate(trigger(path))
    )
