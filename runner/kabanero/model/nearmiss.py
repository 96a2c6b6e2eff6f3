"""Finds the word that was probably meant. Used wherever an input names something: fields, kinds, stages, variables."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LONGEST = 100
_CLOSE = 0.72
_SEPARATORS = re.compile(r"[\s_\-.]+")


def near_miss(word: str, possible: Iterable[str]) -> str | None:
    """The possible word that `word` was probably meant to be, or None. A word that is possible is its own answer.

    Case, `_`, `-`, `.` and blanks count for nothing; after that the closest spelling wins. Words of more than 100
    characters are never a slip of the hand.
    """
    if len(word) > _LONGEST:
        return None
    candidates = list(dict.fromkeys(possible))
    if word in candidates:
        return word
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(fold(candidate), candidate)
    if fold(word) in folded:
        return folded[fold(word)]
    found = difflib.get_close_matches(fold(word), list(folded), n=1, cutoff=_CLOSE)
    return folded[found[0]] if found else None


def fold(word: str) -> str:
    """The word without what people get wrong most: case and separators."""
    return _SEPARATORS.sub("", word).casefold()


def did_you_mean(word: str, possible: Iterable[str], *, listed: int = 12) -> str:
    """A fix for a wrong word: the near miss, else what is possible, else nothing."""
    candidates = list(dict.fromkeys(possible))
    if meant := near_miss(word, candidates):
        return f"did you mean {meant}?"
    if not candidates:
        return ""
    more = f" and {len(candidates) - listed} more" if len(candidates) > listed else ""
    return f"possible: {', '.join(candidates[:listed])}{more}"
