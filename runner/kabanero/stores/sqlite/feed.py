"""Hands committed changes to the watches of this process, on the event loop. Fed by `store`, read by `watching`.

A watch has a small buffer; when it overflows, the watch forgets it and reads from the history where it stands, so a
slow reader costs no memory and only loses its place when the history it needs is compacted.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable

from kabanero.stores.sqlite.rows import Changed


class Watcher:
    """The place of one watch: changes that it has not taken yet, or the knowledge that it must read them."""

    def __init__(self, buffer: int) -> None:
        self._buffer = buffer
        self.changes: deque[Changed] = deque()
        self.behind = True
        self.bookmark_due = False
        self.ended = False
        self._news = asyncio.Event()

    def offer(self, changed: Changed) -> None:
        """Takes a change in, or falls behind."""
        if self.behind:
            return
        self.changes.append(changed)
        if len(self.changes) > self._buffer:
            self.changes.clear()
            self.behind = True
        self._news.set()

    def catch_up(self) -> None:
        """From now on every change is in the buffer; older ones have to be read."""
        self.behind = False

    def remind(self) -> None:
        """A bookmark is due."""
        self.bookmark_due = True
        self._news.set()

    def end(self) -> None:
        """The watch is over."""
        self.ended = True
        self._news.set()

    async def wait(self) -> None:
        """Returns when there is something to do."""
        await self._news.wait()
        self._news.clear()


class Feed:
    """All watches. `head` is the newest version that they have been told of."""

    def __init__(self, buffer: int, head: int) -> None:
        self._buffer, self.head = buffer, head
        self._watchers: defaultdict[tuple[str, str], set[Watcher]] = defaultdict(set)

    def join(self, group_kind: tuple[str, str]) -> Watcher:
        """A new watch of one kind."""
        watcher = Watcher(self._buffer)
        self._watchers[group_kind].add(watcher)
        return watcher

    def leave(self, group_kind: tuple[str, str], watcher: Watcher) -> None:
        """The watch is not there any more."""
        self._watchers[group_kind].discard(watcher)

    def tell(self, changes: Iterable[Changed]) -> None:
        """News of one commit, in the order of versions."""
        for changed in changes:
            for watcher in self._watchers.get(changed.group_kind, ()):
                watcher.offer(changed)
            self.head = changed.version

    def remind(self) -> None:
        """Bookmarks are due."""
        for watcher in self._everyone():
            watcher.remind()

    def end(self) -> None:
        """All watches are over."""
        for watcher in self._everyone():
            watcher.end()

    def _everyone(self) -> list[Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]
