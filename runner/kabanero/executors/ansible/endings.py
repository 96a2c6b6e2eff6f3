"""Waiting for drivers: until one has ended, or one that stays has told that the job is done. Used by `executor`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager


class Endings:
    """Who waits for which job."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Event]] = {}

    def told(self, ident: str) -> None:
        """A driver has left the result of this job."""
        for ended in self._waiting.get(ident, ()):
            ended.set()

    @contextmanager
    def of(self, ident: str) -> Iterator[asyncio.Event]:
        """What is set once that is told. Begun before the driver is, nothing is missed."""
        ended = asyncio.Event()
        self._waiting.setdefault(ident, []).append(ended)
        try:
            yield ended
        finally:
            self._waiting[ident].remove(ended)
            if not self._waiting[ident]:
                del self._waiting[ident]


async def gone(pid: int, ended: asyncio.Event) -> None:
    """Returns when the process has ended, or `ended` is set."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
