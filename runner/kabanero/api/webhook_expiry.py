"""Time limits for many short waits, with one timer for all of them.

asyncio.timeout makes a timer for each wait, 4 µs of the 100 that a webhook takes, and nearly none of them ever fires.
Used for bodies, for commits and for the heads of requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Expiry(Generic[T]):
    """Calls `expire` with each item that was added and not discarded for `seconds`; 0 switches it off."""

    def __init__(self, seconds: float, expire: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._expire = expire
        # All items wait equally long, so they stand in the order in which they expire.
        self._due: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def add(self, item: T) -> None:
        """Starts the item's time; it must not be there already."""
        if not self._seconds:
            return
        loop = asyncio.get_running_loop()
        self._due[item] = due = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._sweep)

    def discard(self, item: T) -> None:
        """Ends the item's time."""
        self._due.pop(item, None)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for item, due in list(self._due.items()):
            if due > now:
                break
            del self._due[item]
            self._expire(item)
        first = next(iter(self._due.values()), None)
        self._timer = None if first is None else loop.call_at(first, self._sweep)


class Deadlines:
    """`with deadlines.wait(): await ...` raises TimeoutError after `seconds`; 0 switches it off."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._expiry: Expiry[_Wait] = Expiry(seconds, _Wait.expire)

    def wait(self) -> _Wait:
        """One wait of the current task."""
        return _Wait(self._expiry)


class _Wait:
    __slots__ = ("_expired", "_expiry", "_task")

    def __init__(self, expiry: Expiry[_Wait]) -> None:
        self._expiry = expiry
        self._expired = False
        self._task: asyncio.Task[object] | None = None

    def expire(self) -> None:
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._expiry.add(self)

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._expiry.discard(self)
        if not self._expired or self._task is None:
            return
        # Somebody else's cancellation beside ours must go on.
        if self._task.uncancel() <= 0 and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
