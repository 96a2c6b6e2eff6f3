"""How points in time are written into statuses: RFC 3339 in UTC, to the millisecond, since many a stage takes less than
a second.

Used by the engine and the controllers. A store's `metadata.creationTimestamp` has whole seconds.
"""

from __future__ import annotations

from datetime import datetime


def rfc3339(time: datetime) -> str:
    """`2026-11-23T08:14:19.123Z`; whole seconds are written without a fraction. `time` is in UTC."""
    milliseconds = time.microsecond // 1000
    return f"{time:%Y-%m-%dT%H:%M:%S}" + (f".{milliseconds:03d}Z" if milliseconds else "Z")
