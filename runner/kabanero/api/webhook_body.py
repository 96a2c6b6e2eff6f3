"""Reading a webhook's body: never more of it than the limit, and never more of all bodies together than the budget."""

from __future__ import annotations

import asyncio
import contextlib

from kabanero.api.http import LINGER_BYTES, LINGER_SECONDS, ClientGoneError, Message, Receive


class TooLargeError(Exception):
    """The body has more bytes than the limit."""


class NoRoomError(Exception):
    """All bodies together have more bytes than the budget."""


class Budget:
    """Bytes that may be held at once."""

    def __init__(self, size: int) -> None:
        self.free = size

    def take(self, size: int) -> None:
        """Raises NoRoomError when that many are not free."""
        if size > self.free:
            raise NoRoomError
        self.free -= size

    def give_back(self, size: int) -> None:
        """Those bytes are not held any more."""
        self.free += size


class Body:
    """The body of one request. Held bytes count against the budget until `release`."""

    __slots__ = ("_budget", "_held", "_receive", "complete")

    def __init__(self, receive: Receive, budget: Budget) -> None:
        self._receive = receive
        self._budget = budget
        self._held = 0
        self.complete = False

    async def read(self, declared: int, limit: int) -> bytes:
        """All of it; `declared` is its Content-Length or 0. Raises TooLargeError, NoRoomError, ClientGoneError."""
        if declared > limit:
            raise TooLargeError
        chunks = []
        while not self.complete:
            chunks.append(self._take(await self._receive(), limit))
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _take(self, message: Message, limit: int) -> bytes:
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        held = self._held + len(chunk)
        if held > limit:
            raise TooLargeError
        self._budget.take(len(chunk))
        self._held = held
        self.complete = not message.get("more_body", False)
        return chunk

    def release(self) -> None:
        """Call it once the bytes are no longer needed."""
        self._budget.give_back(self._held)
        self._held = 0

    async def throw_away(self) -> None:
        """Reads the rest and forgets it, within the limits of lingering."""
        read = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self.complete and read < LINGER_BYTES:
                    message = await self._receive()
                    read += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)
