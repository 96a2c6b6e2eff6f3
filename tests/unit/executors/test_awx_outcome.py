"""What an ended job of AWX means for its stage, and how a failure is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from kabanero.executors.awx.answers import spoken, wait_of
from kabanero.executors.awx.launching import page_of
from kabanero.executors.awx.outcome import failures, report_in, result_of, tail
from kabanero.ports import WorkStatus

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def job(status: str, **more: Any) -> dict[str, Any]:
    return {"id": 7, "status": status, "started": "2026-01-01T12:00:00.5Z", "finished": None, **more}


def failed(task: str, host: str, **more: Any) -> dict[str, Any]:
    return {"event": "runner_on_failed", "task": task, "host_name": host, "event_data": {"res": {"msg": "no"}}, **more}


def test_success_without_a_report_is_success_without_outputs() -> None:
    result = result_of(job("successful"), None, "")
    assert (result.status, result.outputs, result.finished) == (WorkStatus.SUCCEEDED, {}, None)


def test_a_report_that_can_not_be_used_is_an_error() -> None:
    assert result_of(job("successful"), {"status": "Great"}, "").reason == "ResultInvalid"


def test_a_failed_job_is_no_success_whatever_its_report_says() -> None:
    result = result_of(job("failed"), {"status": "Success", "outputs": {"n": 1}}, "")
    assert (result.status, result.outputs) == (WorkStatus.FAILED, {"n": 1})


def test_artifacts_that_are_hidden_hold_no_report() -> None:
    assert report_in("$hidden due to Ansible no_log flag$") is None


def test_a_status_that_nobody_knows_is_an_error() -> None:
    assert result_of(job("exploded"), None, "").status is WorkStatus.ERRORED


def test_failures_that_were_ignored_are_not_told() -> None:
    ignored = failed("Look", "web0", event_data={"ignore_errors": True})
    assert failures([ignored]) == ""
    told = failures([ignored, failed("Restart", "web1"), failed("Stop", "web2")])
    assert told == "task Restart failed on web1: no; 1 more failed"


def test_a_censored_failure_is_told_without_its_cause() -> None:
    assert "task Login failed on web1: $censored" in failures(
        [failed("Login", "web1", event_data={"res": "$censored"})]
    )


def test_the_tail_is_in_the_order_in_which_it_was_printed() -> None:
    assert tail([{"stdout": "last"}, {"stdout": ""}, {"stdout": "\x1b[0;31mfirst\x1b[0m\r"}]).endswith("first\nlast")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "Not found."}, "Not found. (HTTP 400)"),
        ({"__all__": ["There already."]}, "There already. (HTTP 400)"),
        ({"extra_vars": ["Must be a map.", "Or text."]}, "extra_vars: Must be a map., Or text. (HTTP 400)"),
        (None, "HTTP 400"),
        (["?"], "HTTP 400"),
    ],
)
def test_what_awx_answers_is_told_as_a_sentence(body: Any, said: str) -> None:
    assert spoken(400, body) == said


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("Thu, 01 Jan 2026 12:01:00 GMT", 60), ("soon", 0), ("", 0), ("-5", 0)]
)
def test_how_long_to_wait_is_read_in_both_forms(header: str, seconds: float) -> None:
    assert wait_of(header, NOW) == seconds


@pytest.mark.parametrize(
    ("api_path", "type", "page"),
    [
        ("/api/v2", "job", "https://awx/#/jobs/playbook/7/output"),
        ("/api/v2", "workflow_job", "https://awx/#/jobs/workflow/7/output"),
        ("/api/controller/v2", "job", "https://awx/execution/jobs/playbook/7/output"),
    ],
)
def test_a_jobs_page(api_path: str, type: str, page: str) -> None:
    assert page_of("https://awx/", api_path, type, 7) == page
