"""Events as rows of the table `events`, and reading them in order. Used by all of the bus."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from kabanero.model.events import Event
from kabanero.ports import Consumer

COLUMNS = "id, source, type, topic, path, context, time, causes, payload"
Row = tuple[object, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Logged:
    """An event at its place in the bus; `not_before` in milliseconds, 0 for none."""

    sequence: int
    event: Event
    not_before: int


def milliseconds(time: datetime) -> int:
    """A time as the tables hold it."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(value: int) -> datetime:
    """The other way."""
    return _EPOCH + timedelta(milliseconds=value)


def row_of(event: Event) -> Row:
    """An event's columns."""
    causes = orjson.dumps(event.causes).decode() if event.causes else ""
    time = (event.time - _EPOCH) // _MICROSECOND
    return (event.id, event.source, event.type, event.topic, event.path, event.context, time, causes, event.payload)


def event_of(row: Row) -> Event:
    """The event of a row."""
    id, source, type, topic, path, context, time, causes, payload = row
    return Event(
        id=str(id),
        source=str(source),
        type=str(type),
        topic=str(topic),
        path=str(path),
        time=_EPOCH + timedelta(microseconds=int(str(time))),
        payload=payload if isinstance(payload, bytes) else b"",
        context=str(context),
        causes=tuple(orjson.loads(str(causes))) if causes else (),
    )


def read_log(connection: sqlite3.Connection, consumer: Consumer, position: int, limit: int) -> tuple[list[Logged], int]:
    """What a consumer wants of the events after a position, and the position that it then has."""
    where, topics = _wanted(consumer)
    sql = f"""SELECT sequence, coalesce(not_before, 0), {COLUMNS} FROM events
              WHERE sequence > ?{where} ORDER BY sequence LIMIT ?"""
    rows = connection.execute(sql, (position, *topics, limit)).fetchall()
    found = [Logged(row[0], event_of(row[2:]), row[1]) for row in rows]
    return found, found[-1].sequence if len(found) == limit else last_sequence(connection)


def last_sequence(connection: sqlite3.Connection) -> int:
    """The place of the newest event; it is never pruned, so no number is given twice."""
    return int(connection.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0])


def _wanted(consumer: Consumer) -> tuple[str, list[str]]:
    topics: Collection[str] = consumer.topics or consumer.but_not
    if not topics:
        return "", []
    word = "IN" if consumer.topics else "NOT IN"
    return f" AND topic {word} ({','.join('?' * len(topics))})", sorted(topics)
