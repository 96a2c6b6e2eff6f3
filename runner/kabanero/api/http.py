"""HTTP in ASGI's terms: a request with a bounded body, an answer, a stream that ends when its reader goes.

No web framework: what the API server and the webhook need fits here, and every request passes through it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson

from kabanero.api import protobuf
from kabanero.api.status import ApiError, bad_request, failure, unsupported_media

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
MAX_QUERY_FIELDS = 100
LINGER_SECONDS = 2.0
"""How long a client that was refused may go on sending, so that it reads the answer instead of a reset connection."""
LINGER_BYTES = 64 * 1024 * 1024
"""How much of it is thrown away in that time."""
# curl sends its default type, and some clients none, with what is JSON all the same.
_JSON_BODIES = ("", "application/json", "application/octet-stream", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much a client may send: `size` in bytes. How slowly it may come is the connection's affair."""

    size: int = 3 * 1024 * 1024


class Request:
    """One HTTP request. The body stays unread until `body` is awaited."""

    def __init__(self, scope: Scope, receive: Receive, limits: BodyLimits = BodyLimits()) -> None:
        self.scope = scope
        self.receive = receive
        self.limits = limits
        self.method: str = scope["method"]
        self.path: str = scope["path"]

    @cached_property
    def query(self) -> dict[str, str]:
        """Query parameters; of one that is repeated the first counts, as in Go. Raises ApiError when too many."""
        try:
            pairs = parse_qsl(
                self.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS
            )
        except ValueError as error:
            raise bad_request(f"the query can't be read: {error}") from error
        return dict(reversed(pairs))

    def flag(self, name: str) -> bool:
        """A boolean parameter: absent, empty, `0` and `false` are false."""
        return self.query.get(name, "").lower() not in ("", "0", "false", "f")

    def header(self, name: bytes) -> str:
        """The first header of this (lower-case) name, or empty."""
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value.decode("latin-1"))
        return ""

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.header(b"content-type").partition(";")[0].strip().lower()

    async def body(self) -> bytes:
        """The whole body. Raises ApiError 413 when it is too large."""
        length = self.header(b"content-length")
        if length.isdigit() and int(length) > self.limits.size:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            size += len(message.get("body", b""))
            if size > self.limits.size:
                raise self._too_large()
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _too_large(self) -> ApiError:
        text = f"Request entity too large: limit is {self.limits.size} bytes"
        return failure(413, "RequestEntityTooLarge", text, headers=CLOSE)

    async def json(self) -> Any:
        """The body as JSON. Raises ApiError 400 when it isn't, 415 when it is of another type."""
        return self.parse(await self.body())

    def parse(self, body: bytes) -> Any:
        """The value that a body of this request's content type stands for. Raises ApiError 400, 415."""
        if self.header(b"content-encoding") not in ("", "identity"):
            raise unsupported_media("the body must not be compressed")
        if self.content_type == protobuf.CONTENT_TYPE:
            return protobuf.decode(body)
        if self.content_type not in _JSON_BODIES and not self.content_type.endswith("+json"):
            raise unsupported_media(f"the body must be application/json, not {self.content_type[:80]}")
        return parse_json(body)


CLOSE: Headers = ((b"connection", b"close"),)


class ClientGoneError(Exception):
    """The client went away before its request was complete: there is nobody to answer."""


def parse_json(body: bytes) -> Any:
    """JSON, or ApiError 400 with the place of the mistake."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that is complete."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that comes in pieces until `chunks` ends or the client goes."""

    chunks: AsyncIterator[bytes]
    content_type: bytes = JSON
    headers: Headers = ()
    status: int = 200


Reply = Response | Stream


def json_response(value: Any, status: int = 200, headers: Headers = (), content_type: bytes = JSON) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, content_type, headers)


def text_response(text: str, status: int = 200, content_type: bytes = TEXT) -> Response:
    """A plain answer."""
    return Response(text.encode(), status, content_type)


def error_response(error: ApiError) -> Response:
    """The Status object that tells of an error."""
    return json_response(error.status(), error.code, error.headers)


@dataclass(slots=True)
class Replies:
    """Sends answers, and knows the streams that are open so that a shutdown can end them."""

    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def open_streams(self) -> int:
        """Streams that somebody reads now."""
        return len(self._open)

    async def send(self, reply: Reply, receive: Receive, send: Send) -> None:
        """Sends one answer; returns when it is sent or nobody reads it any more."""
        if isinstance(reply, Response):
            await _send_response(reply, receive, send)
        else:
            await self._send_stream(reply, receive, send)

    async def _send_stream(self, stream: Stream, receive: Receive, send: Send) -> None:
        await send(_start(stream.status, stream.content_type, stream.headers))
        pump = asyncio.create_task(_pump(stream.chunks, send))
        gone = asyncio.create_task(_until_gone(receive))
        self._open.add(pump)
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(pump, gone)
            self._open.discard(pump)
        if not pump.cancelled() and (error := pump.exception()):
            raise error
        await send({"type": "http.response.body", "body": b""})

    def end_streams(self) -> None:
        """Ends every open stream in an orderly way: clients see the end of the answer and come again."""
        for pump in self._open:
            pump.cancel()


async def _send_response(reply: Response, receive: Receive, send: Send) -> None:
    length = (b"content-length", b"%d" % len(reply.body))
    await send(_start(reply.status, reply.content_type, (length, *reply.headers)))
    if CLOSE[0] in reply.headers:
        # Closing while the client still sends would reset the connection and lose the answer.
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
        await _throw_away(receive)
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": reply.body})


async def _throw_away(receive: Receive) -> None:
    """Reads what a client that was refused goes on sending, within limits."""
    read, more = 0, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while more and read < LINGER_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                more = message.get("more_body", False)


def _start(status: int, content_type: bytes, headers: Headers) -> Message:
    fields = [(b"content-type", content_type), (b"cache-control", b"no-cache, private"), *headers]
    return {"type": "http.response.start", "status": status, "headers": fields}


async def _pump(chunks: AsyncIterator[bytes], send: Send) -> None:
    try:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        if (close := getattr(chunks, "aclose", None)) is not None:
            await close()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
