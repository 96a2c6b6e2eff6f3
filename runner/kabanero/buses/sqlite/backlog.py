"""Reading what a consumer has still to do: where it stands after a start, rows that are due, the next of a key.

Called by `consuming`, on readers' connections; `enrol` in a write job.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from kabanero.buses.sqlite.events import COLUMNS, Logged, event_of
from kabanero.buses.sqlite.ledger import PendingRow
from kabanero.ports import Consumer

_PENDING = "p.sequence, p.ordering_key, p.due, p.blocking, p.attempts, p.reason"
_JOINED = f"SELECT {_PENDING}, {COLUMNS} FROM pending p JOIN events e ON e.sequence = p.sequence"
_EVENT = 6


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a consumer stands: `blocked` counts rows by ordering key, `apart` are events past the cursor with rows."""

    cursor: int
    blocked: dict[str, int]
    apart: set[int]
    next_due: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of `pending` with its event."""

    row: PendingRow
    logged: Logged


def enrol(connection: sqlite3.Connection, consumer: Consumer) -> Standing:
    """Makes a consumer known, and says where it stands. What it had in hand when it died is due at once."""
    sql = """INSERT INTO consumers VALUES (?, 0, ?, ?)
             ON CONFLICT DO UPDATE SET topics = excluded.topics, but_not = excluded.but_not"""
    connection.execute(sql, (consumer.name, _json(consumer.topics), _json(consumer.but_not)))
    _free_heads(connection, consumer.name)
    return _standing(connection, consumer.name)


def _free_heads(connection: sqlite3.Connection, name: str) -> None:
    first = "SELECT min(sequence) FROM pending WHERE consumer = ? AND blocking GROUP BY ordering_key"
    sql = f"UPDATE pending SET due = 0 WHERE consumer = ? AND due IS NULL AND sequence IN ({first})"
    connection.execute(sql, (name, name))


def _standing(connection: sqlite3.Connection, name: str) -> Standing:
    cursor = connection.execute("SELECT cursor FROM consumers WHERE name = ?", (name,)).fetchone()[0]
    blocked = "SELECT ordering_key, count(*) FROM pending WHERE consumer = ? AND blocking GROUP BY ordering_key"
    apart = """SELECT sequence FROM pending WHERE consumer = ?1 AND sequence > ?2
               UNION SELECT sequence FROM settled WHERE consumer = ?1 AND sequence > ?2"""
    return Standing(
        cursor=cursor,
        blocked=dict(connection.execute(blocked, (name,))),
        apart={row[0] for row in connection.execute(apart, (name, cursor))},
        next_due=next_due(connection, name, -1),
    )


def next_due(connection: sqlite3.Connection, name: str, after: int) -> int | None:
    """When the next row is due after a time."""
    sql = "SELECT min(due) FROM pending WHERE consumer = ? AND due > ?"
    found: int | None = connection.execute(sql, (name, after)).fetchone()[0]
    return found


def due_rows(connection: sqlite3.Connection, name: str, after: tuple[int, int], now: int, limit: int) -> list[Waiting]:
    """Rows that are due, in order of time, after one that was seen."""
    sql = f"""{_JOINED} WHERE p.consumer = ? AND p.due <= ? AND (p.due, p.sequence) > (?, ?)
              ORDER BY p.due, p.sequence LIMIT ?"""
    return [_waiting(row) for row in connection.execute(sql, (name, now, *after, limit))]


def heads_of(connection: sqlite3.Connection, name: str, keys: Sequence[str]) -> dict[str, Waiting]:
    """The first row of each ordering key."""
    sql = f"{_JOINED} WHERE p.consumer = ? AND p.ordering_key = ? AND p.blocking ORDER BY p.sequence LIMIT 1"
    rows = ((key, connection.execute(sql, (name, key)).fetchone()) for key in keys)
    return {key: _waiting(row) for key, row in rows if row}


def _waiting(row: tuple[object, ...]) -> Waiting:
    sequence, key, due, blocking, attempts, reason = row[:_EVENT]
    pending = PendingRow(
        int(str(sequence)),
        str(key),
        due if isinstance(due, int) else None,
        bool(blocking),
        int(str(attempts)),
        str(reason),
    )
    return Waiting(pending, Logged(pending.sequence, event_of(row[_EVENT:]), 0))


def _json(topics: frozenset[str]) -> str:
    return orjson.dumps(sorted(topics)).decode()
