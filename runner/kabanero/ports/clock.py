"""The port of time. See the package for the rules that all ports share."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time. Tests put a fake one in its place, so that nothing sleeps for real."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Returns after that much of this clock's time."""
