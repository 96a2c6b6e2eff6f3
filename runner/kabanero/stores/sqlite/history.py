"""Reading versions: a resource as it was at a version, and all changes after one. On a reader's connection.

Called by `paging` (pages of one list show one state) and `watching` (resuming, and watches that fell behind).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from kabanero.model.errors import ExpiredError
from kabanero.model.resource import Resource
from kabanero.stores.sqlite.rows import Changed, floor, head, with_version

_READ = 400


def check_remembered(connection: sqlite3.Connection, version: int) -> None:
    """Raises ExpiredError when the store can't say what happened since a version."""
    if version < floor(connection):
        raise ExpiredError(f"resourceVersion {version} is too old: list again and go on from there")
    if version > head(connection):
        raise ExpiredError(f"resourceVersion {version} is not of this store: list again and go on from there")


def as_of(connection: sqlite3.Connection, ids: Sequence[int], at: int) -> list[Resource]:
    """Those of the objects that were there at version `at`, as they were then, in the given order."""
    found: dict[int, Resource] = {}
    for start in range(0, len(ids), _READ):
        part = ids[start : start + _READ]
        marks = ",".join("?" * len(part))
        sql = f"""SELECT o.id, v.version, v.deleted, v.previous, v.body
                  FROM objects o JOIN versions v ON v.version = o.version WHERE o.id IN ({marks})"""
        for id, version, deleted, previous, body in connection.execute(sql, part).fetchall():
            resource = _back_to(connection, at, (version, deleted, previous, body))
            if resource is not None:
                found[id] = resource
    return [found[id] for id in ids if id in found]


def _back_to(connection: sqlite3.Connection, at: int, row: tuple[int, int, int | None, bytes]) -> Resource | None:
    version, deleted, previous, body = row
    while version > at:
        if previous is None:
            return None
        sql = "SELECT version, deleted, previous, body FROM versions WHERE version = ?"
        version, deleted, previous, body = connection.execute(sql, (previous,)).fetchone()
    return None if deleted else with_version(orjson.loads(body), version)


def changes_after(connection: sqlite3.Connection, number: int, since: int, limit: int) -> tuple[list[Changed], int]:
    """Changes of one kind after a version, oldest first, and the version up to which that is all of them.

    Raises ExpiredError.
    """
    check_remembered(connection, since)
    sql = """SELECT v.version, v.deleted, v.body, p.version, p.deleted, p.body, o.namespace, t.api_group, t.kind
             FROM versions v JOIN objects o ON o.id = v.object JOIN types t ON t.id = v.type
             LEFT JOIN versions p ON p.version = v.previous
             WHERE v.version > ? AND v.type = ? ORDER BY v.version LIMIT ?"""
    rows = connection.execute(sql, (since, number, limit)).fetchall()
    upto = rows[-1][0] if len(rows) == limit else head(connection)
    return [_changed(*row) for row in rows], upto


def _changed(
    version: int,
    deleted: int,
    body: bytes,
    old_version: int | None,
    old_deleted: int | None,
    old_body: bytes | None,
    namespace: str,
    group: str,
    kind: str,
) -> Changed:
    if deleted:
        return Changed((group, kind), namespace, version, with_version(orjson.loads(body), version), None)
    old = with_version(orjson.loads(old_body), old_version) if old_body and old_version and not old_deleted else None
    return Changed((group, kind), namespace, version, old, with_version(orjson.loads(body), version))
