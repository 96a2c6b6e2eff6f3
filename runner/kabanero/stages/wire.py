"""What passes between a stage's function, in its thread, and the keeper of its StageRun: told progress, and cancelling.

The function holds one end through its Context, the Attempt the other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger("kabanero.stages")
Hook = Callable[[], object]


class Wire:
    """Safe to use from any thread. `news` is called when something was told."""

    def __init__(self, news: Hook) -> None:
        self._news = news
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._why = ""
        self._told: dict[str, Any] = {}
        self._told_count = self._shown_count = 0
        self._on_cancel: list[Hook] = []
        self._on_end: list[Hook] = []

    # --- the function's end ---

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the work any more."""
        return self._cancelled.is_set()

    @property
    def why(self) -> str:
        """Why not, for people."""
        return self._why

    def wait(self, seconds: float | None) -> bool:
        """Waits; whether it was cancelled meanwhile."""
        return self._cancelled.wait(seconds)

    def tell(self, field: str, value: Any) -> None:
        """A field of the StageRun's status, as it is from now on."""
        with self._lock:
            self._told = {**self._told, field: value}
            self._told_count += 1
        self._news()

    def tell_more(self, field: str, value: dict[str, Any]) -> None:
        """Further entries of such a field."""
        with self._lock:
            self._told = {**self._told, field: {**(self._told.get(field) or {}), **value}}
            self._told_count += 1
        self._news()

    def on_cancel(self, hook: Hook) -> Hook:
        """Calls `hook` when the work is cancelled, at once if it was already; what is returned takes it back."""
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(hook)
                return lambda: self._take_back(hook)
        _call(hook)
        return lambda: None

    def _take_back(self, hook: Hook) -> None:
        with self._lock:
            if hook in self._on_cancel:
                self._on_cancel.remove(hook)

    def on_end(self, hook: Hook) -> None:
        """Calls `hook` after the function has ended, however it ended; the last one first."""
        with self._lock:
            self._on_end.append(hook)

    # --- the keeper's end ---

    def news(self) -> tuple[dict[str, Any], int]:
        """All that was told, and its number, to be given to `shown` when it is written."""
        with self._lock:
            return self._told, self._told_count

    def shown(self, number: int) -> None:
        """What `news` gave is written."""
        self._shown_count = number

    @property
    def has_news(self) -> bool:
        """Whether more was told than is written."""
        return self._told_count > self._shown_count

    def cancel(self, why: str) -> None:
        """Tells the function, once."""
        with self._lock:
            if self._cancelled.is_set():
                return
            self._why = why
            self._cancelled.set()
            hooks = self._on_cancel[:]
        for hook in hooks:
            _call(hook)

    def end(self) -> None:
        """The function has ended."""
        while self._on_end:
            _call(self._on_end.pop())


def _call(hook: Hook) -> None:
    """A hook that fails keeps no other from being called."""
    try:
        hook()
    except Exception:
        log.exception("A hook failed")
