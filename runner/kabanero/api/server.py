"""Serves ASGI applications with uvicorn inside the runner's own event loop, on one or several addresses.

API and webhook may have an address each, so that only the webhook need face the internet; or one address serves both,
then `PathRouter` tells them apart. Wired by `app`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from kabanero.api.accepting import Acceptor
from kabanero.api.certificate import CertificateFiles
from kabanero.api.http import AsgiApp, Receive, Replies, Scope, Send, error_response
from kabanero.api.status import no_such_path
from kabanero.api.webhook_connection import RequestLimits, guarded_protocol
from kabanero.model.errors import AddressError, InvalidError, Problem

log = logging.getLogger(__name__)
BACKLOG = 2048
# How often the Date header is made anew, and how often a closing server looks whether all is answered.
DATE_SECONDS = 1.0
LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of every connection. `request`: while a request is being received.

    `keep_alive`: idle seconds between two requests. `connections`: at the same time, further ones are answered 503; 0
    for no limit. `shutdown`: seconds that requests may go on when the server closes.
    """

    request: RequestLimits = field(default_factory=RequestLimits)
    keep_alive: int = 75
    connections: int = 0
    shutdown: int = 5


class PathRouter:
    """Hands each request to the application whose prefix its path begins with; the first that fits.

    On the way of every webhook: no more than a few comparisons.
    """

    def __init__(self, routes: Mapping[str, AsgiApp], otherwise: AsgiApp | None = None) -> None:
        self._routes = tuple(routes.items())
        self._otherwise = otherwise or _nothing_here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path: str = scope["path"]
        for prefix, app in self._routes:
            if path.startswith(prefix):
                return await app(scope, receive, send)
        return await self._otherwise(scope, receive, send)


async def _nothing_here(_: Scope, receive: Receive, send: Send) -> None:
    await Replies().send(error_response(no_such_path()), receive, send)


@dataclass(frozen=True, slots=True)
class Listener:
    """One address (`HOST:PORT`, port 0 picks a free one) and what is served there.

    With `certificate` and `private_key` (PEM files) it speaks TLS only. With `own` instead it speaks both: plain HTTP,
    and TLS to those who begin with it.
    """

    address: str
    app: AsgiApp
    certificate: Path | None = None
    private_key: Path | None = None
    own: CertificateFiles | None = None

    @property
    def scheme(self) -> str:
        """http or https."""
        return "https" if self.certificate else "http"

    def context(self) -> ssl.SSLContext | None:
        """TLS beside plain HTTP."""
        if self.own is None or self.certificate is not None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.own.certificate, self.own.private_key)
        return context


_NOT_OURS = "it is no address of this machine (127.0.0.1 is this machine alone, 0.0.0.0 all its addresses)"
_REFUSED = {
    errno.EADDRINUSE: "another program listens there (stop it, or choose another port; port 0 picks a free one)",
    errno.EACCES: "only root may use that port (choose one above 1023)",
    errno.EADDRNOTAVAIL: _NOT_OURS,
}


class HttpServer:
    """Several listeners in the running loop. `start`, then `close`; `urls` stand in the order of the listeners."""

    def __init__(self, listeners: Sequence[Listener], limits: ServerLimits = ServerLimits()) -> None:
        self._listeners = listeners
        self._limits = limits
        self._servers: list[_Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.urls: list[str] = []

    async def start(self) -> None:
        """Listens on all addresses. Raises InvalidError, AddressError where one can't be used; then none is."""
        sockets: list[socket.socket] = []
        try:
            for listener in self._listeners:
                sockets.append(bind(listener.address))
            for listener, bound in zip(self._listeners, sockets, strict=True):
                await self._serve(listener, bound)
        except BaseException:
            await self.close()
            for bound in sockets:
                bound.close()
            raise

    async def _serve(self, listener: Listener, bound: socket.socket) -> None:
        server = _Server(self._config(listener), listener.context(), self._limits.request.seconds)
        self._servers.append(server)
        self._tasks.append(asyncio.create_task(server.serve(sockets=[bound])))
        await server.listening.wait()
        self.urls.append(f"{listener.scheme}://{_shown(bound)}")

    def _config(self, listener: Listener) -> uvicorn.Config:
        config = uvicorn.Config(
            listener.app,
            http=guarded_protocol(self._limits.request),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            limit_concurrency=self._limits.connections or None,
            timeout_keep_alive=self._limits.keep_alive,
            timeout_graceful_shutdown=self._limits.shutdown,
            ssl_certfile=listener.certificate,
            ssl_keyfile=listener.private_key,
        )
        try:
            config.load()
        except OSError as error:
            reason = f"certificate or private key can't be used: {error}"
            raise InvalidError(f"listener {listener.address}", [Problem("certificate", reason)]) from error
        return config

    async def close(self) -> None:
        """Takes no more connections, lets requests end (at most `limits.shutdown` seconds), then returns.

        Streams are not waited for: end them first (`Replies.end_streams`).
        """
        for server in self._servers:
            server.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._servers.clear()
        self._tasks.clear()


class _Server(uvicorn.Server):
    """uvicorn's server in a program that has its own signal handling; with a context it speaks TLS as well."""

    def __init__(self, config: uvicorn.Config, context: ssl.SSLContext | None, patience: float) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._context = context
        self._patience = patience
        self._acceptors: list[Acceptor] = []
        self._stopping = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._context is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            for listening in sockets or ():
                self._acceptors.append(Acceptor(listening, self._protocol, self._context, self._patience))
                self._acceptors[-1].start(BACKLOG)
        self.listening.set()

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state={})

    def stop(self) -> None:
        """Makes `serve` end."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        # uvicorn's own looks ten times a second whether it shall end.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), DATE_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            await acceptor.close()
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_answered(), self.config.timeout_graceful_shutdown)
        for task in self.server_state.tasks:
            task.cancel()

    async def _all_answered(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 uvicorn tells nobody
            await asyncio.sleep(LOOK_SECONDS)


def bind(address: str) -> socket.socket:
    """A socket bound to `HOST:PORT` or `[IPv6]:PORT`. Raises InvalidError, AddressError."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        reason = _REFUSED.get(error.errno or 0) or (_NOT_OURS if isinstance(error, socket.gaierror) else str(error))
        raise AddressError(f"can't listen at {address}: {reason}") from error
    bound.setblocking(False)
    return bound


def split_address(address: str) -> tuple[str, int]:
    """Host and port. Raises InvalidError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidError(
            f"address {address!r}", [Problem("listen", "is not HOST:PORT", "for example 127.0.0.1:8080")]
        )
    return host.strip("[]") or "0.0.0.0", int(port)


def _shown(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
