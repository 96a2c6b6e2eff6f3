"""The one thread that writes: it takes whatever waits and commits it as one transaction (group commit).

A commit costs one flush to the disk, so under load hundreds of writes share it; alone, a write waits for nobody.
Answers go back to the event loop with one wake-up per commit. Used through `database.Database`.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from kabanero.sqlite.trouble import is_outage

log = logging.getLogger(__name__)
MAX_BATCH = 512
T = TypeVar("T")


class Job(Generic[T]):
    """One write that waits to be carried out; its future is settled on the event loop once it is durable."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], T], future: asyncio.Future[T]) -> None:
        self.work, self.future = work, future
        self.result: T | None = None
        self.error: Exception | None = None


AnyJob = Job[Any]
CarryOut = Callable[[sqlite3.Connection, Sequence[AnyJob]], None]
Committed = Callable[[Sequence[AnyJob]], None]


def one_by_one(connection: sqlite3.Connection, jobs: Sequence[AnyJob]) -> None:
    """Carries jobs out so that one that fails leaves no trace and takes no other down. Raises outages only."""
    for job in jobs:
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and is_outage(error):
                raise
            job.error = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")


class Writer:
    """Owns the writing connection and its thread.

    `carry_out` does the work of a batch inside the open transaction; `committed` is called on the event loop with each
    batch that has become durable, before its futures are settled.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        unavailable: Callable[[sqlite3.Error], Exception],
        carry_out: CarryOut,
        committed: Committed,
    ) -> None:
        self._connect, self._unavailable = connect, unavailable
        self._carry_out, self._committed = carry_out, committed
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[AnyJob | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, job: AnyJob) -> None:
        """Queues a job; from the event loop's thread."""
        self._queue.put(job)

    async def close(self) -> None:
        """Carries out what is queued, then ends the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while batch := self._next():
            self._commit(batch)
        if self._connection is not None:
            self._connection.close()

    def _next(self) -> list[AnyJob]:
        """Whatever waits; empty at the end."""
        batch: list[AnyJob] = []
        job = self._queue.get()
        while job is not None:
            batch.append(job)
            if len(batch) >= MAX_BATCH:
                return batch
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._queue.put(None)
        return batch

    def _commit(self, batch: list[AnyJob]) -> None:
        try:
            self._transact(batch)
        except sqlite3.Error as error:
            self._fail(batch, error)
        except Exception as error:
            log.exception("A batch of %d writes failed", len(batch))
            self._fail(batch, error)
        else:
            self._hand_over(self._succeed, batch)

    def _transact(self, batch: list[AnyJob]) -> None:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute("BEGIN IMMEDIATE")
        self._carry_out(self._connection, batch)
        self._connection.execute("COMMIT")

    def _fail(self, batch: list[AnyJob], error: Exception) -> None:
        self._roll_back()
        for job in batch:
            job.error = self._unavailable(error) if isinstance(error, sqlite3.Error) else error
        self._hand_over(_settle, batch)

    def _roll_back(self) -> None:
        """Leaves a connection that works; one that can't even roll back is given up for a new one."""
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._connection.close()
            self._connection = None

    def _hand_over(self, callback: Callable[[list[AnyJob]], None], batch: list[AnyJob]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, batch)
        except RuntimeError:
            log.warning("The event loop ended before %d answers could be given", len(batch))

    def _succeed(self, batch: list[AnyJob]) -> None:
        try:
            self._committed(batch)
        finally:
            _settle(batch)


def _settle(batch: list[AnyJob]) -> None:
    for job in batch:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
