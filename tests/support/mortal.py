"""Store and bus of a runner that dies at its n-th write: from then on no call of it ever returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from kabanero.model.errors import KabaneroError
from kabanero.model.events import Event
from kabanero.model.resource import Resource, ResourceType
from kabanero.ports import Bus, Consumer, Delivery, Published, Store, Write

T = TypeVar("T")


class Life:
    """Counts writes; before number `last` (0: never) it ends."""

    def __init__(self, last: int = 0) -> None:
        self.last, self.writes = last, 0
        self.over = asyncio.Event()

    async def write(self, what: Callable[[], Awaitable[T]]) -> T:
        """Carries a write out, or dies."""
        self.writes += 1
        if self.writes == self.last:
            self.over.set()
        await self.go_on()
        return await what()

    async def go_on(self) -> None:
        """Returns at once, or never."""
        if self.over.is_set():
            await asyncio.Event().wait()


class MortalStore:
    """Writes of one call are separate writes: no caller may rely on getting them done together."""

    def __init__(self, store: Store, life: Life) -> None:
        self._store, self._life = store, life

    async def create(self, resource: Resource, **options: Any) -> Resource:
        return await self._life.write(lambda: self._store.create(resource, **options))

    async def update(self, resource: Resource, **options: Any) -> Resource:
        return await self._life.write(lambda: self._store.update(resource, **options))

    async def delete(self, *args: Any, **options: Any) -> Resource:
        return await self._life.write(lambda: self._store.delete(*args, **options))

    async def write_all(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        answers: list[Resource | KabaneroError] = []
        for write in writes:
            answers += await self._life.write(lambda write=write: self._store.write_all([write]))  # type: ignore[misc]
        return answers

    async def find_type(self, *args: str) -> ResourceType | None:
        await self._life.go_on()
        return await self._store.find_type(*args)

    async def get(self, *args: Any, **options: Any) -> Resource:
        await self._life.go_on()
        return await self._store.get(*args, **options)

    async def list(self, *args: Any, **options: Any) -> Any:
        await self._life.go_on()
        return await self._store.list(*args, **options)

    def watch(self, *args: Any, **options: Any) -> Any:
        return self._store.watch(*args, **options)


class MortalBus:
    """The same for events: each is published by itself, and every acknowledgement is a write."""

    def __init__(self, bus: Bus, life: Life) -> None:
        self._bus, self._life = bus, life

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        answers: list[Published] = []
        for event in events:
            answers += await self._life.write(
                lambda event=event: self._bus.publish([event], not_before=not_before)  # type: ignore[misc]
            )
        return answers

    async def subscribe(self, consumer: Consumer) -> AsyncIterator[Delivery]:
        deliveries = self._bus.subscribe(consumer)
        try:
            async for delivery in deliveries:
                yield MortalDelivery(delivery, self._life)  # type: ignore[misc]
        finally:
            await deliveries.aclose()  # type: ignore[attr-defined]


class MortalDelivery:
    def __init__(self, delivery: Delivery, life: Life) -> None:
        self._delivery, self._life = delivery, life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._delivery, name)

    async def ack(self, note: str = "") -> None:
        await self._life.write(lambda: self._delivery.ack(note))

    async def retry(self, reason: str) -> None:
        await self._life.write(lambda: self._delivery.retry(reason))

    async def dead(self, reason: str) -> None:
        await self._life.write(lambda: self._delivery.dead(reason))
