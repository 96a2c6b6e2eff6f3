"""Finding kept events, saying what each consumer did with them, and choosing what is replayed.

Called by `bus`. `Known` is what this process knows better than the file: events that were handled out of order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from kabanero.buses.sqlite.events import COLUMNS, event_of, from_milliseconds
from kabanero.buses.sqlite.ledger import PendingRow, put_pending
from kabanero.ports import Consumer, EventQuery, Fate, Handling, StoredEvent

Known = Callable[[str, int], bool]
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A consumer as the file knows it."""

    consumer: Consumer
    cursor: int


def find(connection: sqlite3.Connection, query: EventQuery, known: Known) -> list[StoredEvent]:
    """Kept events that a query selects, newest first."""
    everyone = enrolled(connection)
    found: list[StoredEvent] = []
    for stored in _candidates(connection, query, everyone, known):
        if _is_wanted(stored, query):
            found.append(stored)
        if len(found) == query.limit:
            break
    return found


def enrolled(connection: sqlite3.Connection) -> list[Enrolled]:
    """All consumers that ever subscribed."""
    rows = connection.execute("SELECT name, cursor, topics, but_not FROM consumers ORDER BY name")
    return [
        Enrolled(Consumer(name, frozenset(orjson.loads(topics)), frozenset(orjson.loads(but_not))), cursor)
        for name, cursor, topics, but_not in rows
    ]


def replay(connection: sqlite3.Connection, found: Sequence[StoredEvent], consumer: str, now: int) -> int:
    """Makes found events due once more; how many. What is still to be delivered anyway is only brought forward."""
    return sum(_replay(connection, stored, consumer, now) for stored in found)


def _replay(connection: sqlite3.Connection, stored: StoredEvent, consumer: str, now: int) -> bool:
    again = [each for each in stored.handlings if consumer in ("", each.consumer)]
    count = sum(_deliver_again(connection, stored, handling, now) for handling in again)
    return count > 0


def _deliver_again(connection: sqlite3.Connection, stored: StoredEvent, handling: Handling, now: int) -> bool:
    name, sequence = handling.consumer, stored.sequence
    if handling.fate is Fate.PENDING:
        sql = "UPDATE pending SET due = ?, attempts = 0 WHERE consumer = ? AND sequence = ? AND due > ?"
        return connection.execute(sql, (now, name, sequence, now)).rowcount > 0
    connection.execute("DELETE FROM settled WHERE consumer = ? AND sequence = ?", (name, sequence))
    row = PendingRow(sequence, stored.event.ordering_key, now, blocking=False)
    put_pending(connection, name, [row])
    return True


def _candidates(
    connection: sqlite3.Connection, query: EventQuery, everyone: Sequence[Enrolled], known: Known
) -> Iterator[StoredEvent]:
    where, values = _conditions(query)
    before = query.before
    while True:
        upper = " AND e.sequence < ?" if before else ""
        sql = f"""SELECT sequence, {COLUMNS} FROM events e WHERE {where}{upper}
                  ORDER BY e.sequence DESC LIMIT {min(_CHUNK, max(query.limit, 1))}"""
        rows = connection.execute(sql, [*values, before] if before else values).fetchall()
        for row in rows:
            event = event_of(row[1:])
            handlings = _handlings(connection, row[0], event.topic, everyone, known)
            yield StoredEvent(row[0], event, tuple(handlings))
        if not rows:
            return
        before = rows[-1][0]


def _conditions(query: EventQuery) -> tuple[str, list[int | str]]:
    texts = {"e.id = ?": query.id, "e.topic = ?": query.topic, "e.path GLOB ?": query.path_glob}
    chosen: dict[str, int | str] = {sql: value for sql, value in texts.items() if value}
    chosen["e.sequence > ?"] = query.after
    if query.context:
        chosen["e.context = ? AND e.context != ''"] = query.context
    where, values = " AND ".join(chosen), list(chosen.values())
    if query.fate is Fate.DEAD:
        where += " AND EXISTS (SELECT 1 FROM settled s WHERE s.sequence = e.sequence AND s.dead)"
    return where, values


def _is_wanted(stored: StoredEvent, query: EventQuery) -> bool:
    if query.fate is None and not query.consumer:
        return True
    return any(query.consumer in ("", each.consumer) and query.fate in (None, each.fate) for each in stored.handlings)


def _handlings(
    connection: sqlite3.Connection, sequence: int, topic: str, everyone: Sequence[Enrolled], known: Known
) -> list[Handling]:
    settled = "SELECT consumer, dead, attempts, note FROM settled WHERE sequence = ?"
    done = {row[0]: row[1:] for row in connection.execute(settled, (sequence,))}
    pending = "SELECT consumer, due, attempts, reason FROM pending WHERE sequence = ?"
    waiting = {row[0]: row[1:] for row in connection.execute(pending, (sequence,))}
    return [
        _handling(each, sequence, done.get(each.consumer.name), waiting.get(each.consumer.name), known)
        for each in everyone
        if each.consumer.wants(topic)
    ]


def _handling(
    enrolled: Enrolled,
    sequence: int,
    done: tuple[int, int, str] | None,
    waiting: tuple[int | None, int, str] | None,
    known: Known,
) -> Handling:
    name = enrolled.consumer.name
    if waiting:
        due, attempts, reason = waiting
        return Handling(name, Fate.PENDING, attempts, reason, from_milliseconds(due) if due else None)
    if done:
        dead, attempts, note = done
        return Handling(name, Fate.DEAD if dead else Fate.HANDLED, attempts, note)
    if sequence <= enrolled.cursor or known(name, sequence):
        return Handling(name, Fate.HANDLED, attempts=1)
    return Handling(name, Fate.PENDING)
