"""Finds what JSON can't carry in an input: too deep, keys that are no text, values that are no JSON.

Used where encoding failed, to say which place is to blame. Never recurses: its input may be hostile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kabanero.model.errors import Problem

MAX_DEPTH = 100
TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
"""Levels of maps and lists inside each other; a real strategy has about 10."""
_MOST = 20
_PLAIN = (str, int, float, bool, type(None))


def unfit(value: Any, path: str, *, max_depth: int = MAX_DEPTH) -> list[Problem]:
    """Every place (at most 20) that JSON can't carry; empty when all can be encoded."""
    found: list[Problem] = []
    waiting = [(value, path, 1)]
    while waiting and len(found) < _MOST:
        current, place, depth = waiting.pop()
        if depth > max_depth:
            return [*found, Problem(_short(place), f"is nested more than {max_depth} levels deep")]
        found.extend(_wrong_here(current, place))
        waiting.extend((inner, inner_place, depth + 1) for inner, inner_place in _inside(current, place))
    return found


def _wrong_here(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                yield Problem(
                    _short(path), f"has the key {key!r:.60}, which is not text", f'write "{key!s:.60}" in quotes'
                )
            elif not _is_unicode(key):
                yield Problem(_short(path), "has a key that is not valid unicode")
    elif isinstance(value, str) and not _is_unicode(value):
        yield Problem(_short(path), "holds text that is not valid unicode")
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        yield Problem(_short(path), "is a number of more than 64 bits", "write it in quotes")
    elif not isinstance(value, (*_PLAIN, list)):
        yield Problem(_short(path), f"is a {type(value).__name__}, which JSON can't carry", "write it as text")


def _inside(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, dict):
        yield from ((inner, f"{path}.{key!s:.60}" if path else f"{key!s:.60}") for key, inner in value.items())
    elif isinstance(value, list):
        yield from ((inner, f"{path}[{index}]") for index, inner in enumerate(value))


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _short(path: str) -> str:
    return path if len(path) <= 120 else f"{path[:100]}..."
