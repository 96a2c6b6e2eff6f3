"""Reads on threads of their own, each read on one consistent state of the database.

Readers never wait for the writer (WAL). Threads and connections are made when they are first needed. Used through
`database.Database`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Readers:
    """A few reading connections, each used by one read at a time."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        unavailable: Callable[[sqlite3.Error], Exception],
        threads: int,
    ) -> None:
        self._connect, self._unavailable = connect, unavailable
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sqlite-reader")
        self._idle: list[sqlite3.Connection] = []

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of one state of the database."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._call, work)

    def _call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._idle.pop() if self._idle else self._connect()
            try:
                return self._read(connection, work)
            finally:
                self._idle.append(connection)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    @staticmethod
    def _read(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.execute("ROLLBACK")

    async def close(self) -> None:
        """Waits for reads under way, then closes the connections."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()
