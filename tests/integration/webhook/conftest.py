"""The webhook under a real uvicorn on a real socket, and a client that says exactly what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import uvicorn
from kabanero.api.webhook import Webhook, WebhookLimits
from kabanero.api.webhook_connection import RequestLimits, guarded_protocol
from kabanero.clock import SystemClock

from tests.support.github import Headers, headers_for, key_ring
from tests.support.memory_bus import MemoryBus


@dataclass(frozen=True)
class Reply:
    """One answer. `closes`: the server said that the connection ends."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class Connection:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> Reply:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Reply(int(head[0].split()[1]), headers, body)

    async def ended(self) -> bool:
        """Waits until the server has closed the connection."""
        return await self.reader.read() == b""


def head(headers: Headers, *, length: int | None = None, method: str = "POST", path: str = "/webhook") -> bytes:
    """The head of a request; without `length` the body is chunked."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = [f"{method} {path} HTTP/1.1", "host: x", framing, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; an empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class Listener:
    """A webhook that listens, and what stands behind it."""

    bus: MemoryBus
    webhook: Webhook
    port: int
    answered: list[tuple[int, str]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()

    async def post(self, body: bytes, headers: Headers | None = None, **changes: str) -> Reply:
        """A delivery, signed unless `headers` say otherwise."""
        headers = headers_for(body, **changes) if headers is None else headers
        async with self.connect() as connection:
            await connection.send(head(headers, length=len(body)) + body)
            return await connection.reply()


@pytest.fixture
async def listen() -> AsyncIterator[Any]:
    """Starts listeners: `await listen(limits, request_limits=..., keys=..., ready=...)`."""
    running: list[uvicorn.Server] = []

    async def start(
        limits: WebhookLimits | None = None, *, request_limits: RequestLimits | None = None, **changes: Any
    ) -> Listener:
        listening = socket.create_server(("127.0.0.1", 0))
        listener = Listener(MemoryBus(), None, listening.getsockname()[1])  # type: ignore[arg-type]
        parts = {"keys": key_ring(), "clock": SystemClock(), "limits": limits or WebhookLimits()} | changes
        told = listener.answered
        listener.webhook = Webhook(
            bus=listener.bus, answered=lambda status, outcome, _: told.append((status, outcome)), **parts
        )
        config = uvicorn.Config(
            listener.webhook,
            http=guarded_protocol(request_limits or RequestLimits()),
            lifespan="off",
            access_log=False,
            log_level="error",
        )
        running.append(await _started(config, listening))
        return listener

    yield start
    for server in running:
        server.force_exit = True
        await server.shutdown()


async def _started(config: uvicorn.Config, listening: socket.socket) -> uvicorn.Server:
    # Without the server's main loop, which takes over signals and looks every 0.1 s whether it shall end.
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    return server


@pytest.fixture
async def listener(listen: Any) -> Listener:
    """A listener with default limits that knows the repository of the test payloads."""
    return await listen()
