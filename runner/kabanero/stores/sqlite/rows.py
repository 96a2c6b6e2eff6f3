"""Reading and writing the tables of objects and versions, inside one transaction of the writer.

Used by `writing` and `collecting`. Collects the changes that are told to watches once the commit is durable.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

import orjson

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.stores.sqlite.terms import terms_of
from kabanero.stores.sqlite.types import Numbers, known_type


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as it lies in the tables; `body` holds no resourceVersion."""

    id: int
    key: Key
    version: int
    body: Resource


@dataclass(frozen=True, slots=True)
class Changed:
    """One change for the watches: `old` is None for a new resource, `new` is None for one that is gone."""

    group_kind: tuple[str, str]
    namespace: str
    version: int
    old: Resource | None
    new: Resource | None


@dataclass(slots=True)
class Outcome:
    """What one write job did: its changes in order, and whether it left garbage to collect."""

    changes: list[Changed] = field(default_factory=list)
    garbage: bool = False


def with_version(body: Resource, version: int) -> Resource:
    """The resource as it is handed out."""
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}


def head(connection: sqlite3.Connection) -> int:
    """The newest version of the store."""
    sql = "SELECT max(coalesce((SELECT max(version) FROM versions), 0), value) FROM counters WHERE name = 'floor'"
    return int(connection.execute(sql).fetchone()[0])


def floor(connection: sqlite3.Connection) -> int:
    """The version up to which history is forgotten."""
    return int(connection.execute("SELECT value FROM counters WHERE name = 'floor'").fetchone()[0])


