"""Connections of a public listener: a request that never ends, in time or in the size of its head, keeps none open.

uvicorn bounds neither with httptools. `guarded_protocol` makes a protocol class that does, for `uvicorn.Config(http=)`.
All connections share one timer: a timer for each request would cost more than the parts of its work that we measure.
"""

from __future__ import annotations

import asyncio
from asyncio import Transport
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from kabanero.api.webhook_answers import Answer, head_too_large, too_slow


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How long a request may take to come, and how large its head may be. 0 is no limit."""

    seconds: float = 10.0
    """Longest time from the connection, or from the request's first byte, to the end of its body, in seconds."""

    head: int = 64 * 1024
    """Most bytes of request line and headers."""


def guarded_protocol(limits: RequestLimits = RequestLimits()) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn with these limits."""
    return type("Guarded", (GuardedProtocol,), {"guard": Guard(limits)})


class Guard:
    """Knows the connections of one listener and looks after them a few times within the limit.

    It compares what each connection receives with what it received before, so that requests pass untouched.
    """

    def __init__(self, limits: RequestLimits) -> None:
        self.limits = limits
        self._seen: dict[GuardedProtocol, tuple[object, float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, connection: GuardedProtocol) -> None:
        """A connection was made; its first request is expected."""
        self._seen[connection] = (None, connection.loop.time())
        if self.limits.seconds and self._timer is None:
            self._look_later(connection.loop)

    def leave(self, connection: GuardedProtocol) -> None:
        """It is gone."""
        self._seen.pop(connection, None)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(min(1.0, self.limits.seconds / 4), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for connection, (before, since) in list(self._seen.items()):
            receiving = connection.receiving()
            if receiving is not before or receiving is connection.NOTHING:
                self._seen[connection] = (receiving, now)
            elif now - since >= self.limits.seconds:
                connection.refuse(too_slow(self.limits.seconds))
        if self._seen:
            self._look_later(loop)


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol under guard."""

    NOTHING = object()
    guard: Guard
    _head = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """The time of the first request begins with the connection."""
        super().connection_made(transport)
        self.guard.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to guard."""
        self.guard.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what came of a head that is not complete."""
        HttpToolsProtocol.data_received(self, data)
        if self._in_head():
            self._head += len(data)
            if 0 < self.guard.limits.head < self._head:
                self.refuse(head_too_large(self.guard.limits.head))
        else:
            self._head = 0

    def receiving(self) -> object:
        """Stands for the request that is being received: None before the first, NOTHING between requests."""
        if self._in_head() or (self.cycle.more_body and not self.cycle.response_complete):
            return self.scope
        return self.NOTHING

    def _in_head(self) -> bool:
        # uvicorn makes the scope with a request's first byte, and the cycle when its head is complete.
        return self.cycle is None or self.cycle.scope is not self.scope

    def refuse(self, answer: Answer) -> None:
        """Ends the connection, with an answer unless one is under way."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            head = b"".join(b"%b: %b\r\n" % header for header in answer.all_headers(close=True))
            self.transport.write(STATUS_LINE[answer.status] + head + b"\r\n" + answer.body)
        self.transport.close()
