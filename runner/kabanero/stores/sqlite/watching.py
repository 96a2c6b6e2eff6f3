"""One watch: what is there, what happened since, then what happens. Made by `store`.

The order of things keeps it free of gaps: the watch joins the feed first and reads the history after, and skips what
it has seen by its version.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.resource import Resource, ResourceType
from kabanero.model.selectors import Selector
from kabanero.ports import Change, Clock, WatchEvent
from kabanero.sqlite.database import Database
from kabanero.stores.sqlite.feed import Feed, Watcher
from kabanero.stores.sqlite.history import changes_after
from kabanero.stores.sqlite.paging import Pager
from kabanero.stores.sqlite.rows import Changed, with_version
from kabanero.stores.sqlite.selecting import Scope
from kabanero.stores.sqlite.types import type_number

_READ = 200
_ANY_VERSION = ("", "0")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a watch is about."""

    type: ResourceType
    namespace: str
    selector: Selector
    bookmarks: bool

    @property
    def group_kind(self) -> tuple[str, str]:
        """How the feed knows the kind."""
        return self.type.group, self.type.kind


class Watching:
    """Serves watches from the feed and the history."""

    def __init__(self, database: Database, feed: Feed, pager: Pager, clock: Clock) -> None:
        self._database, self._feed, self._pager, self._clock = database, feed, pager, clock

    async def changes(self, wanted: Wanted, since: str, timeout: float | None) -> AsyncIterator[WatchEvent]:
        """As `Store.watch`."""
        watcher = self._feed.join(wanted.group_kind)
        alarm = asyncio.create_task(self._end_after(watcher, timeout)) if timeout is not None else None
        try:
            async for event in self._events(wanted, watcher, since):
                yield event
        finally:
            self._feed.leave(wanted.group_kind, watcher)
            if alarm:
                alarm.cancel()

    async def _end_after(self, watcher: Watcher, timeout: float) -> None:
        await self._clock.sleep(timeout)
        watcher.end()

    async def _events(self, wanted: Wanted, watcher: Watcher, since: str) -> AsyncIterator[WatchEvent]:
        if since in _ANY_VERSION:
            version, items = await self._initial(wanted)
            for item in items:
                yield WatchEvent(Change.ADDED, item)
        else:
            version = _version(since)
        while True:
            async for event, at in self._news(wanted, watcher, version):
                version = at
                if event:
                    yield event
            if watcher.ended:
                return
            if watcher.behind or watcher.changes:
                continue  # A bookmark now would jump over what has not been read.
            if watcher.bookmark_due:
                watcher.bookmark_due = False
                version = max(version, self._feed.head)
                if wanted.bookmarks:
                    yield _bookmark(wanted.type, version)
                continue
            await watcher.wait()

    async def _initial(self, wanted: Wanted) -> tuple[int, list[Resource]]:
        number = await self._number(wanted.type)
        scope = Scope(wanted.type, number, wanted.namespace, wanted.selector)
        page = await self._database.read(lambda connection: self._pager.page(connection, scope, 0, ""))
        return int(page.resource_version), page.items

    async def _number(self, type: ResourceType) -> int:
        number = await self._database.read(lambda connection: type_number(connection, type.group, type.kind))
        assert number is not None, "every type is registered when the store opens"
        return number

    async def _news(
        self, wanted: Wanted, watcher: Watcher, version: int
    ) -> AsyncIterator[tuple[WatchEvent | None, int]]:
        """What is new for the watch, with the version up to which it then knows everything."""
        if watcher.behind:
            changes, upto = await self._read(wanted, watcher, version)
            for changed in changes:
                yield selected(wanted, changed), changed.version
            version = max(version, upto)
            yield None, version
        while watcher.changes:
            changed = watcher.changes.popleft()
            if changed.version > version:
                version = changed.version
                yield selected(wanted, changed), version

    async def _read(self, wanted: Wanted, watcher: Watcher, version: int) -> tuple[list[Changed], int]:
        """A stretch of the history; when it reaches the present, the feed takes over without a gap."""
        number = await self._number(wanted.type)
        watcher.catch_up()
        changes, upto = await self._database.read(lambda connection: changes_after(connection, number, version, _READ))
        if len(changes) == _READ:
            watcher.changes.clear()
            watcher.behind = True
        return changes, upto


def selected(wanted: Wanted, changed: Changed) -> WatchEvent | None:
    """What a change means to a watch with a selector; None: nothing."""
    if wanted.namespace and changed.namespace != wanted.namespace:
        return None
    was = changed.old is not None and wanted.selector.matches(changed.old)
    if changed.new is None:
        return WatchEvent(Change.DELETED, changed.old) if was and changed.old else None
    if wanted.selector.matches(changed.new):
        return WatchEvent(Change.MODIFIED if was else Change.ADDED, changed.new)
    return WatchEvent(Change.DELETED, with_version(changed.old, changed.version)) if was and changed.old else None


def _version(since: str) -> int:
    if not since.isdecimal():
        raise InvalidError("watch", [Problem("resourceVersion", f"{since!r} is not a version of this server")])
    return int(since)


def _bookmark(type: ResourceType, version: int) -> WatchEvent:
    metadata = {"resourceVersion": str(version)}
    return WatchEvent(Change.BOOKMARK, {"apiVersion": type.api_version, "kind": type.kind, "metadata": metadata})
