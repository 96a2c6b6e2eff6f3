"""The lines of a watch as they come, ended by either side. Made by `client`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson


class Stream:
    """JSON values, one a line, of any length."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def values(self) -> AsyncIterator[dict[str, Any]]:
        """Until the server ends it, the line breaks, no JSON or nothing for too long comes, or `end` is called."""
        rest = b""
        try:
            async for chunk in self._response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line:
                        yield orjson.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError):
            return

    def end(self) -> None:
        """No more is wanted; may be called by another task than the one that reads."""
        self._response.close()
