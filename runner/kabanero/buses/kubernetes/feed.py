"""News of events that are still to be handled: a list, then one watch, for all consumers of a runner. Used by `bus`.

The API server selects: what was handled by all is neither listed nor watched, so a start costs no more than what waits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from kabanero.buses.kubernetes.objects import name_in
from kabanero.buses.kubernetes.requests import PENDING, TYPE, Objects, selector
from kabanero.kubernetes import Request
from kabanero.kubernetes.answers import error_of
from kabanero.model.errors import ExpiredError, TemporaryError
from kabanero.model.resource import Resource
from kabanero.ports import Clock

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0


class Listener(Protocol):
    """Who wants the news."""

    def listing(self, body: Resource) -> None:
        """An object of a list that goes on."""

    def listed(self) -> None:
        """That was all: what was known and is not in it is gone."""

    def changed(self, body: Resource) -> None:
        """A new one, or one that has changed."""

    def gone(self, name: str) -> None:
        """Handled by all, or deleted."""


class Feed:
    """Runs until it is cancelled."""

    def __init__(self, objects: Objects, clock: Clock, listener: Listener) -> None:
        self._objects, self._clock, self._listener = objects, clock, listener
        self._version = ""

    async def run(self) -> None:
        """Outages are waited out; after a gap in history all is listed again."""
        while True:
            try:
                await self._follow(await self._list())
            except ExpiredError:
                log.info("The watch on events fell too far behind; listing again")
            except TemporaryError as error:
                log.warning("Can't read events: %s", error)
                await self._clock.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("Reading events broke off; listing again")
                await self._clock.sleep(RETRY_SECONDS)

    async def _list(self) -> str:
        version = ""
        async for items, since in self._objects.pages(PENDING):
            version = since
            for body in items:
                with _readable(body):
                    self._listener.listing(body)
        self._listener.listed()
        return version

    async def _follow(self, version: str) -> None:
        self._version = version
        while True:
            heard = self._version
            try:
                await self._connection(heard)
            except TemporaryError as error:
                log.warning("The watch on events broke off: %s", error)
            if self._version == heard:
                await self._clock.sleep(RETRY_SECONDS)

    async def _connection(self, version: str) -> None:
        """Until the connection ends."""
        query = {"fieldSelector": selector(PENDING), "watch": "1", "allowWatchBookmarks": "true"}
        request = Request("watch", TYPE, self._objects.namespace, query={**query, "resourceVersion": version})
        async with self._objects.client.stream(request) as stream:
            async for value in stream.values():
                self._told(request, value)

    def _told(self, request: Request, value: dict[str, Any]) -> None:
        body = value["object"]
        if value["type"] == "ERROR":
            raise error_of(request, int(body.get("code") or 500), body)
        self._version = str(body["metadata"]["resourceVersion"])
        if value["type"] == "DELETED":
            self._listener.gone(name_in(body))
        elif value["type"] != "BOOKMARK":
            with _readable(body):
                self._listener.changed(body)


@contextmanager
def _readable(body: Resource) -> Iterator[None]:
    """An object that breaks whoever takes it in is left out: the others' news must not end with it."""
    try:
        yield
    except Exception:
        log.exception("QueuedEvent %s is left out: it can't be read", name_in(body))
