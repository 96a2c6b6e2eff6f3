"""What a consumer did, until it is written: rows of `pending` and `settled`, and its cursor.

Filled by `consuming` on the event loop, written by `bus` in one job for all consumers. A repetition after a crash is
harmless, so nobody waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PendingRow:
    """An event that is still to be delivered; `due` in milliseconds, None behind another of its key."""

    sequence: int
    key: str
    due: int | None
    blocking: bool
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SettledRow:
    """An event that is done, where there is something to say about it."""

    sequence: int
    dead: bool
    attempts: int
    note: str


@dataclass(slots=True)
class Ledger:
    """Entries of one consumer that are not written yet; for each event the latest counts, None takes a row away."""

    pending: dict[int, PendingRow | None] = field(default_factory=dict)
    settled: dict[int, SettledRow] = field(default_factory=dict)

    def merge_before(self, earlier: Ledger) -> None:
        """Takes back what could not be written."""
        self.pending = earlier.pending | self.pending
        self.settled = earlier.settled | self.settled


@dataclass(frozen=True, slots=True)
class Page:
    """What one consumer has to write down at one time."""

    consumer: str
    cursor: int
    ledger: Ledger


def write_pages(connection: sqlite3.Connection, pages: Sequence[Page]) -> None:
    """Writes all down."""
    for page in pages:
        name, ledger = page.consumer, page.ledger
        put_pending(connection, name, [row for row in ledger.pending.values() if row])
        gone = [(name, sequence) for sequence, row in ledger.pending.items() if row is None]
        connection.executemany("DELETE FROM pending WHERE consumer = ? AND sequence = ?", gone)
        settled = [(row.sequence, name, row.dead, row.attempts, row.note) for row in ledger.settled.values()]
        connection.executemany("INSERT OR REPLACE INTO settled VALUES (?, ?, ?, ?, ?)", settled)
        connection.execute("UPDATE consumers SET cursor = ? WHERE name = ?", (page.cursor, name))


def put_pending(connection: sqlite3.Connection, consumer: str, rows: Sequence[PendingRow]) -> None:
    """Writes rows of `pending`, over those that are there."""
    values = [(consumer, row.sequence, row.key, row.due, int(row.blocking), row.attempts, row.reason) for row in rows]
    connection.executemany("INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?, ?)", values)
