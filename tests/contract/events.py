"""Events and readers for the bus contract."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kabanero.model.events import Event
from kabanero.ports import Bus, Consumer, Delivery

from tests.support.clock import START

PATIENCE = 30.0
MOMENT = 0.15
_ids = itertools.count(1)


def event(id: str = "", *, key: str = "/k/repository/a", topic: str = "SourceRepository", context: str = "") -> Event:
    name = id or f"event-{next(_ids)}"
    return Event(name, "/tests", "io.kabanero.test", topic, key, START, b'{"name":"Push"}', context)


class Reader:
    """One subscription, read step by step."""

    def __init__(self, deliveries: AsyncIterator[Delivery]) -> None:
        self._deliveries = deliveries
        self._next: asyncio.Task[Delivery] | None = None

    async def next(self) -> Delivery:
        """The next delivery."""
        delivery = await asyncio.wait_for(self._coming(), PATIENCE)
        self._next = None
        return delivery

    def _coming(self) -> asyncio.Future[Delivery]:
        """The wait for the next delivery, which goes on when a test looks away."""
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._deliveries))  # type: ignore[arg-type]
        return asyncio.shield(self._next)

    async def take(self, count: int) -> list[Delivery]:
        return [await self.next() for _ in range(count)]

    async def ids(self, count: int) -> list[str]:
        """The ids of the next deliveries, each acknowledged."""
        found = []
        for _ in range(count):
            delivery = await self.next()
            found.append(delivery.event.id)
            await delivery.ack()
        return found

    async def has_nothing(self) -> bool:
        """Whether nothing comes for a moment; what comes is left for the next step."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._coming(), MOMENT)
            return False
        return True

    async def close(self) -> None:
        if self._next:
            self._next.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await self._next
        await self._deliveries.aclose()  # type: ignore[attr-defined]


@asynccontextmanager
async def reading(bus: Bus, consumer: Consumer | str = "reader") -> AsyncIterator[Reader]:
    chosen = consumer if isinstance(consumer, Consumer) else Consumer(consumer)
    reader = Reader(bus.subscribe(chosen))
    try:
        yield reader
    finally:
        await reader.close()
