"""What strategy_run makes of its options, how it waits, and what it says of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.kabanero.events.plugins.module_utils.errors import (
    ApiError,
    KabaneroError,
    WaitError,
    from_status,
)
from ansible_collections.kabanero.events.plugins.module_utils.retrying import has_begun, to_retry
from ansible_collections.kabanero.events.plugins.module_utils.runs import (
    check_success,
    check_unchanged,
    has_ended,
    name_of,
    spec_of,
    stages_of,
    standing,
)
from ansible_collections.kabanero.events.plugins.module_utils.waiting import wait_until

Run = dict[str, Any]


def run(phase: str = "", *stages: dict[str, Any], **status: Any) -> Run:
    fields = ({"phase": phase} if phase else {}) | ({"stages": list(stages)} if stages else {}) | status
    return {"metadata": {"name": "r", "resourceVersion": "1"}, "status": fields}


def options(**given: Any) -> dict[str, Any]:
    return {"name": None, "strategy": "ship", "context_id": None, "variables": None, "emit": None} | given


class Script:
    """Stands for a kind's resources: each watch plays the next part, an exception or a list of (type, run)."""

    kind = "StrategyRun"

    def __init__(self, *parts: Any, now: Callable[[], Run | None] = lambda: run("Running")) -> None:
        self._parts, self._now = list(parts), now
        self.time = 0.0

    def watch(self, name: str, since: str, timeout: float) -> Iterator[dict[str, Any]]:
        part = self._parts.pop(0) if self._parts else []
        if isinstance(part, Exception):
            raise part
        self.time += 0 if part else timeout
        yield from ({"type": kind, "object": resource} for kind, resource in part)

    def get(self, name: str) -> Run | None:
        return self._now()

    def wait(self, resource: Run, timeout: float = 600) -> Run:
        return wait_until(self, resource, has_ended, timeout, standing, lambda: self.time, lambda _: None)


def test_a_name_is_made_from_strategy_and_context() -> None:
    assert name_of(options(context_id="2026_11_23 A")) == "ship-2026-11-23-a"


def test_without_context_there_is_no_name_to_be_made() -> None:
    assert name_of(options()) is None


def test_a_dictionary_is_a_variable_with_fields_and_all_else_a_value() -> None:
    variables = {"repo": {"location": "x"}, "emails": ["a", "b"], "count": 3}
    assert spec_of(options(variables=variables))["variables"] == [
        {"name": "count", "value": 3},
        {"name": "emails", "value": ["a", "b"]},
        {"name": "repo", "location": "x"},
    ]


def test_a_rerun_has_the_values_of_the_earlier_run_where_none_are_given() -> None:
    earlier = {"strategy": "ship", "variables": [{"name": "size", "value": 1}, {"name": "colour", "value": "red"}]}
    assert spec_of(options(strategy=None, variables={"colour": "blue"}), earlier) == {
        "strategy": "ship",
        "variables": [{"name": "colour", "value": "blue"}, {"name": "size", "value": 1}],
    }


def test_a_run_that_was_started_with_something_else_is_refused_by_the_field() -> None:
    there = {"metadata": {"name": "r"}, "spec": {"strategy": "ship", "variables": [{"name": "a", "value": 1}]}}
    check_unchanged(there, {"strategy": "ship"})
    with pytest.raises(KabaneroError, match="make a new run instead") as caught:
        check_unchanged(there, {"strategy": "ship", "variables": [{"name": "a", "value": 2}]})
    assert [cause["field"] for cause in caught.value.details["causes"]] == ["spec.variables"]


def test_a_field_that_an_api_server_names_in_its_message_alone_is_a_cause() -> None:
    text = 'StrategyRun cannot be handled: strict decoding error: unknown field "spec.stratgy", unknown field "spec.x"'
    error = from_status(400, {"kind": "Status", "reason": "BadRequest", "message": text})
    assert [cause["field"] for cause in error.details["causes"]] == ["spec.stratgy", "spec.x"]


def test_only_stages_that_have_failed_are_retried_where_none_is_named() -> None:
    stages = [{"name": name, "phase": name} for name in ("Succeeded", "Failed", "Running", "TimedOut", "Skipped")]
    assert [stage["name"] for stage in to_retry(run("Running", *stages))] == ["Failed", "TimedOut"]


def test_a_stage_that_is_under_way_is_not_started_again() -> None:
    assert to_retry(run("Running", {"name": "build", "phase": "Running"}), ["build"]) == []


@pytest.mark.parametrize(
    ("name", "says"), [("buld", "has no stage 'buld'; it has build"), ("build", "was never triggered")]
)
def test_what_can_not_be_retried_is_refused_with_the_reason(name: str, says: str) -> None:
    with pytest.raises(KabaneroError, match=says):
        to_retry(run("Running", {"name": "build", "phase": "Skipped"}), [name])


def test_a_retry_has_begun_when_the_run_knows_of_its_attempts() -> None:
    begun = has_begun({"build": 2})
    assert [begun(run("Failed", {"name": "build", "phase": "Failed", "attempt": n})) for n in (1, 2)] == [False, True]


def test_the_order_of_variables_does_not_matter() -> None:
    assert spec_of(options(variables={"a": 1, "b": 2})) == spec_of(options(variables={"b": 2, "a": 1}))


def test_waiting_ends_with_the_run() -> None:
    done = run("Succeeded")
    assert Script([("MODIFIED", run("Running")), ("MODIFIED", done)]).wait(run("Running")) == done


def test_a_run_that_has_ended_is_not_watched() -> None:
    done = run("Failed")
    assert Script(AssertionError("watched")).wait(done) is done


def test_a_watch_that_is_cut_off_is_taken_up_again() -> None:
    done = run("Succeeded")
    script = Script([("MODIFIED", run("Running"))], [("MODIFIED", done)])
    assert script.wait(run("Running")) == done


def test_a_version_that_has_expired_is_read_again() -> None:
    done = run("Succeeded")
    assert Script(ApiError(410, "Expired", "too old"), now=lambda: done).wait(run("Running")) == done


def test_waiting_too_long_says_what_is_waited_for() -> None:
    stage = {"name": "approval", "phase": "Running", "waitsOn": "Approval"}
    with pytest.raises(WaitError, match=r"within 600 s: stage approval .* \(kabanero approve r approval\)"):
        Script(now=lambda: run("Running", stage)).wait(run("Running"))


def test_a_run_that_is_deleted_ends_the_wait() -> None:
    with pytest.raises(WaitError, match="was deleted while it was waited for"):
        Script([("DELETED", run("Running"))], now=lambda: None).wait(run("Running"))


def test_a_run_that_failed_is_told_by_its_stages() -> None:
    stages = [{"name": "build", "phase": "Succeeded"}, {"name": "FVT", "phase": "Failed", "message": "2 tests failed"}]
    with pytest.raises(WaitError, match="r ended as Failed: stage FVT is Failed: 2 tests failed"):
        check_success(run("Failed", *stages))


def test_a_run_that_could_not_begin_is_told_by_its_condition() -> None:
    assert (
        standing(run("Errored", conditions=[{"message": "strategy ship is not there"}])) == "strategy ship is not there"
    )


def test_a_run_that_nobody_takes_up_is_told_so() -> None:
    assert "is it running?" in standing(run())


def test_stages_have_their_fields_in_snake_case() -> None:
    stage = {"name": "build", "stageRun": "r-build", "startTime": "t", "triggeredBy": ["x"]}
    assert stages_of(run("Running", stage)) == [{"name": "build", "stage_run": "r-build", "start_time": "t"}]
