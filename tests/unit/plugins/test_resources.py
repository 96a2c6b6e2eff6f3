"""How what is wanted is laid over what is there, and what of a resource is shown."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kabanero.events.plugins.module_utils.errors import from_status
from ansible_collections.kabanero.events.plugins.module_utils.resources import merged, shown


@pytest.mark.parametrize(
    ("there", "wanted", "result"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": [1, 2, 3]}, {"a": [4]}, {"a": [4]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
    ids=["nothing", "new field", "nested", "lists whole", "null removes", "null in new", "mapping for value"],
)
def test_merging(there: dict[str, Any], wanted: dict[str, Any], result: dict[str, Any]) -> None:
    assert merged(there, wanted) == result


def test_merging_leaves_its_input_alone() -> None:
    there = {"a": {"b": 1}}
    merged(there, {"a": {"b": 2}})
    assert there == {"a": {"b": 1}}


def test_what_the_server_keeps_for_itself_is_not_shown() -> None:
    metadata = {"name": "x", "uid": "1", "resourceVersion": "2", "generation": 3, "labels": {"a": "b"}}
    resource = {"kind": "K", "metadata": metadata, "spec": {}, "status": {"phase": "Running"}}
    assert shown(resource) == {"kind": "K", "metadata": {"name": "x", "labels": {"a": "b"}}, "spec": {}}


def test_nothing_is_shown_of_nothing() -> None:
    assert shown(None) == {}


def test_a_status_object_keeps_its_causes() -> None:
    cause = {"field": "spec.timeout", "reason": "FieldValueInvalid", "message": "is no duration"}
    status = {"kind": "Status", "reason": "Invalid", "message": "it is invalid", "details": {"causes": [cause]}}
    error = from_status(422, status)
    assert str(error) == "it is invalid"
    assert error.details == {"status": 422, "reason": "Invalid", "causes": [cause]}


def test_a_refused_token_is_answered_with_what_to_do() -> None:
    assert "give a valid token" in str(from_status(401, {"kind": "Status", "reason": "Unauthorized", "message": "no"}))


@pytest.mark.parametrize("answer", ["<html>404</html>", {"kind": "Status", "reason": "NotFound", "message": "no path"}])
def test_a_server_without_our_api_is_told_apart_from_a_missing_resource(answer: Any) -> None:
    assert "is this a Kabanero runner" in str(from_status(404, answer))


def test_a_missing_resource_is_just_that() -> None:
    status = {"kind": "Status", "reason": "NotFound", "message": '"x" not found', "details": {"name": "x"}}
    assert from_status(404, status).reason == "NotFound"


def test_an_answer_of_a_proxy_is_shown_in_part() -> None:
    assert str(from_status(502, "Bad Gateway" * 100)).startswith("the server answered 502: Bad Gateway")
