"""Finding kept events, saying what each consumer did with them, and delivering them once more. Called by `bus`.

The API server selects by id, topic, context and dead letters; the rest is looked through here, page by page. It keeps
no order that is of use, so the newest are known only when all were seen.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from kabanero.buses.kubernetes.consumers import Consumers
from kabanero.buses.kubernetes.objects import event_of, handlings_of, name_in, sequence_of, time_of
from kabanero.buses.kubernetes.requests import EVENTS_ONLY, Clause, Objects
from kabanero.model.errors import NotFoundError
from kabanero.model.resource import Resource
from kabanero.ports import EventQuery, Fate, Handling, StoredEvent

log = logging.getLogger(__name__)


class Finding:
    """Reads what is kept."""

    def __init__(self, objects: Objects, consumers: Consumers) -> None:
        self._objects, self._consumers = objects, consumers

    async def find(self, query: EventQuery, now: datetime) -> list[StoredEvent]:
        """What a query selects, newest first."""
        found = [await self._stored(body, now) for body in await self._newest(query, now)]
        return [each for each in found if each is not None]

    async def replay(self, query: EventQuery, consumer: str, now: datetime) -> int:
        """Makes what a query selects due for one consumer, or for all that want it; how many events."""
        return sum([await self._again(body, consumer, now) for body in await self._newest(query, now)])

    async def _newest(self, query: EventQuery, now: datetime) -> list[Resource]:
        await self._consumers.read()
        chosen: list[tuple[int, str, Resource]] = []
        async for items, _ in self._objects.pages(_clauses(query)):
            wanted = [(sequence_of(body), name_in(body), body) for body in items if self._wants(query, body, now)]
            chosen = heapq.nlargest(query.limit, [*chosen, *wanted])
        return [body for _, _, body in chosen]

    def _wants(self, query: EventQuery, body: Resource, now: datetime) -> bool:
        sequence = sequence_of(body)
        if sequence <= query.after or (query.before and sequence >= query.before):
            return False
        if query.path_glob and not fnmatchcase(body["spec"].get("path", ""), query.path_glob):
            return False
        if query.fate is None and not query.consumer:
            return True
        handlings = self._handlings(body, now)
        return any(query.consumer in ("", each.consumer) and query.fate in (None, each.fate) for each in handlings)

    async def _stored(self, body: Resource, now: datetime) -> StoredEvent | None:
        try:
            packed = await self._objects.packed(body["spec"])
            event = await asyncio.to_thread(event_of, body["spec"], packed)
        except (NotFoundError, ValueError) as error:
            log.warning("Event %s can't be shown: %s", name_in(body), error)
            return None
        return StoredEvent(sequence_of(body), event, tuple(self._handlings(body, now)))

    def _handlings(self, body: Resource, now: datetime) -> list[Handling]:
        written, spec = handlings_of(body), body["spec"]
        wanting = sorted(self._consumers.wanting(spec.get("topic", "")), key=lambda each: each.name)
        return [_handling(each.name, written.get(each.name), spec, now) for each in wanting]

    async def _again(self, body: Resource, consumer: str, now: datetime) -> bool:
        handlings = [each for each in self._handlings(body, now) if consumer in ("", each.consumer)]
        again = [each.consumer for each in handlings if _may_come_again(each, now)]
        if not again:
            return False
        fates = {name: said.get("fate") for name, said in handlings_of(body).items() if name not in again}
        row = {"fate": Fate.PENDING.value, "attempts": 0, "note": None, "due": now.isoformat()}
        status: dict[str, Any] = {"sequence": sequence_of(body), "fate": None, "handlings": dict.fromkeys(again, row)}
        status["dead"] = True if Fate.DEAD in fates.values() else None
        try:
            await self._objects.patch_status(name_in(body), status)
        except NotFoundError:
            return False
        return True


def _clauses(query: EventQuery) -> list[Clause]:
    texts = {"spec.id": query.id, "spec.topic": query.topic, "spec.context": query.context}
    clauses: list[Clause] = [EVENTS_ONLY, *((key, "=", value) for key, value in texts.items() if value)]
    if query.fate is Fate.DEAD:
        clauses.append(("status.dead", "=", "true"))
    if query.fate is Fate.PENDING:
        clauses.append(("status.fate", "=", ""))
    return clauses


def _handling(name: str, said: dict[str, Any] | None, spec: dict[str, Any], now: datetime) -> Handling:
    if said is None:
        due = time_of(spec.get("notBefore", ""))
        return Handling(name, Fate.PENDING, next_attempt=due if due and due > now else None)
    fate, due = Fate(said.get("fate", Fate.PENDING)), time_of(said.get("due") or "")
    return Handling(name, fate, int(said.get("attempts") or 0), said.get("note") or "", due)


def _may_come_again(handling: Handling, now: datetime) -> bool:
    """What is to be delivered anyway is only brought forward."""
    if handling.fate is Fate.PENDING:
        return handling.next_attempt is not None and handling.next_attempt > now
    return True
