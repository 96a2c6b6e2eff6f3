"""Whether something printed looks as a document shows it: names, ids, times and widths of columns may differ."""

from __future__ import annotations

import re

_FORMS = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\d{17}-[0-9a-f]{10}"), "CONTEXT"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "DELIVERY"),
    (re.compile(r"\b([a-z]+)-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), r"\1-NAME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"<?\b\d+(\.\d+)?(ms|s|m|h)(\d{1,2}[smh])?(?!\w)"), "SPAN"),
    (re.compile(r"\bprocess \d+"), "process N"),
    (re.compile(r"version: 1 \(\d+\)"), "version: 1 (N)"),
    (re.compile(r"\b[\w-]+-[0-9a-f]{8}\b"), "RUNNER"),
    (re.compile(r"\s+"), " "),
)
ANY = "..."


def looks_as(printed: str, shown: str) -> bool:
    """Line by line; `...` stands for any number of lines."""
    return _fits(_lines(printed), _lines(shown))


def _lines(text: str) -> list[str]:
    return [line for line in map(_form, text.splitlines()) if line]


def _form(line: str) -> str:
    for pattern, form in _FORMS:
        line = pattern.sub(form, line)
    return line.strip()


def _fits(printed: list[str], shown: list[str]) -> bool:
    if not shown:
        return not printed
    if shown[0] == ANY:
        return any(_fits(printed[skipped:], shown[1:]) for skipped in range(len(printed) + 1))
    return bool(printed) and printed[0] == shown[0] and _fits(printed[1:], shown[1:])
