"""One consumer at work: hands out what it has to do, and takes in what became of it.

Fed by `bus` with news; what it decides goes to the ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from typing import Any

from kabanero.buses.kubernetes.backlog import Backlog, Entry
from kabanero.buses.kubernetes.lanes import Item, Lanes
from kabanero.buses.kubernetes.ledger import SETTLED, Ledger, row
from kabanero.buses.kubernetes.loading import Loading
from kabanero.buses.kubernetes.objects import time_of
from kabanero.buses.kubernetes.settings import BusSettings
from kabanero.model.errors import NotFoundError
from kabanero.model.events import Event
from kabanero.ports import Clock, Consumer, Fate

log = logging.getLogger(__name__)
LONGEST_SLEEP = 60.0


class KubernetesDelivery:
    """As `Delivery`. Calling more than one of ack, retry and dead does nothing more."""

    __slots__ = ("_consuming", "_event", "_item")

    def __init__(self, consuming: Consuming, item: Item, event: Event) -> None:
        self._consuming, self._item, self._event = consuming, item, event

    @property
    def event(self) -> Event:
        """What happened."""
        return self._event

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
        self._consuming.settle(self._item, Fate.HANDLED, note)

    async def retry(self, reason: str) -> None:
        """Deliver again later, or give up after the last attempt."""
        self._consuming.retry(self._item, reason)

    async def dead(self, reason: str) -> None:
        """To the dead letters."""
        self._consuming.settle(self._item, Fate.DEAD, reason)


class Consuming:
    """The state of one consumer in this process; `flush_soon` sees to it that the ledger is written before long."""

    def __init__(
        self,
        consumer: Consumer,
        clock: Clock,
        settings: BusSettings,
        backlog: Backlog,
        ledger: Ledger,
        loading: Loading,
        flush_soon: Callable[[], None],
    ) -> None:
        self.consumer = consumer
        self._clock, self._settings, self._flush_soon = clock, settings, flush_soon
        self._backlog, self._ledger, self._loading = backlog, ledger, loading
        self._lanes = Lanes()
        self._news = asyncio.Event()
        self._in_flight = self._bytes = 0
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._closed = False

    # --- news ---

    def told(self, entry: Entry) -> None:
        """An event as it stands now."""
        if not self.consumer.wants(entry.topic) or self._ledger.is_open(entry.name, self.consumer.name):
            return
        said, item = entry.handlings.get(self.consumer.name, {}), self._lanes.get(entry.name)
        if item is not None and item.taker is not None:
            return
        if said.get("fate") in SETTLED:
            if item is not None:
                self._lanes.remove(item, self._clock.now())
        elif item is None:
            self._lanes.add(_item(entry, said), self._clock.now())
        else:
            self._adopt(item, entry, said)
        self._after_change()

    def _adopt(self, item: Item, entry: Entry, said: dict[str, Any]) -> None:
        """Somebody else has written: a replay brings it forward."""
        fresh = _item(entry, said)
        if (fresh.due, fresh.attempts) != (item.due, item.attempts):
            self._lanes.again(item, fresh.due, fresh.attempts, self._clock.now())

    def gone(self, name: str) -> None:
        """Handled by all, or deleted; who has it in hand may end."""
        item = self._lanes.get(name)
        if item is not None and item.taker is None:
            self._lanes.remove(item, self._clock.now())
            self._after_change()

    def only(self, names: set[str]) -> None:
        """All else is gone."""
        for item in self._lanes.idle():
            if item.name not in names:
                self.gone(item.name)

    # --- handing out ---

    async def deliveries(self) -> AsyncGenerator[KubernetesDelivery, None]:
        """A subscription. What it leaves undone goes to the next one."""
        me = object()
        try:
            while not self._closed:
                item = self._next(me)
                if item is None:
                    await self._news.wait()
                    self._news.clear()
                elif (event := await self._load(item)) is not None:
                    yield KubernetesDelivery(self, item, event)
        finally:
            self._take_back(me)

    def _next(self, taker: object) -> Item | None:
        item = self._lanes.peek()
        full = self._in_flight >= self.consumer.max_in_flight or len(self._ledger) >= self._settings.unwritten
        if item is None or full or (self._in_flight and self._bytes + item.size > self._settings.delivered):
            return None
        self._in_flight += 1
        self._bytes += item.size
        return self._lanes.take(taker)

    async def _load(self, item: Item) -> Event | None:
        """The event itself; None for one that is gone, or that can't be read."""
        try:
            return await self._loading.event(item.name)
        except NotFoundError:
            self._finish(item)
        except ValueError as error:
            self.settle(item, Fate.DEAD, f"it can't be read: {error}")
        return None

    def _take_back(self, taker: object) -> None:
        for item in reversed(self._lanes.taken_by(taker)):
            self._release(item)
            self._lanes.give_back(item)
        self._news.set()

    def _release(self, item: Item) -> None:
        self._in_flight -= 1
        self._bytes -= item.size

    # --- what became of it ---

    def settle(self, item: Item, fate: Fate, note: str) -> None:
        """Handled, or given up."""
        entry = self._mine(item)
        if entry is not None:
            self._ledger.note(entry, self.consumer.name, row(fate, item.attempts + 1, note))
        self._finish(item)

    def retry(self, item: Item, reason: str) -> None:
        """Failed for now."""
        attempts = item.attempts + 1
        if attempts >= self.consumer.max_attempts:
            self.settle(item, Fate.DEAD, reason)
            return
        entry = self._mine(item)
        if entry is None:
            self._finish(item)
            return
        now = self._clock.now()
        due = now + timedelta(seconds=self._settings.backoff.delay(attempts))
        self._ledger.note(entry, self.consumer.name, row(Fate.PENDING, attempts, reason, due.isoformat()))
        self._release(item)
        self._lanes.again(item, due, attempts, now)
        self._after_change()

    def _mine(self, item: Item) -> Entry | None:
        """The event that is in hand; None when it was settled already, or is gone."""
        if self._lanes.get(item.name) is not item or item.taker is None:
            return None
        return self._backlog.entries.get(item.name)

    def _finish(self, item: Item) -> None:
        if self._lanes.get(item.name) is item and item.taker is not None:
            self._release(item)
            self._lanes.remove(item, self._clock.now())
            self._after_change()

    def _after_change(self) -> None:
        self._news.set()
        if self._ledger:
            self._flush_soon()
        self._set_alarm()

    def room(self) -> None:
        """The ledger was written."""
        self._news.set()

    # --- time ---

    def _set_alarm(self) -> None:
        due = self._lanes.next_due()
        if due is not None and (self._alarm is None or self._alarm_at is None or due < self._alarm_at):
            if self._alarm:
                self._alarm.cancel()
            self._alarm_at = due
            self._alarm = asyncio.get_running_loop().create_task(self._ring())

    async def _ring(self) -> None:
        while (due := self._lanes.next_due()) is not None:
            left = (due - self._clock.now()).total_seconds()
            if left > 0:
                self._alarm_at = due
                await self._clock.sleep(min(left, LONGEST_SLEEP))
                continue
            self._lanes.wake(self._clock.now())
            self._news.set()
        self._alarm = self._alarm_at = None

    async def close(self) -> None:
        """Ends subscriptions."""
        self._closed = True
        self._news.set()
        if self._alarm:
            self._alarm.cancel()
            await asyncio.gather(self._alarm, return_exceptions=True)


def _item(entry: Entry, said: dict[str, Any]) -> Item:
    due = time_of(said.get("due") or ("" if said else entry.not_before))
    return Item(entry.name, entry.sequence, entry.key, entry.size, int(said.get("attempts") or 0), due)
