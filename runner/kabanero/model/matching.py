"""Filters over an event's data: globs on an attribute or on what a JSONPath finds, compiled once per trigger.

Used by `engine.triggers`. Globs are those of the shell (`*`, `?`, `[...]`) and mind upper and lower case.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kabanero.model.jsonpath import read_json_path
from kabanero.model.kinds.trigger import EventFilter
from kabanero.model.substitution import as_text

GLOB = re.compile(r"[*?\[]")
Read = Callable[[Mapping[str, Any]], list[str]]


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """One filter. `place` is how a person names what it looks at; `allowed` None lets all pass."""

    place: str
    read: Read
    allowed: tuple[str, ...] | None
    disallowed: tuple[str, ...]
    _allowed: re.Pattern[str] | None
    _disallowed: re.Pattern[str] | None

    def passes(self, data: Mapping[str, Any]) -> bool:
        """Whether the event passes."""
        return not self.objection(data)

    def objection(self, data: Mapping[str, Any]) -> str:
        """Why the event does not pass; empty when it does. Of several values each must pass.

        An event in which the filter can't look (nested too deeply, compared with what can't be compared) does not pass:
        one trigger's trouble with it must not keep it from the others.
        """
        try:
            values = self.read(data)
        except Exception as error:
            return f"{self.place} can't be read: {type(error).__name__}: {error}"
        if self._allowed and not values:
            return f"{self.place} is not there, allowed: {', '.join(self.allowed or ())}"
        for value in values:
            if self._allowed and not self._allowed.fullmatch(value):
                return f"{self.place} is {value!r}, allowed: {', '.join(self.allowed or ())}"
            if self._disallowed and self._disallowed.fullmatch(value):
                return f"{self.place} is {value!r}, disallowed: {', '.join(self.disallowed)}"
        return ""


def compile_filter(rule: EventFilter) -> CompiledFilter:
    """The filter, ready to be used. Raises InvalidError for a JSONPath that can't be read."""
    place = rule.attribute if rule.attribute is not None else str(rule.json_path)
    read = attribute_reader(place) if rule.attribute is not None else json_path_reader(place)
    return CompiledFilter(
        place, read, rule.allowed, rule.disallowed, _globs(rule.allowed), _globs(rule.disallowed or None)
    )


@lru_cache(maxsize=4096)
def _globs(globs: Sequence[str] | None) -> re.Pattern[str] | None:
    if globs is None:
        return None
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs) or "(?!)")


@lru_cache(maxsize=4096)
def attribute_reader(path: str) -> Read:
    """Reads an attribute; dots go into nested objects."""
    parts = path.split(".")

    def read(data: Mapping[str, Any]) -> list[str]:
        value = attribute(data, parts)
        return [] if value is None else [as_text(value)]

    return read


def attribute(data: Mapping[str, Any], parts: Sequence[str]) -> Any:
    """The value under these names, None where there is none."""
    value: Any = data
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


@lru_cache(maxsize=4096)
def json_path_reader(path: str) -> Read:
    """Reads all values that a JSONPath finds. Raises InvalidError for a path that can't be used."""
    parsed = read_json_path(path)
    return lambda data: [as_text(found.value) for found in parsed.find(data) if found.value is not None]
