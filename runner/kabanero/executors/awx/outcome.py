"""What an ended job means for its stage. Pure: from AWX's documents to a result, or to a sentence about a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kabanero.executors.reports import LONGEST_MESSAGE, read_report, sound_outputs
from kabanero.ports import WorkResult, WorkStatus

REPORT = "kabanero_stage_result"
"""The artifact that `kabanero.events.stage_result` leaves."""
TIMED_OUT = "Job terminated due to timeout"
LONGEST_OUTPUT = 2000
_ENDS = {
    "failed": (WorkStatus.FAILED, "JobFailed"),
    "error": (WorkStatus.ERRORED, "JobError"),
    "canceled": (WorkStatus.CANCELLED, "JobCanceled"),
}
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def result_of(job: Mapping[str, Any], report: Any, detail: str) -> WorkResult:
    """`report` is what its playbook said of itself, None for nothing; `detail` tells of a failure."""
    result = _judged(job, report, detail)
    return replace(result, started=_time(job.get("started")), finished=_time(job.get("finished")))


def _judged(job: Mapping[str, Any], report: Any, detail: str) -> WorkResult:
    status = job["status"]
    if status == "successful":
        return read_report({} if report is None else report)
    said = read_report(report) if report is not None else None
    if status == "failed" and said and said.status not in (WorkStatus.SUCCEEDED, WorkStatus.WAITING):
        return replace(said, message=_joined(said.message, detail))
    end, reason = _ENDS.get(status, (WorkStatus.ERRORED, "JobError"))
    explanation = str(job.get("job_explanation") or "")
    if status == "failed" and TIMED_OUT in explanation:
        end, reason = WorkStatus.TIMED_OUT, "JobTimedOut"
    trace = str(job.get("result_traceback") or "").strip()[-LONGEST_OUTPUT:]
    message = _joined(f"job {job['id']} ended as {status}", explanation, detail, trace)
    return WorkResult(end, reason, message, sound_outputs(report))


def report_in(artifacts: Any) -> Any:
    """The report among a job's artifacts; None when there is none. Artifacts that AWX hides are a text."""
    return artifacts.get(REPORT) if isinstance(artifacts, Mapping) else None


def failures(events: Sequence[Mapping[str, Any]]) -> str:
    """Which task failed on which host, and why."""
    bad = [event for event in events if not (event.get("event_data") or {}).get("ignore_errors")]
    if not bad:
        return ""
    first, others = bad[0], bad[1:]
    data = first.get("event_data") or {}
    task, host = first.get("task") or data.get("task") or "?", first.get("host_name") or data.get("host") or "?"
    verb = "could not reach" if first.get("event") == "runner_on_unreachable" else "failed on"
    more = f"; {len(others)} more failed" if others else ""
    return f"task {task} {verb} {host}: {_spoken(data.get('res'))}{more}"


def tail(events: Sequence[Mapping[str, Any]]) -> str:
    """The end of what the job printed; `events` are its last ones, newest first."""
    lines = [str(event.get("stdout") or "") for event in reversed(events)]
    text = _UNPRINTABLE.sub("", "\n".join(line for line in lines if line).replace("\r\n", "\n")).strip()
    return f"the end of its output:\n{text[-LONGEST_OUTPUT:]}" if text else ""


def _spoken(result: Any) -> str:
    """AWX shows a censored result as a text."""
    if not isinstance(result, Mapping):
        return str(result or "failed")
    message = result.get("msg") or result.get("stderr") or result.get("module_stderr") or "failed"
    return message if isinstance(message, str) else str(message)


def _joined(*parts: str) -> str:
    text = "\n".join(part for part in parts if part)
    return text.encode("utf-8", "replace").decode()[:LONGEST_MESSAGE]


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None
