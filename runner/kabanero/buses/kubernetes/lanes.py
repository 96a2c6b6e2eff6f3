"""The order of deliveries of one consumer: one event of an ordering key at a time, the oldest first. No I/O.

All that is still to be delivered is here, as a few words per event; payloads are elsewhere. Driven by `consuming`.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, eq=False)
class Item:
    """One event that a consumer has still to handle. `attempts` are those before this one.

    `due`: not before then. `taker` is the subscription that it was handed to.
    """

    name: str
    sequence: int
    key: str
    size: int = 0
    attempts: int = 0
    due: datetime | None = None
    taker: object | None = None
    in_lane: bool = False
    is_ready: bool = False


class Lanes:
    """What waits, what is ready and what was taken."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._lanes: dict[str, deque[Item]] = {}
        self._ready: deque[Item] = deque()
        self._later: list[tuple[datetime, int, Item]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, name: str) -> Item | None:
        """The event of this name, if it is still to be handled."""
        return self._items.get(name)

    def taken_by(self, taker: object) -> list[Item]:
        """What a subscription has in hand, the oldest first."""
        return sorted((each for each in self._items.values() if each.taker is taker), key=lambda each: each.sequence)

    def add(self, item: Item, now: datetime) -> None:
        """One more. A timer holds up nothing of its key until its time has come; a retry does."""
        self._items[item.name] = item
        if item.due and item.due > now and not item.attempts:
            self._put_off(item, item.due)
        else:
            self._line_up(item, now)

    def peek(self) -> Item | None:
        """The next to be handed out."""
        while self._ready:
            if self._is_open(self._ready[0]) and self._ready[0].is_ready:
                return self._ready[0]
            self._ready.popleft()
        return None

    def take(self, taker: object) -> Item:
        """Hands the next one out; `peek` must have said that there is one."""
        item = self._ready.popleft()
        item.taker, item.is_ready = taker, False
        return item

    def give_back(self, item: Item) -> None:
        """Was taken, and not done: it is the next."""
        if self._is_open(item):
            item.taker, item.is_ready = None, True
            self._ready.appendleft(item)

    def remove(self, item: Item, now: datetime) -> None:
        """Done with it; the next of its key has its turn."""
        if not self._is_open(item):
            return
        del self._items[item.name]
        item.is_ready = False
        lane = self._lanes.get(item.key)
        if not item.in_lane or lane is None:
            return
        had_turn = lane[0] is item
        lane.remove(item)
        if not lane:
            del self._lanes[item.key]
        elif had_turn:
            self._turn(lane[0], now)

    def again(self, item: Item, due: datetime | None, attempts: int, now: datetime) -> None:
        """To be delivered at another time."""
        item.taker, item.due, item.attempts = None, due, attempts
        if not item.in_lane:
            self.add(item, now)
        elif self._lanes[item.key][0] is item and not item.is_ready:
            self._turn(item, now)

    def wake(self, now: datetime) -> None:
        """Moves on what is due."""
        while self._later and self._later[0][0] <= now:
            due, _, item = heapq.heappop(self._later)
            if not self._is_open(item) or item.due != due or item.is_ready or item.taker:
                continue
            if not item.in_lane:
                self._line_up(item, now)
            elif self._lanes[item.key][0] is item:
                self._turn(item, now)

    def next_due(self) -> datetime | None:
        """When something may be due."""
        return self._later[0][0] if self._later else None

    def idle(self) -> Iterator[Item]:
        """What nobody has taken."""
        return (item for item in list(self._items.values()) if item.taker is None)

    def _is_open(self, item: Item) -> bool:
        return self._items.get(item.name) is item

    def _line_up(self, item: Item, now: datetime) -> None:
        lane = self._lanes.setdefault(item.key, deque())
        lane.append(item)
        item.in_lane = True
        if lane[0] is item:
            self._turn(item, now)

    def _turn(self, item: Item, now: datetime) -> None:
        if item.due and item.due > now:
            self._put_off(item, item.due)
        else:
            item.is_ready = True
            self._ready.append(item)

    def _put_off(self, item: Item, due: datetime) -> None:
        heapq.heappush(self._later, (due, next(self._numbers), item))
