"""Brings the index up to date when a release makes more fields of a kind selectable.

Until that is done lists by such a field read all of its kind. Called by `store` at the start, a bounded piece a job.
"""

from __future__ import annotations

import sqlite3

import orjson

from kabanero.model.resource import ResourceType
from kabanero.stores.sqlite.terms import indexable, terms_of
from kabanero.stores.sqlite.types import indexed_fields, known_type

STEP = 200


def unfinished(connection: sqlite3.Connection) -> list[int]:
    """Kinds some of whose fields can't be looked up yet. A field that is selectable no more is forgotten at once."""
    found = []
    for (number,) in connection.execute("SELECT id FROM types").fetchall():
        wanted = indexable(known_type(connection, number))
        ready = indexed_fields(connection, number)
        if ready - wanted:
            _remember(connection, number, ready & wanted)
        if wanted - ready:
            found.append(number)
    return found


def index_some(connection: sqlite3.Connection, number: int, after: int) -> int:
    """Indexes the next resources of a kind; the last row that was looked at, or 0 when all are done."""
    type = known_type(connection, number)
    sql = """SELECT o.id, v.body FROM objects o JOIN versions v ON v.version = o.version
             WHERE o.id > ? AND o.type = ? AND NOT o.deleted ORDER BY o.id LIMIT ?"""
    rows = connection.execute(sql, (after, number, STEP)).fetchall()
    for id, body in rows:
        _index(connection, number, type, id, body)
    if len(rows) == STEP:
        return int(rows[-1][0])
    _remember(connection, number, indexable(type))
    return 0


def _index(connection: sqlite3.Connection, number: int, type: ResourceType, id: int, body: bytes) -> None:
    terms = terms_of(number, type, orjson.loads(body))
    connection.executemany("INSERT OR IGNORE INTO terms VALUES (?, ?)", [(term, id) for term in terms])


def _remember(connection: sqlite3.Connection, number: int, fields: frozenset[str]) -> None:
    indexed = orjson.dumps(sorted(fields)).decode()
    connection.execute("UPDATE types SET indexed = ? WHERE id = ?", (indexed, number))
