"""What a playbook says of itself: used when it is sound, else an error that names the place. Never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from kabanero.executors.ansible import traces
from kabanero.executors.reports import LARGEST, read_report, sound_outputs
from kabanero.ports import WorkResult, WorkStatus

OBJECT = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": "build"}
SCALARS = some.none() | some.booleans() | some.integers() | some.floats() | some.text(some.characters(codec=None))
ANYTHING = some.recursive(
    SCALARS, lambda inner: some.lists(inner) | some.dictionaries(some.text() | some.integers(), inner), max_leaves=15
)
NAMES = ("status", "reason", "message", "outputs", "waiting_for")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_report_without_a_status_is_a_success() -> None:
    result = read_report({"message": "fine", "reason": "AllGreen", "outputs": {"image": {"size": 7}}})
    assert result == WorkResult(WorkStatus.SUCCEEDED, "AllGreen", "fine", {"image": {"size": 7}})


def test_a_report_with_an_object_waits_for_it() -> None:
    result = read_report({"status": "Success", "waiting_for": OBJECT})
    assert (result.status, result.waiting_for) == (WorkStatus.WAITING, OBJECT)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("bad", "it is text, not a map"),
        ({"status": "Bananas"}, "status is 'Bananas', possible: Success, Failed"),
        ({"status": ["Success"]}, "status is ['Success']"),
        ({"message": {"a": 1}}, "message is a map, not text"),
        ({"outputs": [1]}, "outputs is a list"),
        ({"outputs": {"a": [{"b": 10**40}]}}, "outputs.a[0].b is a number of more than 64 bits (write it as text)"),
        ({"outputs": {"a": float("nan")}}, "outputs.a is nan"),
        ({"outputs": {"a": "\ud800"}}, "outputs.a holds bytes that are not UTF-8"),
        ({"outputs": {"": 1}}, "outputs has the name ''"),
        ({"outputs": {"a": nested(200)}}, "is nested more than 100 levels deep"),
        ({"outputs": {"a": "x" * LARGEST}}, f"bytes, more than {LARGEST}"),
        ({"waiting_for": "build"}, "waiting_for is text"),
        ({"waiting_for": {"apiVersion": "v1", "kind": 5}}, "waiting_for.kind is missing or not text"),
    ],
)
def test_a_report_that_can_not_be_used_is_an_error_that_says_why(report: Any, said: str) -> None:
    result = read_report(report)
    assert (result.status, result.reason) == (WorkStatus.ERRORED, "ResultInvalid")
    assert said in result.message
    assert len(result.message) < 5000


@given(ANYTHING | some.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, ANYTHING)))
def test_whatever_is_reported_can_be_written_down(tmp_path_factory: pytest.TempPathFactory, report: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    traces.write_result(folder, read_report(report))
    assert traces.result_of(folder) is not None
    traces.write_result(folder, WorkResult(WorkStatus.FAILED, outputs=sound_outputs(report)))
