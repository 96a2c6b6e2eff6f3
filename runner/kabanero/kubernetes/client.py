"""Requests to the API server over one pool of connections: paced, counted, with our credentials, errors as ours.

Deals in plain JSON, as the ports do. Used by the store and by whatever else lives on the API server; one `Client` per
runner, so that the limits hold for all of it together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
from yarl import URL

from kabanero import __version__
from kabanero.kubernetes.answers import error_of, retry_after, status_of
from kabanero.kubernetes.login import Login
from kabanero.kubernetes.pace import Pace
from kabanero.kubernetes.requests import METHODS, Request, RequestCount
from kabanero.kubernetes.settings import ClientSettings
from kabanero.kubernetes.streaming import Stream
from kabanero.model.errors import StoreUnavailableError
from kabanero.ports import Clock

RENEWAL_PAUSE = timedelta(seconds=5)
HEADERS = {"Accept": "application/json", "User-Agent": f"kabanero/{__version__}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    code: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Tries:
    """What is left to try for one request."""

    waits: int
    renewals: int = 1


async def _read(response: aiohttp.ClientResponse) -> Answer:
    return Answer(response.status, await response.read(), response.headers)


class Client:
    """The API server, as one user."""

    def __init__(self, clock: Clock, settings: ClientSettings) -> None:
        self._clock, self._settings = clock, settings
        self._pace = Pace(clock, settings.qps, settings.burst)
        self._login = Login(settings)
        self._room = asyncio.Semaphore(settings.parallel)
        self._renewal, self._renewed = asyncio.Lock(), clock.now() - RENEWAL_PAUSE
        self.requests = RequestCount()

    _session: aiohttp.ClientSession

    @classmethod
    async def open(cls, clock: Clock, settings: ClientSettings | None = None) -> Client:
        """Reads the credentials; the server need not be there yet. Raises InvalidError."""
        client = cls(clock, settings or ClientSettings())
        await client._login.load()
        connector = aiohttp.TCPConnector(limit=0)
        client._session = aiohttp.ClientSession(connector=connector, headers=HEADERS, trust_env=True)
        return client

    @property
    def server(self) -> str:
        """Base URL of the API server."""
        return self._login.way.server

    async def close(self) -> None:
        """Gives up all connections."""
        await self._session.close()

    async def call(self, request: Request, body: Any = None) -> dict[str, Any]:
        """The answer to one request, decoded. What the server puts off is sent again after the time that it names.

        Raises the errors of `answers`; StoreUnavailableError when no answer came, and then nobody knows whether a write
        was carried out.
        """
        data = orjson.dumps(body) if body is not None else None
        answer = await self._answer(request, data)
        try:
            return orjson.loads(answer)  # type: ignore[no-any-return]
        except orjson.JSONDecodeError as error:
            told = f"{request}: {self._login.way.server} answered what is no JSON; is there a proxy between?"
            raise StoreUnavailableError(told) from error

    async def text(self, request: Request) -> str:
        """The answer to one request that is no JSON, such as a log. Raises as `call` does."""
        return (await self._answer(request, None)).decode(errors="replace")

    async def _answer(self, request: Request, data: bytes | None) -> bytes:
        tries = _Tries(self._settings.retries)
        while True:
            answer = await self._send(request, data)
            if answer.code < 300:
                return answer.body
            await self._prepare_again(request, answer, tries)

    async def _send(self, request: Request, data: bytes | None) -> Answer:
        timeout = aiohttp.ClientTimeout(self._settings.request_seconds, sock_connect=self._settings.connect_seconds)
        async with self._answered(request, data, timeout, self._room) as response:
            return await _read(response)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        """The lines of a watch. Raises as `call` does, at the start."""
        timeout = aiohttp.ClientTimeout(
            sock_connect=self._settings.connect_seconds, sock_read=self._settings.silence_seconds or None
        )
        tries = _Tries(self._settings.retries)
        while True:
            async with self._answered(request, None, timeout) as response:
                if response.status == 200:
                    yield Stream(response)
                    return
                answer = await _read(response)
            await self._prepare_again(request, answer, tries)

    async def _prepare_again(self, request: Request, answer: Answer, tries: _Tries) -> None:
        """Returns when a refused request is worth sending again; raises what the refusal means when it is not."""
        status = status_of(answer.body)
        wait = retry_after(answer.code, status, answer.headers)
        if answer.code == 401 and tries.renewals:
            tries.renewals -= 1
            await self._renew()
        elif wait is not None and tries.waits:
            tries.waits -= 1
            await self._clock.sleep(min(wait, self._settings.longest_wait_seconds))
        else:
            raise error_of(request, answer.code, status)

    @asynccontextmanager
    async def _answered(
        self,
        request: Request,
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,
        room: asyncio.Semaphore | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        path = request.path()
        await self._pace.turn()
        async with room or _NO_LIMIT:
            self.requests.add(request)
            way = self._login.way
            try:
                async with self._session.request(
                    METHODS[request.verb],
                    URL(way.server + path, encoded=True),
                    data=data,
                    headers={**self._login.headers(), "Content-Type": request.content_type},
                    ssl=way.tls or True,
                    server_hostname=way.tls_name,
                    proxy=way.proxy,
                    timeout=timeout,
                    allow_redirects=False,
                ) as response:
                    yield response
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = str(error) or type(error).__name__
                raise StoreUnavailableError(f"{request}: {way.server} can't be reached: {reason}") from error

    async def _renew(self) -> None:
        """Credentials that are not accepted are read anew, but not by every request that finds them so."""
        async with self._renewal:
            if self._clock.now() - self._renewed >= RENEWAL_PAUSE:
                await self._login.load()
                self._renewed = self._clock.now()


class _NoLimit:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


_NO_LIMIT = _NoLimit()
