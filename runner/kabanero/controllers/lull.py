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

LATEST = timedelta(seconds=0.5)
"""So much later at most is anything begun that a webhook brought: a stream that never ends holds up nothing."""
CROWD = 2


class Lull:
    """Counts webhooks whose events are being made durable."""

    def __init__(self) -> None:
        self._under_way = 0
        self._answered = asyncio.Event()

    @contextmanager
    def taking_in(self) -> Iterator[None]:
        """Around making the events of one webhook durable."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._answered.set()

    async def wait(self, clock: Clock, since: datetime) -> None:
        """Returns when there is no crowd, or `LATEST` after the event that came at `since`."""
        while self._under_way >= CROWD and clock.now() < since + LATEST:
            self._answered.clear()
            await self._answered.wait()