class Rows:
    """The tables, as one write job sees and changes them."""

    def __init__(self, connection: sqlite3.Connection, numbers: Numbers) -> None:
        self.connection, self._numbers = connection, numbers
        self.outcome = Outcome()
        self._newest: int | None = None

    def type_id(self, type: ResourceType) -> int:
        """The number of a kind."""
        return self._numbers[type.group, type.kind]

    def is_taken(self, key: Key) -> bool:
        """Whether there is a resource of this key."""
        sql = "SELECT 1 FROM objects WHERE type = ? AND namespace = ? AND name = ? AND NOT deleted"
        values = (self.type_id(key.type), key.namespace, key.name)
        return self.connection.execute(sql, values).fetchone() is not None

    def find(self, key: Key) -> Stored | None:
        """The resource of a key, if there is one."""
        return self._find(self.type_id(key.type), key)

    def find_by_name(self, type_id: int, namespace: str, name: str) -> Stored | None:
        """The same by the number of its kind."""
        return self._find(type_id, Key(known_type(self.connection, type_id), namespace, name))

    def _find(self, type_id: int, key: Key) -> Stored | None:
        sql = """SELECT o.id, o.version, v.body FROM objects o JOIN versions v ON v.version = o.version
                 WHERE o.type = ? AND o.namespace = ? AND o.name = ? AND NOT o.deleted"""
        row = self.connection.execute(sql, (type_id, key.namespace, key.name)).fetchone()
        return Stored(row[0], key, row[1], orjson.loads(row[2])) if row else None

    def find_by_id(self, id: int) -> Stored | None:
        """The resource of a row, if it is there."""
        sql = """SELECT o.version, v.body, o.namespace, o.name, o.type
                 FROM objects o JOIN versions v ON v.version = o.version WHERE o.id = ? AND NOT o.deleted"""
        row = self.connection.execute(sql, (id,)).fetchone()
        if row is None:
            return None
        type = known_type(self.connection, row[4])
        return Stored(id, Key(type, row[2], row[3]), row[0], orjson.loads(row[1]))

    def add(self, key: Key, body: Resource) -> Stored:
        """Stores a new resource."""
        encoded = _encode(key, body)
        version = self._next_version()
        type_id = self.type_id(key.type)
        id, previous = self._claim(key, type_id, version)
        self._log(version, id, type_id, previous, encoded)
        self._count(type_id, key.namespace, 1)
        stored = Stored(id, key, version, orjson.loads(encoded))
        self._index(id, set(), terms_of(type_id, key.type, stored.body))
        self._tell(key, version, None, with_version(stored.body, version))
        return stored

    def _next_version(self) -> int:
        """Versions rise; one that a failed write had drawn is left out."""
        self._newest = (self._newest or head(self.connection)) + 1
        return self._newest

    def _claim(self, key: Key, type_id: int, version: int) -> tuple[int, int | None]:
        """The row of a key and the version that it had: one that was deleted lately still has its row."""
        sql = "SELECT id, version FROM objects WHERE type = ? AND namespace = ? AND name = ?"
        row = self.connection.execute(sql, (type_id, key.namespace, key.name)).fetchone()
        if row:
            self.connection.execute("UPDATE objects SET version = ?, deleted = 0 WHERE id = ?", (version, row[0]))
            return row[0], row[1]
        sql = "INSERT INTO objects (type, namespace, name, version) VALUES (?, ?, ?, ?)"
        return self.connection.execute(sql, (type_id, key.namespace, key.name, version)).lastrowid or 0, None

    def change(self, old: Stored, body: Resource) -> Stored:
        """Stores a new version of a resource."""
        encoded = _encode(old.key, body)
        version = self._next_version()
        type_id = self.type_id(old.key.type)
        self.connection.execute("UPDATE objects SET version = ? WHERE id = ?", (version, old.id))
        self._log(version, old.id, type_id, old.version, encoded)
        new = Stored(old.id, old.key, version, orjson.loads(encoded))
        self._index(old.id, terms_of(type_id, old.key.type, old.body), terms_of(type_id, old.key.type, new.body))
        self._tell(old.key, version, with_version(old.body, old.version), with_version(new.body, version))
        return new

    def remove(self, old: Stored, last: Resource) -> Stored:
        """Takes a resource away; its last state stays in the history for a while."""
        version = self._next_version()
        type_id = self.type_id(old.key.type)
        self.connection.execute("UPDATE objects SET version = ?, deleted = 1 WHERE id = ?", (version, old.id))
        self._log(version, old.id, type_id, old.version, _encode(old.key, last), deleted=1)
        self._count(type_id, old.key.namespace, -1)
        self._index(old.id, terms_of(type_id, old.key.type, old.body), set())
        self._tell(old.key, version, with_version(last, version), None)
        return Stored(old.id, old.key, version, last)

    def collect(self, task: str, uid: str, object: int) -> None:
        """Notes garbage collection to be done, or to be begun anew, in the same transaction."""
        sql = """INSERT INTO collecting (task, uid, object) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET after = 0, blocked = 0"""
        self.connection.execute(sql, (task, uid, object))
        self.outcome.garbage = True

    def has_term(self, term: int) -> bool:
        """Whether anything is found under a term."""
        return self.connection.execute("SELECT 1 FROM terms WHERE term = ? LIMIT 1", (term,)).fetchone() is not None

    def _log(self, version: int, id: int, type_id: int, previous: int | None, body: bytes, deleted: int = 0) -> None:
        sql = "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)"
        self.connection.execute(sql, (version, id, type_id, previous, deleted, body))

    def _count(self, type_id: int, namespace: str, more: int) -> None:
        sql = """INSERT INTO population VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET resources = resources + excluded.resources"""
        self.connection.execute(sql, (type_id, namespace, more))

    def _index(self, id: int, old: set[int], new: set[int]) -> None:
        if gone := old - new:
            self.connection.executemany("DELETE FROM terms WHERE term = ? AND object = ?", [(t, id) for t in gone])
        if fresh := new - old:
            self.connection.executemany("INSERT OR IGNORE INTO terms VALUES (?, ?)", [(t, id) for t in fresh])

    def _tell(self, key: Key, version: int, old: Resource | None, new: Resource | None) -> None:
        changed = Changed((key.type.group, key.type.kind), key.namespace, version, old, new)
        self.outcome.changes.append(changed)


def _encode(key: Key, body: Resource) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise InvalidError(str(key), [Problem("", f"can't be written as JSON: {error}")]) from error
