"""The order of deliveries of one consumer: one event of an ordering key at a time, the oldest first. No I/O.

What is in hand is in memory: at most a window of events. What has to wait longer (a retry's back-off, many events
behind one) goes to rows of `pending` through the ledger. A key is either in memory or in rows, never both: once one of
its events has a blocking row, the later ones get rows too. Driven by `consuming`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from kabanero.buses.sqlite.backlog import Waiting
from kabanero.buses.sqlite.events import Logged
from kabanero.buses.sqlite.ledger import Ledger, PendingRow, SettledRow
from kabanero.model.events import Event
from kabanero.ports import Consumer

SMALLEST_WINDOW = 64


@dataclass(slots=True, eq=False)
class Item:
    """One event in hand. `attempts` are those before this one; `has_row`: it is in `pending` as well.

    `taker` is the subscription that it was handed to.
    """

    sequence: int
    event: Event
    key: str
    attempts: int = 0
    has_row: bool = False
    blocking: bool = False
    taker: object | None = None


@dataclass(slots=True)
class Lane:
    """One ordering key that is at work: the event whose turn it is, and those behind it."""

    turn: Item
    queue: deque[Item] = field(default_factory=deque)


class Lanes:
    """All that a consumer has in hand. `ready` are those whose turn it is and that nobody has taken."""

    def __init__(self, consumer: Consumer, position: int, blocked: dict[str, int], apart: set[int]) -> None:
        self.consumer, self.position = consumer, position
        self.ledger = Ledger()
        self.open: dict[int, Item] = {}
        self.ready: deque[Item] = deque()
        self.freed: set[str] = set()
        self._lanes: dict[str, Lane] = {}
        self._blocked, self._apart = blocked, apart
        self._window = max(SMALLEST_WINDOW, 2 * consumer.max_in_flight)
        self._longest_queue = self._window // 4

    @property
    def room(self) -> int:
        """How many more events may be in memory."""
        return self._window - len(self.open)

    @property
    def has_much_room(self) -> bool:
        """Whether it is time to read on: not for every single event that is done."""
        return self.room >= self._window // 2

    def cursor(self) -> int:
        """Up to where everything is done or has a row."""
        held = min((item.sequence for item in self.open.values() if not item.has_row), default=0)
        return held - 1 if held else self.position

    def take(self, logged: Logged, now: int) -> None:
        """The next event of the log."""
        self.position = logged.sequence
        if not self.consumer.wants(logged.event.topic):
            return
        if self._apart and logged.sequence in self._apart:
            self._apart.discard(logged.sequence)
            return
        key = logged.event.ordering_key
        if logged.not_before > now:
            self._note(PendingRow(logged.sequence, key, logged.not_before, blocking=False))
        elif key in self._blocked:
            self._park(logged.sequence, key)
        else:
            self._line_up(Item(logged.sequence, logged.event, key))

    def take_due(self, waiting: Waiting) -> None:
        """A row whose time has come: a retry, a timer, a replay."""
        row = waiting.row
        if row.sequence in self.open:
            return
        if not row.blocking and row.key in self._blocked:
            self._park(row.sequence, row.key, row.attempts)
        elif not row.blocking or row.key not in self._lanes:
            self._line_up(_item(waiting))

    def take_head(self, key: str, waiting: Waiting | None, now: int) -> None:
        """The first row of a key whose turn had ended; None when there is none, or it is not due yet."""
        self.freed.discard(key)
        if key in self._lanes:
            return
        if waiting is None:
            self._blocked.pop(key, None)
        elif (waiting.row.due is None or waiting.row.due <= now) and waiting.row.sequence not in self.open:
            self._line_up(_item(waiting))

    def done(self, item: Item, note: str) -> None:
        """Handled."""
        if self._close(item):
            if note:
                self.ledger.settled[item.sequence] = SettledRow(item.sequence, False, item.attempts + 1, note)
            self._finish(item)

    def dead(self, item: Item, reason: str) -> None:
        """Given up."""
        if self._close(item):
            self.ledger.settled[item.sequence] = SettledRow(item.sequence, True, item.attempts + 1, reason)
            self._finish(item)

    def again(self, item: Item, due: int, reason: str) -> None:
        """To be delivered again at a time; all behind it wait in rows."""
        lane = self._lanes[item.key]
        if self._close(item):
            row = PendingRow(item.sequence, item.key, due, blocking=True, attempts=item.attempts + 1, reason=reason)
            self._note(row, was_blocking=item.blocking)
            self._park_queue(lane)
            del self._lanes[item.key]

    def give_back(self, item: Item) -> None:
        """Taken by a subscription that ended before it was done: the next one gets it first."""
        if self.is_open(item):
            item.taker = None
            self.ready.appendleft(item)

    def is_open(self, item: Item) -> bool:
        """Whether it is still to be done."""
        return self.open.get(item.sequence) is item

    def set_apart(self, behind: int) -> None:
        """Gives rows to events in hand up to a place, so that the cursor need not wait for them."""
        for item in [each for each in self.open.values() if each.sequence <= behind and not each.has_row]:
            lane = self._lanes[item.key]
            if lane.turn is item:
                self._set_apart(lane)

    def _set_apart(self, lane: Lane) -> None:
        item = lane.turn
        row = PendingRow(item.sequence, item.key, 0, blocking=True, attempts=item.attempts)
        self._note(row, was_blocking=item.blocking)
        item.has_row = item.blocking = True
        self._park_queue(lane)

    def _line_up(self, item: Item) -> None:
        self.open[item.sequence] = item
        lane = self._lanes.get(item.key)
        if lane is None:
            self._lanes[item.key] = Lane(item)
            self.ready.append(item)
            return
        lane.queue.append(item)
        if len(lane.queue) > self._longest_queue:
            self._set_apart(lane)

    def _close(self, item: Item) -> bool:
        if not self.is_open(item):
            return False
        del self.open[item.sequence]
        if item.taker is None:
            self.ready.remove(item)
        return True

    def _finish(self, item: Item) -> None:
        if item.has_row:
            self.ledger.pending[item.sequence] = None
            if item.blocking:
                self._unblock(item.key)
        self._next_of(item.key)

    def _next_of(self, key: str) -> None:
        lane = self._lanes[key]
        if lane.queue:
            lane.turn = lane.queue.popleft()
            self.ready.append(lane.turn)
            return
        del self._lanes[key]
        if key in self._blocked:
            self.freed.add(key)

    def _park_queue(self, lane: Lane) -> None:
        for item in lane.queue:
            del self.open[item.sequence]
            self._park(item.sequence, item.key, item.attempts)
        lane.queue.clear()

    def _park(self, sequence: int, key: str, attempts: int = 0) -> None:
        self._note(PendingRow(sequence, key, None, blocking=True, attempts=attempts))

    def _note(self, row: PendingRow, *, was_blocking: bool = False) -> None:
        self.ledger.pending[row.sequence] = row
        if row.blocking and not was_blocking:
            self._blocked[row.key] = self._blocked.get(row.key, 0) + 1

    def _unblock(self, key: str) -> None:
        count = self._blocked.get(key, 1) - 1
        if count > 0:
            self._blocked[key] = count
        else:
            self._blocked.pop(key, None)


def _item(waiting: Waiting) -> Item:
    row = waiting.row
    return Item(row.sequence, waiting.logged.event, row.key, row.attempts, has_row=True, blocking=row.blocking)
