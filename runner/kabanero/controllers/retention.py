"""The clean-up: deletes what has ended long ago, each kind after its own time. A time of 0 keeps for ever.

Deleting a StrategyRun takes its StageRuns along (ownerReferences); the work's artifacts go when a StageRun goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kabanero.controllers.following import every, follow
from kabanero.controllers.stage_runs import ident_of
from kabanero.model.errors import ConflictError, KabaneroError, NotFoundError
from kabanero.model.kinds.core import EVENT
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_EVENT, STRATEGY_RUN
from kabanero.model.kinds.runs import RunPhase
from kabanero.model.resource import Key, Resource, ResourceType, field_at
from kabanero.model.selectors import Selector, parse_selector
from kabanero.ports import Change, Clock, Executor, Store

log = logging.getLogger(__name__)
ENDED = [phase for phase in RunPhase if phase not in (RunPhase.PENDING, RunPhase.RUNNING)]
Prune = Callable[[datetime], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Ages:
    """How long things are kept, in seconds; 0 keeps them for ever. `every` is the time between two clean-ups."""

    runs: float
    messages: float
    events: float
    every: float


class Discarding:
    """Drops artifacts of StageRuns that are gone, on the machine where they lie."""

    def __init__(self, store: Store, clock: Clock, executor: Executor) -> None:
        self._store, self._clock, self._executor = store, clock, executor

    async def run(self) -> None:
        """Until cancelled."""
        async for change in follow(self._store, self._clock, STAGE_RUN.type, first=()):
            if change.change is Change.DELETED:
                for attempt in range(1, (change.resource.get("status") or {}).get("attempt", 0) + 1):
                    await self._executor.discard(ident_of(change.resource, attempt))


class Retention:
    """Deletes by age."""

    def __init__(self, store: Store, clock: Clock, prune: Prune, ages: Ages) -> None:
        self._store, self._clock = store, clock
        self._prune, self._ages = prune, ages

    async def run(self) -> None:
        """Until cancelled."""
        while self._ages.every:
            await self._clock.sleep(self._ages.every)
            try:
                await self.once()
            except KabaneroError as error:
                log.warning("The clean-up was broken off: %s", error)
        await asyncio.Event().wait()

    async def once(self) -> None:
        """One clean-up."""
        for phase in ENDED if self._ages.runs else ():
            selector = parse_selector(fields=f"status.phase={phase.value}")
            await self._delete_older(STRATEGY_RUN.type, selector, "status.completionTime", self._ages.runs)
        if self._ages.messages:
            await self._delete_older(EVENT, Selector(), "metadata.creationTimestamp", self._ages.messages)
        if self._ages.events:
            sent = parse_selector(fields="status.emitted=true")
            await self._delete_older(STRATEGY_EVENT.type, sent, "status.emissionTime", self._ages.events)
            await self._prune(self._clock.now() - timedelta(seconds=self._ages.events))

    async def _delete_older(self, type: ResourceType, selector: Selector, field: str, age: float) -> None:
        limit = self._clock.now() - timedelta(seconds=age)
        async for resource in every(self._store, type, selector):
            if _time(resource, field) < limit:
                await self._delete(type, resource)

    async def _delete(self, type: ResourceType, resource: Resource) -> None:
        """As it was listed: a run that was reopened since then has not ended."""
        metadata = resource["metadata"]
        key = Key(type, metadata.get("namespace", ""), metadata["name"])
        try:
            await self._store.delete(key, uid=metadata["uid"], resource_version=metadata["resourceVersion"])
        except (NotFoundError, ConflictError):
            log.debug("%s is gone already, or has changed", metadata["name"])


def _time(resource: Resource, field: str) -> datetime:
    return datetime.fromisoformat(field_at(resource, field) or resource["metadata"]["creationTimestamp"])
