"""How long an event that could not be handled waits. The same for every bus."""

from __future__ import annotations

from dataclasses import dataclass

_MANY = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long an event that could not be handled waits: `first_seconds`, then `factor` times longer each time.

    first_seconds: wait after the first attempt, seconds; 0 tries again at once, always.
    factor: growth from one attempt to the next; 1 waits equally long each time.
    max_seconds: the longest wait, seconds.
    """

    first_seconds: float = 1.0
    factor: float = 2.0
    max_seconds: float = 300.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after an attempt (the first is 1)."""
        return min(self.max_seconds, self.first_seconds * self.factor ** min(attempt - 1, _MANY))
