"""One watch: what is there, then changes, over as many connections as it takes. Made by `store`.

A connection that ends is followed by another from the last version heard, which bookmarks keep young. Where we have to
select by ourselves, what was selected is kept, to tell what begins and what stops to be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from kabanero.kubernetes import Client, Request
from kabanero.kubernetes.answers import error_of
from kabanero.model.errors import InvalidError, Problem
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import EVERYTHING
from kabanero.ports import Change, Clock, WatchEvent
from kabanero.stores.kubernetes.ending import Ending
from kabanero.stores.kubernetes.listing import Scope, whole
from kabanero.stores.kubernetes.remembering import Memory
from kabanero.stores.kubernetes.selecting import split
from kabanero.stores.kubernetes.settings import StoreSettings
from kabanero.stores.kubernetes.shaping import key_of, received, version_of
from kabanero.stores.kubernetes.sharing import Sharing

ANY_VERSION = ("", "0")
RECONNECT_SECONDS = 1.0


class Selected:
    """What a watch has selected by itself so far, for clauses that the server can't take."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.ours = split(scope.type, scope.selector)[1]
        self._there: dict[Key, Resource] = {}

    def begin(self, items: list[Resource]) -> None:
        """What was selected where the watch starts."""
        self._there = {key_of(self._scope.type, item): item for item in items} if self.ours != EVERYTHING else {}

    def told(self, event: WatchEvent) -> WatchEvent | None:
        """What a change means to this watch; None: nothing."""
        if self.ours == EVERYTHING:
            return event
        key, resource = key_of(self._scope.type, event.resource), event.resource
        was = self._there.pop(key, None)
        if event.change is not Change.DELETED and self.ours.matches(resource):
            self._there[key] = resource
            return WatchEvent(Change.MODIFIED if was else Change.ADDED, resource)
        return WatchEvent(Change.DELETED, _at(was, version_of(resource))) if was else None


class Watching:
    """All watches of a store."""

    def __init__(self, client: Client, memory: Memory, clock: Clock, settings: StoreSettings) -> None:
        self._client, self._memory, self._clock, self._size = client, memory, clock, settings.page
        self._open: set[Ending] = set()
        self._sharing = Sharing(
            lambda type, since, ending: self._connections(Scope(type), since, ending), settings.shared
        )

    def close(self) -> None:
        """Ends all watches."""
        for ending in self._open:
            ending.end()

    async def changes(
        self, scope: Scope, since: str, bookmarks: bool, timeout: float | None
    ) -> AsyncIterator[WatchEvent]:
        """As `Store.watch`."""
        ending = Ending()
        self._open.add(ending)
        alarm = asyncio.create_task(self._end_after(ending, timeout)) if timeout is not None else None
        try:
            async for event in self._from_beginning(scope, since, ending):
                if bookmarks or event.change is not Change.BOOKMARK:
                    yield event
        finally:
            self._open.discard(ending)
            if alarm:
                alarm.cancel()

    async def _end_after(self, ending: Ending, timeout: float) -> None:
        await self._clock.sleep(timeout)
        ending.end()

    async def _from_beginning(self, scope: Scope, since: str, ending: Ending) -> AsyncIterator[WatchEvent]:
        selected = Selected(scope)
        if since in ANY_VERSION:
            found = await whole(self._client, scope, self._size)
            selected.begin(found.items)
            for item in found.items:
                yield WatchEvent(Change.ADDED, item)
            since = found.resource_version
        elif not since.isdecimal():
            raise InvalidError("watch", [Problem("resourceVersion", f"{since!r} is not a version of this server")])
        elif selected.ours != EVERYTHING:
            exact = {"resourceVersion": since, "resourceVersionMatch": "Exact"}
            selected.begin((await whole(self._client, scope, self._size, exact)).items)
        async for event in self._events(scope, since, ending):
            if event.change is Change.BOOKMARK:
                yield event
            elif told := selected.told(event):
                yield told

    def _events(self, scope: Scope, since: str, ending: Ending) -> AsyncIterator[WatchEvent]:
        if scope == Scope(scope.type):
            return self._sharing.events(scope.type, since, ending)
        return self._connections(scope, since, ending)

    async def _connections(self, scope: Scope, since: str, ending: Ending) -> AsyncGenerator[WatchEvent, None]:
        while not ending.ended():
            heard = False
            async for event in self._connection(scope, since, ending):
                since, heard = version_of(event.resource), True
                yield event
            if not heard and not ending.ended():
                await self._clock.sleep(RECONNECT_SECONDS)

    async def _connection(self, scope: Scope, since: str, ending: Ending) -> AsyncIterator[WatchEvent]:
        query = {**split(scope.type, scope.selector)[0], "watch": "1", "allowWatchBookmarks": "true"}
        request = Request("watch", scope.type, scope.namespace, query={**query, "resourceVersion": since})
        whole_kind = scope == Scope(scope.type)
        async with self._client.stream(request) as ending.stream:
            if ending.ended():
                return
            if whole_kind:
                self._memory.watch_began(scope.type)
            try:
                async for value in ending.stream.values():
                    event = _event(request, value)
                    if whole_kind:
                        self._remember(scope, event)
                    yield event
                    if ending.ended():
                        return
            finally:
                if whole_kind:
                    self._memory.watch_ended(scope.type)

    def _remember(self, scope: Scope, event: WatchEvent) -> None:
        if event.change is Change.BOOKMARK:
            return
        key = key_of(scope.type, event.resource)
        if event.change is Change.DELETED:
            self._memory.forget(key)
        else:
            self._memory.keep(key, event.resource)


def _event(request: Request, value: dict[str, Any]) -> WatchEvent:
    """One line of a watch. Raises what an ERROR in it means, ExpiredError above all."""
    if value["type"] == "ERROR":
        raise error_of(request, int(value["object"].get("code") or 500), value["object"])
    return WatchEvent(Change(value["type"]), received(request.type, value["object"]))


def _at(resource: Resource, version: str) -> Resource:
    return {**resource, "metadata": {**resource["metadata"], "resourceVersion": version}}
