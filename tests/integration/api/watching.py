"""Reads a watch as a client does: event by event, from a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.support.api_server import TOKEN, ApiServer

PATIENCE_SECONDS = 10


class Watching:
    """An open watch."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def next(self) -> dict[str, Any] | None:
        """The next event; None when the watch has ended."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            size = int(await self._reader.readline() or b"0", 16)
            chunk = await self._reader.readexactly(size + 2)
        return orjson.loads(chunk) if size else None

    async def take(self, count: int) -> list[dict[str, Any]]:
        """The next events; tests that use it write one event into each chunk."""
        return [event for _ in range(count) if (event := await self.next())]


@contextlib.asynccontextmanager
async def watch(api: ApiServer, path: str, accept: str = "application/json") -> AsyncIterator[Watching]:
    """Opens a watch on `path`, which must bring its query."""
    place = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = [f"GET {path} HTTP/1.1", f"host: {place.netloc}", f"authorization: Bearer {TOKEN}", f"accept: {accept}"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    try:
        yield Watching(reader)
    finally:
        writer.close()


def told(event: dict[str, Any] | None) -> tuple[str, str]:
    """What an event says, in short."""
    assert event is not None
    return event["type"], event["object"]["metadata"].get("name", "")
