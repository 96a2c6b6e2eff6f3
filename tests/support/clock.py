"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """Time passes only by `advance`, which wakes every sleeper whose time has come."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._numbers), future))
        await future

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)


class ServedClock(FakeClock):
    """For what talks to a real server: time stands still, but the breath before it is asked again passes by itself.

    A real server may put a request off or end a watch at any moment; who waits that out must not wait for a test.
    """

    BREATH_SECONDS = 1.0

    async def sleep(self, seconds: float) -> None:
        if seconds > self.BREATH_SECONDS:
            await super().sleep(seconds)
        else:
            await asyncio.sleep(seconds)
