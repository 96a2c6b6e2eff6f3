"""One port for HTTP and HTTPS: looks at the first byte of each connection before anything reads it.

kubectl sends no token over plain HTTP, while scripts, health checks and a proxy in front want it plain. So the API's
own address speaks both. Used by `server` where a listener has a certificate of the runner's own beside no given one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

log = logging.getLogger(__name__)
TLS_HANDSHAKE = b"\x16"
# When the machine is out of file descriptors accepting fails at once, again and again.
PAUSE_SECONDS = 0.5
Factory = Callable[[], asyncio.Protocol]


class Acceptor:
    """Accepts connections of one listening socket and hands them, plain or within TLS, to protocols of `factory`.

    A client that sends nothing for `patience` seconds is dropped.
    """

    def __init__(self, listening: socket.socket, factory: Factory, context: ssl.SSLContext, patience: float) -> None:
        self._listening = listening
        self._factory = factory
        self._context = context
        self._patience = patience or None
        self._beginning: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def start(self, backlog: int) -> None:
        """Begins to accept."""
        self._listening.listen(backlog)
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Accepts no more; what has begun goes on."""
        tasks = [*self._beginning, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listening.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:
                log.warning("Can't accept connections: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            task = asyncio.create_task(self._begin(connection))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begin(self, connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(self._patience):
                first = await _first_byte(connection)
            context = self._context if first == TLS_HANDSHAKE else None
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(self._factory, connection, ssl=context)
        except (OSError, TimeoutError, asyncio.CancelledError):
            # A broken handshake is the client's affair; uvicorn's own listeners drop it just as quietly.
            connection.close()


async def _first_byte(connection: socket.socket) -> bytes:
    """The first byte, which stays in the socket; empty when the client has gone."""
    connection.setblocking(False)
    while True:
        with contextlib.suppress(BlockingIOError):
            return connection.recv(1, socket.MSG_PEEK)
        await _readable(connection)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    number = connection.fileno()
    loop.add_reader(number, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(number)
