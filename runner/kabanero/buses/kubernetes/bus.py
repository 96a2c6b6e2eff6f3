"""The Bus port on a Kubernetes API server: each event is an object, each acknowledgement a write to it.

Any number of runners publish; one at a time subscribes, and then holds the only watch. When it ends or loses its place,
what it did and could not write down is done again by the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from kabanero.buses.kubernetes.backlog import Backlog
from kabanero.buses.kubernetes.consumers import Consumers
from kabanero.buses.kubernetes.consuming import Consuming
from kabanero.buses.kubernetes.feed import Feed
from kabanero.buses.kubernetes.finding import Finding
from kabanero.buses.kubernetes.ledger import Ledger
from kabanero.buses.kubernetes.loading import Loading
from kabanero.buses.kubernetes.pruning import Pruning
from kabanero.buses.kubernetes.publishing import publish
from kabanero.buses.kubernetes.reading import Reading
from kabanero.buses.kubernetes.requests import Objects
from kabanero.buses.kubernetes.settings import BusSettings
from kabanero.buses.kubernetes.trouble import as_ours
from kabanero.kubernetes import Client
from kabanero.model.errors import TemporaryError
from kabanero.model.events import Event
from kabanero.ports import Clock, Consumer, Delivery, EventQuery, Published, StoredEvent

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
LAST_WORDS_SECONDS = 2.0


class KubernetesBus:
    """Events on the API server that `client` talks to. The client stays the caller's to close."""

    def __init__(self, client: Client, clock: Clock, settings: BusSettings | None = None) -> None:
        self._clock, self._settings = clock, settings or BusSettings()
        self._objects = Objects(client, self._settings.namespace, self._settings.page)
        self._consumers = Consumers(self._objects)
        self._backlog = Backlog(self._settings.remembered)
        self._ledger = Ledger(self._objects, self._backlog, self._consumers, self._settings.transient)
        self._loading = Loading(self._objects, self._backlog, clock)
        self._finding = Finding(self._objects, self._consumers)
        self._reading = Reading(self._backlog)
        self._enrolling = asyncio.Lock()
        self._feed: asyncio.Task[None] | None = None
        self._subscriptions = 0
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._closed = False

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        """As `Bus.publish`; each event is a request of its own."""
        due = not_before if not_before and not_before > self._clock.now() else None
        with as_ours(self._settings.namespace):
            return await publish(self._objects, self._settings, events, due)

    async def subscribe(self, consumer: Consumer) -> AsyncIterator[Delivery]:
        """As `Bus.subscribe`. Subscriptions of one name share its events."""
        consuming = await self._begin(consumer)
        if consuming is None:
            return
        deliveries = consuming.deliveries()
        try:
            async for delivery in deliveries:
                yield delivery
        finally:
            await deliveries.aclose()
            await self._end()

    async def find(self, query: EventQuery) -> Sequence[StoredEvent]:
        """As `Bus.find`. Reads all that the API server can't select away."""
        with as_ours(self._settings.namespace):
            await self._ledger.write()
            return await self._finding.find(query, self._clock.now())

    async def replay(self, query: EventQuery, *, consumer: str = "") -> int:
        """As `Bus.replay`; at most `query.limit` events, the newest. What was transient is gone."""
        with as_ours(self._settings.namespace):
            await self._ledger.write()
            return await self._finding.replay(query, consumer, self._clock.now())

    async def prune(self, older_than: datetime, *, dead_too: bool = False) -> int:
        """Forgets events that were published before a time and that every consumer has handled; how many.

        Dead letters are kept unless `dead_too`. An identity that was forgotten is taken for new when it comes again.
        """
        with as_ours(self._settings.namespace):
            pruning = Pruning(self._objects, self._consumers)
            return await pruning.prune(older_than, self._clock.now(), dead_too=dead_too)

    async def forget(self, consumer: str) -> None:
        """Ends a consumer that will never come back: what it has not handled keeps nothing from being pruned."""
        with as_ours(self._settings.namespace):
            await self._consumers.forget(consumer)

    async def close(self) -> None:
        """As `Bus.close`."""
        async with self._enrolling:
            self._closed = True
            await self._stop()

    # --- reading ---

    async def _begin(self, consumer: Consumer) -> Consuming | None:
        """None: the bus was closed meanwhile."""
        async with self._enrolling:
            if self._closed:
                return None
            with as_ours(self._settings.namespace):
                await self._consumers.enrol(consumer, self._ledger.write)
            self._subscriptions += 1
            if self._feed is None:
                feed = Feed(self._objects, self._clock, self._reading)
                self._feed = asyncio.get_running_loop().create_task(feed.run())
            return self._reading.consuming(consumer.name) or self._new(consumer)

    def _new(self, consumer: Consumer) -> Consuming:
        consuming = Consuming(
            consumer, self._clock, self._settings, self._backlog, self._ledger, self._loading, self._flush_soon
        )
        self._reading.join(consuming)
        return consuming

    async def _end(self) -> None:
        """The last subscription takes the watch with it: another runner may lead now."""
        async with self._enrolling:
            self._subscriptions -= 1
            if not self._subscriptions and not self._closed:
                await self._stop()

    async def _stop(self) -> None:
        if self._feed:
            self._feed.cancel()
            await asyncio.gather(self._feed, return_exceptions=True)
            self._feed = None
        await self._reading.close()
        if self._flush_timer:
            self._flush_timer.cancel()
            self._flush_timer = None
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._ledger.write()
        except (TemporaryError, TimeoutError) as error:
            log.warning("Some events will be delivered again: %s", error or "the API server does not answer")
        self._ledger.clear()
        self._backlog.clear()

    # --- writing down ---

    def _flush_soon(self) -> None:
        if self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(self._settings.flush_seconds, self._start_flush)

    def _start_flush(self) -> None:
        self._flush_timer = None
        self._flush_task = asyncio.get_running_loop().create_task(self._flush_or_wait())

    async def _flush_or_wait(self) -> None:
        try:
            await self._ledger.write()
        except TemporaryError as error:
            log.warning("What became of events could not be written down yet: %s", error)
            if self._flush_timer is None and self._feed is not None:
                self._flush_timer = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._start_flush)
        self._reading.room()
