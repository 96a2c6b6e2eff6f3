"""Forgetting old events that every consumer has handled, and parts that a crash has left. Called by `bus`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from kabanero.buses.kubernetes.consumers import Consumers
from kabanero.buses.kubernetes.objects import name_in, time_of
from kabanero.buses.kubernetes.requests import EVENTS_ONLY, Clause, Objects
from kabanero.model.errors import NotFoundError
from kabanero.model.resource import Resource
from kabanero.ports import Fate

PARTS: tuple[Clause, ...] = (("spec.partOf", "!=", ""),)
STRAY_AFTER = timedelta(hours=1)


class Pruning:
    """Deletes one by one. Goes by the API server's own time of creation."""

    def __init__(self, objects: Objects, consumers: Consumers) -> None:
        self._objects, self._consumers = objects, consumers

    async def prune(self, older_than: datetime, now: datetime, *, dead_too: bool) -> int:
        """How many events were forgotten."""
        fates = [Fate.HANDLED, Fate.DEAD] if dead_too else [Fate.HANDLED]
        count = 0
        for fate in fates:
            async for body in self._older((EVENTS_ONLY, ("status.fate", "=", fate.value)), older_than):
                count += await self._forget(body)
        await self._consumers.read()
        if self._consumers:
            count += await self._prune_unwanted(older_than)
        await self._sweep(now - STRAY_AFTER)
        return count

    async def _prune_unwanted(self, older_than: datetime) -> int:
        count = 0
        async for body in self._older((EVENTS_ONLY, ("status.fate", "=", "")), older_than):
            if not any(self._consumers.wanting(body["spec"].get("topic", ""))):
                count += await self._forget(body)
        return count

    async def _forget(self, body: Resource) -> bool:
        return await self._objects.delete(name_in(body), body["spec"].get("parts", ()))

    async def _older(self, clauses: tuple[Clause, ...], limit: datetime) -> AsyncIterator[Resource]:
        async for items, _ in self._objects.pages(clauses):
            for body in items:
                made = time_of(body["metadata"]["creationTimestamp"])
                if made and made < limit.astimezone(UTC):
                    yield body

    async def _sweep(self, limit: datetime) -> None:
        """Parts whose event was never made, or is gone. No publication takes so long that it could still want them."""
        async for part in self._older(PARTS, limit):
            if not await self._is_used(part):
                await self._objects.discard([name_in(part)])

    async def _is_used(self, part: Resource) -> bool:
        try:
            event = await self._objects.get(part["spec"]["partOf"])
        except NotFoundError:
            return False
        return name_in(part) in event["spec"].get("parts", ())
