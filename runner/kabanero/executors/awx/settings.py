"""How an AWX is asked. All times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwxSettings:
    """`settle`: how long a launch whose answer was lost may still become a job, until it is sent again.

    `login_patience`: how long a launch waits for a login that is refused. `parallel`: requests at a time to one AWX.
    `retry` to `retry_most`: pauses between tries.
    """

    request_seconds: float = 30.0
    settle: float = 60.0
    login_patience: float = 60.0
    parallel: int = 8
    retry: float = 1.0
    retry_most: float = 30.0
    events_patience: float = 30.0
