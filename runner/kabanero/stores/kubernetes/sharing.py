"""One watch on the API server for all who follow the same kind. Used by `watching`.

What it hears is kept for a while. A reader whose version lies in what is kept reads from there; one that stands further
back, at its start or because it reads slowly, has a connection of its own until it has caught up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from kabanero.model.resource import ResourceType
from kabanero.ports import Change, WatchEvent
from kabanero.stores.kubernetes.ending import Ending
from kabanero.stores.kubernetes.shaping import version_of

Connect = Callable[[ResourceType, str, Ending], AsyncGenerator[WatchEvent, None]]


class Shared:
    """The watch itself: everything after version `since`, of which the last `size` events are kept."""

    def __init__(self, events: AsyncIterator[WatchEvent], since: str, size: int) -> None:
        self._size, self._floor, self._first = size, int(since), 0
        self._kept: deque[tuple[int, WatchEvent]] = deque()
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._over = False
        self._readers = 0
        self._task = asyncio.create_task(self._hear(events))

    def over(self) -> bool:
        """Whether it has ended, so that a new one is needed."""
        return self._over

    def covers(self, since: str) -> bool:
        """Whether all that came after a version is kept, or still to come."""
        return not self._over and int(since) >= self._floor

    async def _hear(self, events: AsyncIterator[WatchEvent]) -> None:
        try:
            async for event in events:
                self._keep(event)
                await asyncio.sleep(0)  # Many come at once; whoever waits for them must not fall behind by that.
        except Exception as error:
            self._error = error
        finally:
            self._over = True
            self.wake()

    def _keep(self, event: WatchEvent) -> None:
        self._kept.append((int(version_of(event.resource)), event))
        if len(self._kept) > self._size:
            self._floor, _ = self._kept.popleft()
            self._first += 1
        self.wake()

    def wake(self) -> None:
        """Lets all readers look again."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def read(self, since: str, ending: Ending) -> AsyncGenerator[WatchEvent, None]:
        """Events after a version, as long as they are kept for this reader and it is not ended.

        Raises what the watch raised.
        """
        if not self.covers(since):
            return
        self._readers += 1
        ending.wake = self.wake
        try:
            place, after = self._first, int(since)  # Which may be ahead of what was heard so far.
            while not ending.ended():
                if place < self._first:
                    return
                if place < self._first + len(self._kept):
                    version, event = self._kept[place - self._first]
                    place += 1
                    if version > after:
                        yield event
                elif self._over:
                    break
                else:
                    await self._news.wait()
            if self._error and not ending.ended():
                raise self._error
        finally:
            self._leave()

    def _leave(self) -> None:
        self._readers -= 1
        if not self._readers:
            self._over = True
            self._task.cancel()


class Sharing:
    """The shared watches of a store, one a kind. With `size` 0 nothing is shared."""

    def __init__(self, connect: Connect, size: int) -> None:
        self._connect, self._size = connect, size
        self._shared: dict[ResourceType, Shared] = {}

    async def events(self, type: ResourceType, since: str, ending: Ending) -> AsyncIterator[WatchEvent]:
        """Changes of a kind after a version, until ended; raises what the watch raises."""
        behind = not self._size
        while not ending.ended():
            source = self._catch_up(type, since, ending) if behind else self._source(type, since, ending)
            async with aclosing(source) as events:
                async for event in events:
                    since = version_of(event.resource)
                    yield event
            behind = not behind

    def _source(self, type: ResourceType, since: str, ending: Ending) -> AsyncGenerator[WatchEvent, None]:
        shared = self._shared.get(type)
        if shared is None or shared.over():
            shared = self._shared[type] = Shared(self._connect(type, since, Ending()), since, self._size)
        return shared.read(since, ending)

    async def _catch_up(self, type: ResourceType, since: str, ending: Ending) -> AsyncGenerator[WatchEvent, None]:
        """A connection of one's own up to where a shared one is, or to a bookmark: there a new one can begin."""
        async with aclosing(self._connect(type, since, ending)) as own:
            async for event in own:
                yield event
                shared = self._shared.get(type)
                joins = shared.covers(version_of(event.resource)) if shared else False
                if self._size and (joins or event.change is Change.BOOKMARK):
                    return
