"""JSONPath over an event's data, read once per trigger and bounded in what it can cost.

Triggers are held against what outsiders send, and every event waits for the one before it. So a path that could search
for longer than the event is large is refused when it is written: regular expressions, arithmetic, too many `..`.
Used by `matching`, and by the kinds to check what is applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol, cast

from kabanero.model.errors import InvalidError, Problem

LONGEST = 1000
"""Characters of a path."""
MOST_DESCENTS = 1
"""How many `..` (or `where`) a path may have: each searches everything below everything that the one before found."""
_REGULAR = "regular expressions are not possible, they can take for ever"
_GLOB = "use globs in allowed or disallowed"


class Path(Protocol):
    """A path that was read."""

    def find(self, data: Mapping[str, Any]) -> list[Any]:
        """What it finds, each with its `value`."""


@lru_cache(maxsize=4096)
def read_json_path(path: str) -> Path:
    """The path, ready to be used. Raises InvalidError for one that can't be read, or could cost too much."""
    if len(path) > LONGEST:
        raise _invalid(f"is longer than {LONGEST} characters")
    from jsonpath_ng.ext.parser import parse

    try:
        parsed = parse(path)
    except Exception as error:
        raise _invalid(f"{path!r} can't be read: {error}") from error
    _check(path, parsed)
    return cast(Path, parsed)


def _check(path: str, parsed: object) -> None:
    parts = list(_parts(parsed))
    names = [type(part).__name__ for part in parts]
    if "Sub" in names or "Split" in names or any(getattr(part, "op", "") == "=~" for part in parts):
        raise _invalid(f"{path!r}: {_REGULAR}", _GLOB)
    if "Operation" in names:
        raise _invalid(f"{path!r}: arithmetic is not possible, it can make values of any size")
    if names.count("Descendants") + names.count("Where") + names.count("WhereNot") > MOST_DESCENTS:
        raise _invalid(f"{path!r} has more than {MOST_DESCENTS} `..`", "name the fields on the way")


def _parts(parsed: object) -> Iterator[object]:
    """All parts of a path that was read, however they are nested."""
    todo = [parsed]
    while todo:
        part = todo.pop()
        if isinstance(part, list | tuple):
            todo += part
        elif type(part).__module__.startswith("jsonpath_ng"):
            yield part
            todo += vars(part).values()


def _invalid(reason: str, fix: str = "") -> InvalidError:
    return InvalidError("jsonPath", [Problem("", reason, fix)])
