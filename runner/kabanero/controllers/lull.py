"""Who waits for an answer comes first: while webhooks crowd in, runs are begun a little later.

A run costs many times what it costs to take an event in. Begun at once, the first runs of a burst would keep the forge
waiting for its other answers. The webhook tells when it makes an event durable, the trigger controller asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from kabanero.ports import Clock

LATEST = timedelta(seconds=1)
"""After so long what a webhook brought is begun in a crowd too, one after the other: a stream that never ends holds
up nothing for good."""
CROWD = 4
"""Webhooks under way together that are one: a forge tells of one push by two or three."""
QUIET = timedelta(seconds=0.03)
"""A crowd has gone when there was none for so long: between two of its webhooks a whole backlog would be begun."""


class Lull:
    """Counts webhooks whose events are being made durable."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._under_way, self._crowd_until = clock, 0, clock.now()

    @contextmanager
    def taking_in(self) -> Iterator[None]:
        """Around making the events of one webhook durable."""
        self._under_way += 1
        self._look()
        try:
            yield
        finally:
            self._look()
            self._under_way -= 1

    async def wait(self, since: datetime) -> None:
        """Returns when there is no crowd, or `LATEST` after the event that came at `since`."""
        while self._is_crowded and self._clock.now() < since + LATEST:
            await self._clock.sleep(QUIET.total_seconds())

    async def one_by_one(self, begun: asyncio.Task[None]) -> None:
        """Returns when there is no crowd, or what was begun in it is done: then the next may be begun."""
        while self._is_crowded and not begun.done():
            pause = asyncio.ensure_future(self._clock.sleep(QUIET.total_seconds()))
            await asyncio.wait({begun, pause}, return_when=asyncio.FIRST_COMPLETED)
            pause.cancel()

    def _look(self) -> None:
        if self._under_way >= CROWD:
            self._crowd_until = self._clock.now() + QUIET

    @property
    def _is_crowded(self) -> bool:
        return self._under_way >= CROWD or self._clock.now() < self._crowd_until
