"""Stands between a runner and the API server: strikes at a chosen write, cuts the line, or holds watches back."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

WRITES = ("POST", "PUT", "PATCH", "DELETE")
Struck = Callable[[], None]


def never() -> None:
    """Nothing is struck."""


class ApiProxy:
    """Plain HTTP in, the API server's TLS out; in a thread of its own.

    Writes are counted since `arm`, but for leases and core Events, which come by the clock and carry no state.
    """

    def __init__(self, kubeconfig: Path, copy: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._server, self._ca = cluster.pop("server"), cluster.pop("certificate-authority")
        self._config, self.kubeconfig = config, copy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._begun, self._last, self._strike, self._first = 0, 0, never, False
        self._whole, self._watching = asyncio.Event(), asyncio.Event()
        self._whole.set()
        self._watching.set()
        self._watches: dict[int, web.Request] = {}
        self.writes: list[str] = []

    def start(self) -> Path:
        """Serves; the kubeconfig that leads here."""
        self._thread.start()
        port = self._do(self._start())
        self._config["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{port}"
        self.kubeconfig.write_text(yaml.safe_dump(self._config))
        return self.kubeconfig

    def stop(self) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    # --- faults ---

    def arm(self, last: int, strike: Struck = never, *, first: bool = False) -> None:
        """Strikes when the `last` write from now on was carried out and is not answered yet; 0: never.

        `first`: instead of carrying it out.
        """
        self.writes, self._begun, self._last, self._strike, self._first = [], 0, last, strike, first

    def cut(self) -> None:
        """From now on nothing comes through in either direction, as if the line were cut: no answer, no end."""
        self._do(_call(self._whole.clear))

    def mend(self) -> None:
        """What waits in the line comes through; requests whose sender has given up don't."""
        self._do(_call(self._whole.set))

    def hold_watches(self) -> None:
        """Breaks all watches off, and lets no other begin."""
        self._do(_call(self._hold_watches))

    def let_watches_go(self) -> None:
        """Watches that wait begin now, from where they asked to."""
        self._do(_call(self._watching.set))

    def _hold_watches(self) -> None:
        self._watching.clear()
        for request in self._watches.values():
            _break_off(request)

    # --- passing on ---

    async def _start(self) -> int:
        tls = ssl.create_default_context(cafile=self._ca)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        application = web.Application(client_max_size=2**26)
        application.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        self._whole.set()
        self._watching.set()
        await self._session.close()
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if _is_watch(request):
            await self._watching.wait()
        await self._whole.wait()
        if self._strikes_first(request):
            return _broken_off(request)
        self._watches.update({id(request): request} if _is_watch(request) else {})
        try:
            return await self._answered(request, body)
        except aiohttp.ClientError:  # The API server is away.
            return _broken_off(request)
        finally:
            self._watches.pop(id(request), None)

    async def _answered(self, request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")}
        url = self._server + request.raw_path
        async with self._session.request(request.method, url, headers=headers, data=body or None) as answer:
            if _counts(request) and answer.status < 300:
                self.writes.append(_named(request))
                if len(self.writes) == self._last and not self._first:
                    self._strike()
                    return _broken_off(request)
            response = web.StreamResponse(status=answer.status)
            with contextlib.suppress(ConnectionError):  # The runner is gone.
                await self._streamed(request, answer, response)
            return response

    def _strikes_first(self, request: web.Request) -> bool:
        self._begun += _counts(request)
        if not self._first or not _counts(request) or self._begun != self._last:
            return False
        self.writes.append(_named(request))
        self._strike()
        return True

    async def _streamed(
        self, request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse
    ) -> None:
        response.content_type = answer.content_type
        if encoding := answer.headers.get("Content-Encoding"):
            response.headers["Content-Encoding"] = encoding
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await self._whole.wait()
            await response.write(chunk)
        await response.write_eof()


async def _call(what: Callable[[], None]) -> None:
    what()


def _is_watch(request: web.Request) -> bool:
    return request.query.get("watch") in ("1", "true")


def _break_off(request: web.Request) -> None:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()


def _broken_off(request: web.Request) -> web.Response:
    """Never arrives."""
    _break_off(request)
    return web.Response(status=502)


def _named(request: web.Request) -> str:
    return f"{request.method} {request.path.partition('/namespaces/')[2] or request.path}"


def _counts(request: web.Request) -> bool:
    return request.method in WRITES and not {"leases", "events"} & set(request.path.split("/"))
