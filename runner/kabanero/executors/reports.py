"""What a playbook says of itself, held against what can be kept: it is anybody's data until it has been looked at.

`kabanero.events.stage_result` makes sound reports; `set_stats` can make any. Used by the executors, which must be able
to write the result down whatever it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from kabanero.ports import WorkResult, WorkStatus

STATUSES = {
    "Success": WorkStatus.SUCCEEDED,
    "Failed": WorkStatus.FAILED,
    "Errored": WorkStatus.ERRORED,
    "Cancelled": WorkStatus.CANCELLED,
    "TimedOut": WorkStatus.TIMED_OUT,
}
LARGEST = 256 * 1024
"""Bytes of all outputs as JSON. They go into the run, its stages and every later stage's extra vars."""
DEEPEST = 100
"""Levels of nesting of an output."""
LONGEST_MESSAGE = 4000
INVALID = "ResultInvalid"
_INTEGERS = range(-(2**63), 2**64)


def read_report(report: Any) -> WorkResult:
    """The result that a report stands for; one that can't be kept is an error that names what is wrong with it."""
    problems = list(_problems(report))
    if problems:
        message = "the playbook's report can't be used: " + "; ".join(problems)
        return WorkResult(WorkStatus.ERRORED, INVALID, message[:LONGEST_MESSAGE])
    status = STATUSES[report.get("status") or "Success"]
    waiting_for = report.get("waiting_for") or None
    if waiting_for and status is WorkStatus.SUCCEEDED:
        status = WorkStatus.WAITING
    message = str(report.get("message") or "")[:LONGEST_MESSAGE]
    links = report.get("links") or {}
    return WorkResult(status, report.get("reason") or "", message, sound_outputs(report), waiting_for, links=links)


def sound_outputs(report: Any) -> Mapping[str, Any]:
    """The outputs of a report when they can be kept, else none."""
    outputs = report.get("outputs") if isinstance(report, dict) else None
    return outputs if isinstance(outputs, dict) and not any(_outputs(outputs)) else {}


def _problems(report: Any) -> Iterator[str]:
    """Sentences, each with its place."""
    if not isinstance(report, dict):
        yield f"it is {_kind(report)}, not a map (end the playbook with kabanero.events.stage_result)"
        return
    status = report.get("status") or "Success"
    if not isinstance(status, str) or status not in STATUSES:
        yield f"status is {status!r}, possible: {', '.join(STATUSES)}"
    for name in ("reason", "message"):
        if not isinstance(report.get(name) or "", str):
            yield f"{name} is {_kind(report[name])}, not text"
    yield from _outputs(report.get("outputs"))
    yield from _waiting_for(report.get("waiting_for"))
    yield from _links(report.get("links"))


def _waiting_for(wanted: Any) -> Iterator[str]:
    if not wanted:
        return
    if not isinstance(wanted, dict):
        yield f"waiting_for is {_kind(wanted)}, not a map of apiVersion, kind and name"
        return
    for name in ("apiVersion", "kind", "name"):
        if not isinstance(wanted.get(name), str) or not wanted[name]:
            yield f"waiting_for.{name} is missing or not text"
    if not isinstance(wanted.get("namespace") or "", str):
        yield "waiting_for.namespace is not text"


def _links(links: Any) -> Iterator[str]:
    if not links:
        return
    if not isinstance(links, dict):
        yield f"links is {_kind(links)}, not a map of titles and URLs"
        return
    for title, url in links.items():
        if not all(isinstance(each, str) and each and _is_unicode(each) for each in (title, url)):
            yield f"links has {title!r}: {url!r}, but titles and URLs are text"


def _outputs(outputs: Any) -> Iterator[str]:
    if outputs is None:
        return
    if not isinstance(outputs, dict):
        yield f"outputs is {_kind(outputs)}, not a map of names and values"
        return
    found = next(_unkeepable("outputs", outputs, 0), None)
    if found:
        yield found
        return
    size = len(orjson.dumps(outputs, default=str))
    if size > LARGEST:
        yield f"outputs has {size} bytes, more than {LARGEST} (keep the data elsewhere, and hand on where it is)"


def _unkeepable(place: str, value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"{place[:200]} is nested more than {DEEPEST} levels deep"
    elif isinstance(value, dict):
        for name, each in value.items():
            if not isinstance(name, str) or not name or not _is_unicode(name):
                yield f"{place[:200]} has the name {name!r}, but names are text"
            yield from _unkeepable(f"{place}.{name}", each, depth + 1)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _unkeepable(f"{place}[{number}]", each, depth + 1)
    elif isinstance(value, str) and not _is_unicode(value):
        yield f"{place[:200]} holds bytes that are not UTF-8 (encode it with b64encode)"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place[:200]} is {value}, which no JSON number is (leave it out, or write it as text)"
    elif isinstance(value, int) and value not in _INTEGERS:
        yield f"{place[:200]} is a number of more than 64 bits (write it as text)"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    names = {dict: "a map", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing" if value is None else type(value).__name__)
