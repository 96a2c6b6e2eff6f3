"""The Bus port on one SQLite file.

An event costs one row. A consumer costs a cursor, and rows only for exceptions: retries, timers, dead letters, notes.
Publications go to the writer thread, where those of all callers share commits; after a commit the events go to the
consumers of this process straight from memory.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from kabanero.buses.sqlite.backlog import enrol
from kabanero.buses.sqlite.consuming import Consuming
from kabanero.buses.sqlite.events import last_sequence, milliseconds
from kabanero.buses.sqlite.finding import find, replay
from kabanero.buses.sqlite.ledger import write_pages
from kabanero.buses.sqlite.pruning import prune_some
from kabanero.buses.sqlite.publishing import Publication, carry_out
from kabanero.buses.sqlite.settings import BusSettings
from kabanero.model.errors import BusUnavailableError
from kabanero.model.events import Event
from kabanero.ports import Clock, Consumer, Delivery, EventQuery, Published, StoredEvent
from kabanero.sqlite.database import Database
from kabanero.sqlite.writer import AnyJob

log = logging.getLogger(__name__)
PACKAGE = "kabanero.buses.sqlite"
RETRY_SECONDS = 1.0


class SqliteBus:
    """Events in `path`, a file that only one process may have open."""

    def __init__(self, clock: Clock, settings: BusSettings) -> None:
        self._clock, self._settings = clock, settings
        self._consumings: dict[str, Consuming] = {}
        self._enrolling = asyncio.Lock()
        self._flushing = asyncio.Lock()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._last = 0
        self._closed = False

    _database: Database
    _loop: asyncio.AbstractEventLoop

    @classmethod
    async def open(cls, path: Path, clock: Clock, settings: BusSettings | None = None) -> SqliteBus:
        """Opens or makes the file. Raises BusUnavailableError, which names another process that has it open."""
        bus = cls(clock, settings or BusSettings())
        bus._loop = asyncio.get_running_loop()
        bus._database = await Database.open(
            path,
            package=PACKAGE,
            unavailable=BusUnavailableError,
            settings=bus._settings.database,
            carry_out=carry_out,
            committed=bus._committed,
        )
        bus._last = await bus._database.read(last_sequence)
        return bus

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        """As `Bus.publish`."""
        if not events:
            return ()
        future: asyncio.Future[Sequence[Published]] = self._loop.create_future()
        self._database.submit(Publication(events, self._clock.now(), not_before, future))
        return await future

    async def subscribe(self, consumer: Consumer) -> AsyncIterator[Delivery]:
        """As `Bus.subscribe`. Subscriptions of one name share its events."""
        consuming = await self._consuming(consumer)
        if consuming is None:
            return
        deliveries = consuming.deliveries()
        try:
            async for delivery in deliveries:
                yield delivery
        finally:
            await deliveries.aclose()

    async def find(self, query: EventQuery) -> Sequence[StoredEvent]:
        """As `Bus.find`."""
        await self._flush()
        return await self._database.read(lambda connection: find(connection, query, self._has_handled))

    async def replay(self, query: EventQuery, *, consumer: str = "") -> int:
        """As `Bus.replay`; at most `query.limit` events, the newest."""
        found = await self.find(query)
        now = milliseconds(self._clock.now())
        count = await self._database.write(lambda connection: replay(connection, found, consumer, now))
        for consuming in self._consumings.values():
            consuming.rows_added(self._last)
        return count

    async def prune(self, older_than: datetime, *, dead_too: bool = False) -> int:
        """Forgets events that were published before a time and that every consumer has handled; how many.

        Dead letters are kept unless `dead_too`. An identity that was forgotten is taken for new when it comes again.
        """
        await self._flush()
        count, after, limit = 0, 0, milliseconds(older_than)
        while True:
            gone, after = await self._database.write(
                lambda connection, after=after: prune_some(connection, after, limit, dead_too=dead_too)  # type: ignore[misc]
            )
            count += gone
            if not after:
                return count

    async def forget(self, consumer: str) -> None:
        """Ends a consumer that will never come back: what it has not handled keeps nothing from being pruned."""
        self._consumings.pop(consumer, None)
        await self._database.write(lambda connection: _forget(connection, consumer))

    async def close(self) -> None:
        """As `Bus.close`."""
        async with self._enrolling:
            self._closed = True
        if self._flush_timer:
            self._flush_timer.cancel()
        for consuming in self._consumings.values():
            await consuming.close()
        try:
            await self._flush()
        except BusUnavailableError as error:
            log.warning("Some events will be delivered again: %s", error)
        await self._database.close()

    async def _consuming(self, consumer: Consumer) -> Consuming | None:
        """None: the bus was closed meanwhile."""
        async with self._enrolling:
            if self._closed:
                return None
            if consumer.name not in self._consumings:
                standing = await self._database.write(lambda connection: enrol(connection, consumer))
                self._consumings[consumer.name] = Consuming(
                    consumer, standing, self._database, self._clock, self._settings, self._flush, self._flush_soon
                )
                self._consumings[consumer.name].rows_added(self._last)
            return self._consumings[consumer.name]

    def _has_handled(self, name: str, sequence: int) -> bool:
        consuming = self._consumings.get(name)
        return consuming is not None and consuming.has_handled(sequence)

    def _committed(self, jobs: Sequence[AnyJob]) -> None:
        added = [logged for job in jobs if isinstance(job, Publication) for logged in job.added]
        if not added:
            return
        previous, self._last = self._last, added[-1].sequence
        for consuming in self._consumings.values():
            consuming.told(added, previous, self._last)

    def _flush_soon(self) -> None:
        if self._flush_timer is None:
            self._flush_timer = self._loop.call_later(self._settings.flush_seconds, self._start_flush)

    def _start_flush(self) -> None:
        self._flush_timer = None
        self._flush_task = self._loop.create_task(self._flush_or_wait())

    async def _flush_or_wait(self) -> None:
        try:
            await self._flush()
        except BusUnavailableError as error:
            log.warning("Progress could not be written down yet: %s", error)
            if self._flush_timer is None:
                self._flush_timer = self._loop.call_later(RETRY_SECONDS, self._start_flush)

    async def _flush(self) -> None:
        """Writes down what all consumers did; one at a time, so that no cursor overtakes the rows it relies on."""
        async with self._flushing:
            pages = [(each, page) for each in self._consumings.values() if (page := each.page())]
            if not pages:
                return
            try:
                await self._database.write(lambda connection: write_pages(connection, [page for _, page in pages]))
            except BaseException:
                for consuming, page in pages:
                    consuming.could_not_write(page)
                raise
            for consuming, page in pages:
                consuming.wrote(page)


def _forget(connection: sqlite3.Connection, consumer: str) -> None:
    for table, column in (("pending", "consumer"), ("settled", "consumer"), ("consumers", "name")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (consumer,))
