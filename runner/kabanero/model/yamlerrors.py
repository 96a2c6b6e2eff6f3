"""Says in plain words what the YAML parser found: line, column, reason, likely fix. Used by `yamltree` only."""

from __future__ import annotations

import yaml

from kabanero.model.errors import Problem
from kabanero.model.plain import TOO_DEEP

_INDENT = "check the indentation of this line and the ones above"
_WORDS = {
    "found undefined alias": ("refers to an anchor that is not there", "for text that begins with *, use quotes"),
    "did not find expected alphabetic or numeric character": (
        "`*` and `&` begin an alias or anchor in YAML",
        'for the text itself, write it in quotes: "*"',
    ),
    "mapping values are not allowed in this context": (
        "a `:` is not possible here",
        "check the indentation, the `:` of the line above, and quote values that hold `: `",
    ),
    "could not find expected ':'": ("there is no `:` after the key", "write `key: value`"),
    "did not find expected key": ("this line fits no map that is open here", _INDENT),
    "did not find expected '-' indicator": ("this line fits no list that is open here", _INDENT),
    "found unexpected end of stream": ("a quote is opened here and never closed", "close it"),
    "did not find expected ',' or ']'": ("a list that begins with [ is not closed", "add `]`"),
    "did not find expected ',' or '}'": ("a map that begins with { is not closed", "add `}`, or quote the text"),
    "did not find expected node content": ("the text ends in the middle of a list or map", "close it"),
    "block sequence entries are not allowed in this context": ("`- ` is not possible here", _INDENT),
}


def explained(error: yaml.YAMLError, text: str) -> Problem:
    """The parser's error as a problem with its line (1-based), the column in its path."""
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return _unreadable(error, text)
    problem = str(getattr(error, "problem", "") or "is no legal YAML")
    if "maximum nesting depth" in problem:
        # The parser's own limit is higher, but it looks ahead and may come to it before ours is seen.
        return Problem("", TOO_DEEP, line=mark.line + 1)
    if problem in ("found unexpected end of stream", "could not find expected ':'") and context is not None:
        mark = context
    if context is not None and not _line_of(text, mark.line).strip():
        mark = context  # The parser noticed at the end of the text; the mistake is where it began.
    shown = _line_of(text, mark.line)
    if "cannot start any token" in problem:
        reason, fix = _bad_character(shown, mark.column)
    else:
        reason, fix = _WORDS.get(problem, (problem, ""))
    return Problem(f"column {mark.column + 1}", f"{reason}: {shown.strip()[:80]}", fix, mark.line + 1)


def _bad_character(line: str, column: int) -> tuple[str, str]:
    character = line[column : column + 1]
    if character == "\t":
        return "a tab can't indent YAML", "use blanks"
    return f"a value can't begin with {character}", "write it in quotes"


def _unreadable(error: yaml.YAMLError, text: str) -> Problem:
    position = int(getattr(error, "position", 0) or 0)
    line = text.count("\n", 0, position) + 1
    reason = str(getattr(error, "reason", "") or error)
    character = getattr(error, "character", None)
    shown = f" (character U+{character:04X})" if isinstance(character, int) else ""
    return Problem(f"column {position - text.rfind(chr(10), 0, position)}", f"{reason}{shown}", "remove it", line)


def _line_of(text: str, index: int) -> str:
    lines = text.splitlines()
    return lines[index] if index < len(lines) else ""
