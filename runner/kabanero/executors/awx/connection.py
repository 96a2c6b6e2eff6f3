"""One AWX over HTTP: bounded requests, its login, pauses that it asks for, and tries until it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson

from kabanero.executors.awx.answers import AwayError, RefusedError, spoken, wait_of
from kabanero.executors.awx.login import Login
from kabanero.executors.awx.renewing import Secrets
from kabanero.executors.awx.settings import AwxSettings
from kabanero.executors.awx.tls import trust, untrusted
from kabanero.model.errors import JobRefusedError
from kabanero.ports import Clock, JobPlace

LARGEST = 64 * 1024 * 1024
"""Bytes of one answer: 200 jobs with their variables."""
GATEWAY_LOST = (502, 504)
"""Answers of a proxy that has lost the request, which may go on behind it."""
Tell = Callable[[str], None]


class Connection:
    """Shared by all jobs at one AWX. Made for the first of them, closed with the runner."""

    def __init__(self, place: JobPlace, secrets: Secrets, clock: Clock, settings: AwxSettings) -> None:
        self.place, self._clock, self._settings = place, clock, settings
        self._login = Login(place, secrets, self._once, self._form)
        self._slots = asyncio.Semaphore(settings.parallel)
        self._paused: datetime | None = None
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self, path: str, tell: Tell, query: Mapping[str, Any] | None = None, *, login_patience: float | None = None
    ) -> Any:
        """Asks until there is an answer. Raises RefusedError, and JobRefusedError past the patience with a login."""
        pause, until = self._settings.retry, None
        while True:
            try:
                return await self.request("GET", path, query=query)
            except AwayError as error:
                tell(str(error))
                if error.reason and login_patience is not None:
                    until = until or self._clock.now() + timedelta(seconds=login_patience)
                    if self._clock.now() >= until:
                        raise JobRefusedError(error.reason, str(error)) from None
                seconds = error.seconds
            except JobRefusedError as error:
                if login_patience is not None:
                    raise
                tell(str(error))  # A job goes on, whatever became of the Secret; somebody will put it back.
                seconds = 0
            await self._clock.sleep(max(pause, seconds))
            pause = min(pause * 2, self._settings.retry_most)

    async def request(self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None) -> Any:
        """One try, or two when the login had to be renewed. Raises AwayError, RefusedError and JobRefusedError."""
        await self._unpaused()
        header = await self._header("")
        try:
            return await self._once(method, path, header, body, query)
        except RefusedError as error:
            if error.status != 401:
                raise
        header = await self._header(header)
        try:
            return await self._once(method, path, header, body, query)
        except RefusedError as error:
            if error.status != 401:
                raise
            raise self._not_let_in(error) from None

    async def close(self) -> None:
        """Gives back a token that was made for us."""
        await self._login.close()
        if self._session:
            await self._session.close()

    async def _header(self, refused: str) -> str:
        try:
            return await self._login.header(refused)
        except RefusedError as error:
            raise self._not_let_in(error) from None

    def _not_let_in(self, error: RefusedError) -> AwayError:
        secret = f"Secret {self.place.namespace}/{self.place.secret}"
        return AwayError(f"{self.place.url} does not let us in with {secret}: {error}", reason="LoginRefused")

    async def _unpaused(self) -> None:
        while self._paused and self._paused > self._clock.now():
            await self._clock.sleep((self._paused - self._clock.now()).total_seconds())

    async def _once(
        self, method: str, path: str, authorization: str, body: Any, query: Mapping[str, Any] | None = None
    ) -> Any:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        data = orjson.dumps(body, default=str) if body is not None else None
        return await self._sent(method, f"{self.place.api_path}/{path}", headers, data, query)

    async def _form(self, path: str, authorization: str, fields: Mapping[str, str]) -> Any:
        """A POST as OAuth2 wants it; `path` is from the root on."""
        headers = {"Authorization": authorization} if authorization else {}
        return await self._sent("POST", path, headers, dict(fields))

    async def _sent(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        data: bytes | dict[str, str] | None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        url = f"{self.place.url.rstrip('/')}{path}"
        headers = {"Accept": "application/json", **headers}
        async with self._slots:
            try:
                async with self._opened().request(
                    method, url, data=data, headers=headers, params=query, allow_redirects=False
                ) as answer:
                    return self._judged(answer.status, answer.headers, await _read(answer))
            except aiohttp.ClientConnectorCertificateError as error:
                raise AwayError(untrusted(self.place, error.certificate_error), reason="CertificateRefused") from error
            except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError) as error:
                sent = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
                raise self._unreachable(error, sent) from error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._unreachable(error, True) from error

    def _unreachable(self, error: Exception, sent: bool) -> AwayError:
        said = str(error) or type(error).__name__
        return AwayError(f"{self.place.url} can't be reached: {said}", sent=sent)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._settings.request_seconds)
            connector = aiohttp.TCPConnector(limit=self._settings.parallel, ssl=trust(self.place))
            self._session = aiohttp.ClientSession(
                timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def _judged(self, status: int, headers: Mapping[str, str], body: Any) -> Any:
        if status < 300:
            return body
        said = f"{self.place.url} says: {spoken(status, body)}"
        seconds = wait_of(headers.get("Retry-After", ""), self._clock.now())
        if status == 429 or (status == 503 and seconds):
            self._paused = self._clock.now() + timedelta(seconds=seconds or self._settings.retry)
            raise AwayError(said, seconds=seconds)
        if status >= 500:
            raise AwayError(said, sent=True, answered=status not in GATEWAY_LOST)
        if status < 400:
            raise RefusedError(
                status, f"{said}, to {headers.get('Location', '?')}; write that address into connection.url"
            )
        raise RefusedError(status, said)


async def _read(answer: aiohttp.ClientResponse) -> Any:
    body = await answer.content.read(LARGEST + 1) if answer.content_length != 0 else b""
    while not answer.content.at_eof() and len(body) <= LARGEST:
        body += await answer.content.read(LARGEST + 1 - len(body))
    if len(body) > LARGEST:
        raise RefusedError(answer.status, f"{answer.url.path} answers more than {LARGEST} bytes")
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if answer.status < 300:
            raise RefusedError(answer.status, f"{answer.url.path} answers no JSON: is this an AWX?") from None
        return None
