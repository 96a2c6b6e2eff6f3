"""Durations as resources write them (`1h30m`), in seconds."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")


def seconds(text: str) -> float:
    """Seconds in a duration whose form the model has checked."""
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
