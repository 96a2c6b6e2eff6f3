"""One consumer at work: fetches what it has to do, hands it to subscriptions, and takes in what became of it.

Fed by `bus` with news of commits; goes to the file only when it is behind, after a retry, or for timers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import timedelta

from kabanero.buses.sqlite.backlog import Standing, due_rows, heads_of, next_due
from kabanero.buses.sqlite.events import Logged, from_milliseconds, milliseconds, read_log
from kabanero.buses.sqlite.lanes import Item, Lanes
from kabanero.buses.sqlite.ledger import Page
from kabanero.buses.sqlite.settings import BusSettings
from kabanero.model.errors import BusUnavailableError
from kabanero.model.events import Event
from kabanero.ports import Clock, Consumer
from kabanero.sqlite.database import Database

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
LONGEST_SLEEP = 60.0
_NOTHING_SEEN = (-1, -1)


class SqliteDelivery:
    """As `Delivery`. Calling more than one of ack, retry and dead does nothing more."""

    __slots__ = ("_consuming", "_item")

    def __init__(self, consuming: Consuming, item: Item) -> None:
        self._consuming, self._item = consuming, item

    @property
    def event(self) -> Event:
        """What happened."""
        return self._item.event

    @property
    def sequence(self) -> int:
        """Its place in the bus."""
        return self._item.sequence

    @property
    def attempt(self) -> int:
        """1 for the first time."""
        return self._item.attempts + 1

    async def ack(self, note: str = "") -> None:
        """Done; written down a moment later."""
        self._consuming.ack(self._item, note)

    async def retry(self, reason: str) -> None:
        """Deliver again later, or give up after the last attempt."""
        self._consuming.retry(self._item, reason)

    async def dead(self, reason: str) -> None:
        """To the dead letters."""
        self._consuming.dead(self._item, reason)


class Consuming:
    """The state of one consumer in this process.

    `flush` writes down what all consumers did, `flush_soon` sees to it that this is done before long.
    """

    def __init__(
        self,
        consumer: Consumer,
        standing: Standing,
        database: Database,
        clock: Clock,
        settings: BusSettings,
        flush: Callable[[], Awaitable[None]],
        flush_soon: Callable[[], None],
    ) -> None:
        self.lanes = Lanes(consumer, standing.cursor, standing.blocked, standing.apart)
        self._database, self._clock, self._settings = database, clock, settings
        self._flush, self._flush_soon = flush, flush_soon
        self._newest = standing.cursor
        self._next_due, self._seen = standing.next_due, _NOTHING_SEEN
        self._in_flight, self._written = 0, standing.cursor
        self._news, self._work = asyncio.Event(), asyncio.Event()
        self._alarm: asyncio.Task[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._due_waits = self._closed = False

    def told(self, added: Sequence[Logged], previous: int, newest: int) -> None:
        """News of a commit: taken as it is when nothing was missed and there is room, else read later."""
        self._newest = max(newest, self._newest)
        if self.lanes.position != previous or len(added) > self.lanes.room:
            self._work.set()
            return
        now = milliseconds(self._clock.now())
        for logged in added:
            self.lanes.take(logged, now)
        self.lanes.position = newest
        self._after_change()

    def rows_added(self, newest: int) -> None:
        """Rows that are due were written by somebody else (a replay), or the log may have grown."""
        self._newest = max(newest, self._newest)
        self._next_due, self._seen = 0, _NOTHING_SEEN
        self._work.set()

    async def deliveries(self) -> AsyncGenerator[SqliteDelivery, None]:
        """A subscription. What it leaves undone goes to the next one."""
        if self._pump is None:
            self._pump = asyncio.create_task(self._run())
        self._work.set()
        me = object()
        try:
            while not self._closed:
                item = self._next(me)
                if item is None:
                    await self._news.wait()
                    self._news.clear()
                else:
                    yield SqliteDelivery(self, item)
        finally:
            self._take_back(me)

    def _next(self, taker: object) -> Item | None:
        if not self.lanes.ready or self._in_flight >= self.lanes.consumer.max_in_flight:
            return None
        item = self.lanes.ready.popleft()
        item.taker = taker
        self._in_flight += 1
        return item

    def _take_back(self, taker: object) -> None:
        mine = [item for item in self.lanes.open.values() if item.taker is taker]
        for item in sorted(mine, key=lambda each: -each.sequence):
            self.lanes.give_back(item)
            self._in_flight -= 1
        self._news.set()

    def ack(self, item: Item, note: str) -> None:
        """Handled."""
        if self._settling(item):
            self.lanes.done(item, note)
            self._after_change()

    def dead(self, item: Item, reason: str) -> None:
        """Given up."""
        if self._settling(item):
            self.lanes.dead(item, reason)
            self._after_change()

    def retry(self, item: Item, reason: str) -> None:
        """Failed for now."""
        if item.attempts + 1 >= self.lanes.consumer.max_attempts:
            self.dead(item, reason)
        elif self._settling(item):
            delay = self._settings.backoff.delay(item.attempts + 1)
            due = milliseconds(self._clock.now() + timedelta(seconds=delay))
            self.lanes.again(item, due, reason)
            self._expect(due)
            self._after_change()

    def _settling(self, item: Item) -> bool:
        if not self.lanes.is_open(item):
            return False
        self._in_flight -= item.taker is not None
        return True

    def _after_change(self) -> None:
        self._news.set()
        if self.lanes.freed or self._due_waits or (self._is_behind and self.lanes.has_much_room):
            self._work.set()
        self._flush_soon()

    @property
    def _is_behind(self) -> bool:
        return self.lanes.position < self._newest

    def page(self) -> Page | None:
        """What is to be written down now; None when it is written already."""
        if stuck := self._settings.stuck_events:
            self.lanes.set_apart(self.lanes.position - stuck)
        cursor, ledger = self.lanes.cursor(), self.lanes.ledger
        if cursor == self._written and not ledger.pending and not ledger.settled:
            return None
        self.lanes.ledger = type(ledger)()
        return Page(self.lanes.consumer.name, cursor, ledger)

    def wrote(self, page: Page) -> None:
        """It is durable."""
        self._written = page.cursor
        due = [row.due for row in page.ledger.pending.values() if row and row.due is not None]
        if due:
            self._expect(min(due))

    def could_not_write(self, page: Page) -> None:
        """It will be tried again."""
        self.lanes.ledger.merge_before(page.ledger)

    def has_handled(self, sequence: int) -> bool:
        """Whether an event without a row is done, as far as this process knows better than the file."""
        return sequence <= self.lanes.position and sequence not in self.lanes.open

    async def close(self) -> None:
        """Ends subscriptions; what is in hand gets rows, so that what came after it is not delivered again."""
        self._closed = True
        self._news.set()
        tasks = [task for task in (self._pump, self._alarm) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.lanes.set_apart(self.lanes.position)

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._fetch()
            except BusUnavailableError as error:
                log.warning("%s waits: %s", self.lanes.consumer.name, error)
                await self._clock.sleep(RETRY_SECONDS)
                self._work.set()

    async def _fetch(self) -> None:
        await self._fetch_heads()
        await self._fetch_due()
        while self._is_behind and self.lanes.has_much_room:
            await self._fetch_log()
        self._news.set()
        self._flush_soon()

    async def _fetch_log(self) -> None:
        consumer, position, room = self.lanes.consumer, self.lanes.position, self.lanes.room
        found, upto = await self._database.read(lambda connection: read_log(connection, consumer, position, room))
        now = milliseconds(self._clock.now())
        for logged in found:
            self.lanes.take(logged, now)
        self.lanes.position = max(upto, self.lanes.position)
        self._newest = max(upto, self._newest)
        self._news.set()

    async def _fetch_heads(self) -> None:
        if not self.lanes.freed:
            return
        await self._flush()
        name, keys = self.lanes.consumer.name, list(self.lanes.freed)
        heads = await self._database.read(lambda connection: heads_of(connection, name, keys))
        now = milliseconds(self._clock.now())
        for key in keys:
            self.lanes.take_head(key, heads.get(key), now)

    async def _fetch_due(self) -> None:
        now = milliseconds(self._clock.now())
        if self._next_due is None or self._next_due > now:
            self._set_alarm()
            return
        room = self.lanes.room
        self._due_waits = room <= 0
        if room <= 0:
            return
        await self._flush()
        name, seen = self.lanes.consumer.name, self._seen
        rows, following = await self._database.read(
            lambda connection: (due_rows(connection, name, seen, now, room), next_due(connection, name, now))
        )
        for waiting in rows:
            self.lanes.take_due(waiting)
            self._seen = (waiting.row.due or 0, waiting.row.sequence)
        self._next_due = now if len(rows) == room else following
        self._set_alarm()

    def _expect(self, due: int) -> None:
        """A row is due at a time, which may be sooner than all that was known."""
        self._seen = min(self._seen, (due, -1))
        if self._next_due is None or due < self._next_due:
            self._next_due = due
            self._work.set()

    def _set_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = asyncio.create_task(self._ring()) if self._next_due is not None else None

    async def _ring(self) -> None:
        while (due := self._next_due) is not None:
            left = (from_milliseconds(due) - self._clock.now()).total_seconds()
            if left <= 0:
                break
            await self._clock.sleep(min(left, LONGEST_SLEEP))
        self._work.set()
