"""watch: the stream of changes, one JSON object per line.

Called by the resource API for `?watch=true`. What goes wrong after the first byte is told in the stream, as a Status
in an ERROR event: a version too old is such a 410, upon which clients list again.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson

from kabanero.api.http import Request, Stream
from kabanero.api.reads import PAGE, parse_number
from kabanero.api.shapes import Shape
from kabanero.api.status import as_api_error, bad_request
from kabanero.api.targets import Target, find_selector
from kabanero.model.errors import ExpiredError, KabaneroError
from kabanero.model.resource import Resource
from kabanero.model.selectors import Selector
from kabanero.ports import Change, Store

INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch as a client asked for it. `since` empty: first an ADDED for each resource; `timeout` in seconds."""

    target: Target
    selector: Selector
    since: str
    bookmarks: bool
    mark_end: bool
    timeout: float


def watch(store: Store, request: Request, target: Target, shape: Shape, longest: float) -> Stream:
    """The stream of changes. Raises ApiError 400 for a query that can't be."""
    return Stream(_lines(store, _parse(request, target, longest), shape))


def _parse(request: Request, target: Target, longest: float) -> Watch:
    query = request.query
    since = str(parse_number(request, "resourceVersion") or "")
    send_initial = request.flag("sendInitialEvents")
    match = query.get("resourceVersionMatch", "")
    if "sendInitialEvents" in query and match != "NotOlderThan":
        raise bad_request("sendInitialEvents needs resourceVersionMatch=NotOlderThan")
    if match and "sendInitialEvents" not in query:
        raise bad_request("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    # All end in their own time: clients that came together shall not come again together.
    timeout = parse_number(request, "timeoutSeconds") or longest * (1 + random.random()) / 2
    return Watch(
        target=target,
        selector=find_selector(request, target.type),
        since="" if send_initial else since,
        bookmarks=request.flag("allowWatchBookmarks"),
        mark_end=send_initial and request.flag("allowWatchBookmarks"),
        timeout=min(timeout, longest),
    )


async def _lines(store: Store, wanted: Watch, shape: Shape) -> AsyncIterator[bytes]:
    try:
        since = wanted.since
        if since:
            await _check_reached(store, wanted)
        else:
            async for page in _pages(store, wanted):
                since = page.resource_version
                if page.items:
                    yield b"".join(_line(Change.ADDED, shape.watched(item)) for item in page.items)
            if wanted.mark_end:
                yield _line(Change.BOOKMARK, shape.watched(_bookmark(wanted, since)))
        async with aclosing(_changes(store, wanted, since)) as changes:
            async for event in changes:
                yield _line(event.change, shape.watched(event.resource))
    except KabaneroError as error:
        yield _line("ERROR", as_api_error(error).status())


async def _check_reached(store: Store, wanted: Watch) -> None:
    """A version that the store has not come to is from another store's life: a watch from there would stay silent."""
    newest = (await store.list(wanted.target.type, namespace=wanted.target.namespace, limit=1)).resource_version
    if int(wanted.since) > int(newest):
        raise ExpiredError(f"resourceVersion {wanted.since} was never reached here, the newest is {newest}: list again")


async def _pages(store: Store, wanted: Watch) -> AsyncIterator[Any]:
    token = ""
    while True:
        page = await store.list(
            wanted.target.type, namespace=wanted.target.namespace, selector=wanted.selector, limit=PAGE, token=token
        )
        yield page
        token = page.next_token
        if not token:
            return


def _changes(store: Store, wanted: Watch, since: str) -> Any:
    return store.watch(
        wanted.target.type,
        namespace=wanted.target.namespace,
        selector=wanted.selector,
        since=since,
        bookmarks=wanted.bookmarks,
        timeout=wanted.timeout,
    )


def _bookmark(wanted: Watch, version: str) -> Resource:
    type = wanted.target.type
    meta = {"resourceVersion": version, "creationTimestamp": None, "annotations": INITIAL_EVENTS_END}
    return {"kind": type.kind, "apiVersion": type.api_version, "metadata": meta}


def _line(change: str, obj: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": change, "object": obj}) + b"\n"
