"""One SQLite database as the adapters see it: `write` and `read` from the event loop, durable when `write` returns.

Used by `stores.sqlite` and `buses.sqlite`, each with a file, tables and an error type of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kabanero.model.errors import KabaneroError
from kabanero.sqlite.files import FileLock, InUseError, make_private
from kabanero.sqlite.migrations import TooNewError, migrate
from kabanero.sqlite.readers import Readers
from kabanero.sqlite.trouble import explain, explain_os, moved
from kabanero.sqlite.writer import AnyJob, CarryOut, Committed, Job, Writer, one_by_one

T = TypeVar("T")
_STATEMENTS = 256


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """How a database is opened.

    busy_seconds: how long a write waits for a lock that another process holds, seconds; 0 answers at once.
    cache_mib: page cache of each connection, MiB.
    reader_threads: reads that may run at the same time.
    checkpoint_pages: pages of 4 KiB in the write-ahead log after which they are moved into the database file.
        More writes faster, but every move holds up a few writes for longer.
    max_pages: size of the file at most, pages of 4 KiB; 0 means no limit but the disk's.
    """

    busy_seconds: float = 5.0
    cache_mib: int = 4
    reader_threads: int = 2
    checkpoint_pages: int = 1000
    max_pages: int = 0


def nothing_to_tell(_: Sequence[AnyJob]) -> None:
    """For adapters that need no news of commits."""


class Database:
    """An open database. Errors of SQLite come out as the adapter's `unavailable` error type."""

    def __init__(self, path: Path, settings: DatabaseSettings, unavailable: type[KabaneroError]) -> None:
        self.path, self._settings, self._unavailable = path, settings, unavailable
        self._lock: FileLock | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        package: str,
        unavailable: type[KabaneroError],
        settings: DatabaseSettings | None = None,
        carry_out: CarryOut = one_by_one,
        committed: Committed = nothing_to_tell,
    ) -> Database:
        """Makes, locks and migrates the file, whose tables are the `.sql` files of `package`. Raises `unavailable`."""
        database = cls(path, settings or DatabaseSettings(), unavailable)
        await asyncio.to_thread(database._prepare, package)
        database._writer = Writer(database._connect, database._outage, database._in_place(carry_out), committed)
        database._readers = Readers(database._connect, database._outage, database._settings.reader_threads)
        database._loop = asyncio.get_running_loop()
        return database

    _writer: Writer
    _readers: Readers
    _loop: asyncio.AbstractEventLoop

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, when what it wrote is durable. What it raises undoes its own writes only."""
        future: asyncio.Future[T] = self._loop.create_future()
        self.submit(Job(work, future))
        return await future

    def submit(self, job: AnyJob) -> None:
        """Queues a job; its future is settled when it is durable."""
        if self._closed:
            raise self._unavailable(f"{self.path} is closed")
        self._writer.submit(job)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of one consistent state, which holds all writes that have returned."""
        if self._closed:
            raise self._unavailable(f"{self.path} is closed")
        return await self._readers.run(work)

    async def close(self) -> None:
        """Writes what is queued and lets go of the file."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await self._readers.close()
        if self._lock:
            self._lock.release()

    def _prepare(self, package: str) -> None:
        try:
            make_private(self.path)
            self._lock = FileLock(self.path)
            self._migrate(package)
        except OSError as error:
            raise self._refused(explain_os(error, self.path)) from error
        except sqlite3.Error as error:
            raise self._refused(explain(error, self.path)) from error
        except (InUseError, TooNewError) as error:
            raise self._refused(str(error)) from error

    def _refused(self, reason: str) -> KabaneroError:
        if self._lock:
            self._lock.release()
        return self._unavailable(reason)

    def _migrate(self, package: str) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            migrate(connection, package, self.path)

    def _in_place(self, carry_out: CarryOut) -> CarryOut:
        """Refuses writes to a file that is no longer there under its name: its next reader would not see them."""
        opened = self._identity()

        def checked(connection: sqlite3.Connection, jobs: Sequence[AnyJob]) -> None:
            if self._identity() != opened:
                raise moved()
            carry_out(connection, jobs)

        return checked

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self.path)  # noqa: PTH116 (once per commit: Path.stat costs three times as much)
        except OSError:
            return (0, 0)
        return found.st_dev, found.st_ino

    def _connect(self) -> sqlite3.Connection:
        settings = self._settings
        connection = sqlite3.connect(
            self.path,
            timeout=settings.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{settings.cache_mib * 1024}")
        connection.execute(f"PRAGMA wal_autocheckpoint={settings.checkpoint_pages}")
        connection.execute("PRAGMA journal_size_limit=67108864")
        if settings.max_pages:
            connection.execute(f"PRAGMA max_page_count={settings.max_pages}")
        return connection

    def _outage(self, error: sqlite3.Error) -> KabaneroError:
        return self._unavailable(explain(error, self.path))
