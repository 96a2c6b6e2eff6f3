"""Making events durable: all publications that wait become rows by a few statements in one commit.

A statement costs more in switching threads than in writing, so rows go in many at a time. Called by the writer.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime

from kabanero.buses.sqlite.events import COLUMNS, Logged, Row, last_sequence, milliseconds, row_of
from kabanero.model.errors import InvalidError, Problem
from kabanero.model.events import Event
from kabanero.ports import Published
from kabanero.sqlite.trouble import is_outage
from kabanero.sqlite.writer import AnyJob, Job, one_by_one

_ROWS_AT_A_TIME = (64, 16, 4, 1)
_PLACES = "(" + ",".join("?" * 12) + ")"
_INSERT = {
    size: f"INSERT INTO events (sequence, published, not_before, {COLUMNS}) VALUES "
    + ",".join([_PLACES] * size)
    + " ON CONFLICT DO NOTHING"
    for size in _ROWS_AT_A_TIME
}


class Publication(Job[Sequence[Published]]):
    """Events that wait to be made durable; `added` are those that were not there before."""

    __slots__ = ("added", "events", "not_before", "published", "rows")

    def __init__(
        self,
        events: Sequence[Event],
        now: datetime,
        not_before: datetime | None,
        future: asyncio.Future[Sequence[Published]],
    ) -> None:
        super().__init__(self._alone, future)
        self.events = events
        self.published = milliseconds(now)
        self.not_before = milliseconds(not_before) if not_before and not_before > now else None
        self.rows = [row_of(event) for event in events]
        self.added: list[Logged] = []

    def _alone(self, connection: sqlite3.Connection) -> Sequence[Published]:
        """For the rare batch with something in it that SQLite refuses: each publication by itself."""
        try:
            _publish(connection, [self])
        except (UnicodeEncodeError, OverflowError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.Error) and is_outage(error):
                raise
            identity = ascii(self.events[0].identity)
            raise InvalidError(f"event {identity}", [Problem("", f"can't be stored: {error}")]) from error
        return self.result or ()


def carry_out(connection: sqlite3.Connection, jobs: Sequence[AnyJob]) -> None:
    """Publications together, all other jobs one by one. Raises outages only."""
    publications = [job for job in jobs if isinstance(job, Publication)]
    if publications:
        _publish_together(connection, publications)
    if len(publications) < len(jobs):
        one_by_one(connection, [job for job in jobs if not isinstance(job, Publication)])


def _publish_together(connection: sqlite3.Connection, publications: list[Publication]) -> None:
    connection.execute("SAVEPOINT publications")
    try:
        _publish(connection, publications)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and is_outage(error):
            raise
        connection.execute("ROLLBACK TO publications")
        one_by_one(connection, publications)
    connection.execute("RELEASE publications")


def _publish(connection: sqlite3.Connection, publications: Sequence[Publication]) -> None:
    first = last_sequence(connection) + 1
    rows = list(_numbered(publications, first))
    added = sum(_insert(connection, part) for part in _parts(rows))
    missing = set() if added == len(rows) else _missing(connection, first, first + len(rows))
    sequence = first
    for publication in publications:
        sequence = _answer(connection, publication, sequence, missing)


def _numbered(publications: Sequence[Publication], first: int) -> Iterator[Row]:
    sequence = first
    for publication in publications:
        for row in publication.rows:
            yield (sequence, publication.published, publication.not_before, *row)
            sequence += 1


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    start = 0
    for size in _ROWS_AT_A_TIME:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _insert(connection: sqlite3.Connection, rows: list[Row]) -> int:
    return connection.execute(_INSERT[len(rows)], [value for row in rows for value in row]).rowcount


def _missing(connection: sqlite3.Connection, first: int, stop: int) -> set[int]:
    """The numbers that were not used, because the event was there before."""
    there = connection.execute("SELECT sequence FROM events WHERE sequence >= ?", (first,))
    return set(range(first, stop)) - {row[0] for row in there}


def _answer(connection: sqlite3.Connection, publication: Publication, sequence: int, missing: set[int]) -> int:
    answers = []
    publication.added = []
    for event in publication.events:
        if sequence in missing:
            answers.append(Published(_known(connection, event), duplicate=True))
        else:
            answers.append(Published(sequence, duplicate=False))
            publication.added.append(Logged(sequence, event, publication.not_before or 0))
        sequence += 1
    publication.result = answers
    return sequence


def _known(connection: sqlite3.Connection, event: Event) -> int:
    sql = "SELECT sequence FROM events WHERE id = ? AND source = ?"
    return int(connection.execute(sql, (event.id, event.source)).fetchone()[0])
