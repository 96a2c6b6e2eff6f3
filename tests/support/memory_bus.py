"""A bus in memory that keeps the port's promises but durability, for tests of what publishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from kabanero.model.errors import BusUnavailableError
from kabanero.model.events import Event
from kabanero.ports import Consumer, Delivery, EventQuery, Published, StoredEvent


class MemoryBus:
    """Keeps events by identity. `trouble` makes it fail; while `disk` is not set, commits wait."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.trouble: Exception | None = None
        self.disk = asyncio.Event()
        self.disk.set()
        self.waiting = asyncio.Event()

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        """Takes events in."""
        self.waiting.set()
        await self.disk.wait()
        if self.trouble:
            raise self.trouble
        return [self._keep(event) for event in events]

    def _keep(self, event: Event) -> Published:
        duplicate = event.identity in self.events
        self.events.setdefault(event.identity, event)
        return Published(list(self.events).index(event.identity) + 1, duplicate)

    def fill_the_disk(self) -> None:
        """From now on nothing becomes durable."""
        self.trouble = BusUnavailableError("database or disk is full")

    def subscribe(self, consumer: Consumer) -> AsyncIterator[Delivery]:
        """Not needed by what publishes."""
        raise NotImplementedError

    async def find(self, query: EventQuery) -> Sequence[StoredEvent]:
        """Not needed by what publishes."""
        raise NotImplementedError

    async def replay(self, query: EventQuery, *, consumer: str = "") -> int:
        """Not needed by what publishes."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is held."""
