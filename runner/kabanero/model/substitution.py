"""Placeholders: `${event.branch}` becomes the value, and nothing but the value. No code, no shell, no second look.

Used for the variables of a run (trigger), and for what stages emit. A text that is one placeholder alone keeps the
value's type; inside a longer text the value is written as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.nearmiss import near_miss

_PLACEHOLDER = re.compile(r"\$\{([^{}$]+)\}")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def substitute(template: Any, values: Mapping[str, Any], where: str = "") -> Any:
    """The template with its placeholders filled in, in texts at any depth.

    Raises InvalidError for one that names nothing; `where` is the field path for that message.
    """
    if isinstance(template, str):
        return _in_text(template, values, where)
    if isinstance(template, Mapping):
        return {key: substitute(value, values, f"{where}.{key}") for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [substitute(value, values, f"{where}[{index}]") for index, value in enumerate(template)]
    return template


def _in_text(text: str, values: Mapping[str, Any], where: str) -> Any:
    if whole := _PLACEHOLDER.fullmatch(text):
        return value_at(whole[1], values, where)
    return _PLACEHOLDER.sub(lambda found: as_text(value_at(found[1], values, where)), text)


def value_at(path: str, values: Mapping[str, Any], where: str = "") -> Any:
    """The value at a path such as `event.rawData.commits[0].id`. Raises InvalidError with the near miss."""
    value: Any = values
    for name, index in _PART.findall(path.strip()):
        value = _step(value, name, index, path, where)
    return value


def _step(value: Any, name: str, index: str, path: str, where: str) -> Any:
    if index and isinstance(value, list) and int(index) < len(value):
        return value[int(index)]
    if name and isinstance(value, Mapping) and name in value:
        return value[name]
    possible = [str(key) for key in value] if isinstance(value, Mapping) else []
    meant = near_miss(name, possible) if name else None
    fix = f"did you mean {meant}?" if meant else f"there is: {', '.join(sorted(possible)[:12]) or 'nothing there'}"
    raise InvalidError(where or "text", [Problem(where, f"${{{path}}} names nothing: no {name or f'[{index}]'}", fix)])


def as_text(value: Any) -> str:
    """A value inside a longer text: JSON's words for what is no text."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
