"""The limit on requests a second that the client keeps to by itself: a token bucket. Used by `client`."""

from __future__ import annotations

from kabanero.ports import Clock


class Pace:
    """`burst` requests at once, then `qps` a second, in the order in which they ask; `qps` 0 lets all through."""

    def __init__(self, clock: Clock, qps: float, burst: int) -> None:
        self._clock, self._qps, self._burst = clock, qps, max(burst, 1)
        self._left, self._at = float(self._burst), clock.now()

    async def turn(self) -> None:
        """Returns when it is the caller's turn."""
        if not self._qps:
            return
        now = self._clock.now()
        self._left = min(self._burst, self._left + (now - self._at).total_seconds() * self._qps)
        self._at = now
        self._left -= 1
        if self._left < 0:
            await self._clock.sleep(-self._left / self._qps)
