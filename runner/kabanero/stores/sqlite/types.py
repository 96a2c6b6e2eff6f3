"""The kinds that a store file knows: their numbers, their definitions, and which of their fields are indexed.

A definition is kept so that garbage collection can work on a kind that no caller has named since the start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import orjson

from kabanero.model.resource import ResourceType
from kabanero.stores.sqlite.terms import indexable

Numbers = Mapping[tuple[str, str], int]


def type_number(connection: sqlite3.Connection, group: str, kind: str) -> int | None:
    """The number of a kind; None when nothing of it was ever stored."""
    row = connection.execute("SELECT id FROM types WHERE api_group = ? AND kind = ?", (group, kind)).fetchone()
    return int(row[0]) if row else None


def indexed_fields(connection: sqlite3.Connection, number: int) -> frozenset[str]:
    """By what all resources of a kind can be found, of `terms.indexable`."""
    return frozenset(
        orjson.loads(connection.execute("SELECT indexed FROM types WHERE id = ?", (number,)).fetchone()[0])
    )


def register(connection: sqlite3.Connection, type: ResourceType) -> int:
    """The number of a kind, drawn when it is first seen; its definition is kept up to date."""
    sql = "SELECT id, definition FROM types WHERE api_group = ? AND kind = ?"
    row = connection.execute(sql, (type.group, type.kind)).fetchone()
    definition = _encode(type)
    if row is None:
        sql = "INSERT INTO types (api_group, kind, definition, indexed) VALUES (?, ?, ?, ?) RETURNING id"
        indexed = orjson.dumps(sorted(indexable(type))).decode()
        return int(connection.execute(sql, (type.group, type.kind, definition, indexed)).fetchone()[0])
    if row[1] != definition:
        connection.execute("UPDATE types SET definition = ? WHERE id = ?", (definition, row[0]))
    return int(row[0])


def known_type(connection: sqlite3.Connection, number: int) -> ResourceType:
    """The definition of a kind by its number."""
    return _decode(connection.execute("SELECT definition FROM types WHERE id = ?", (number,)).fetchone()[0])


@lru_cache(maxsize=128)
def _encode(type: ResourceType) -> str:
    return orjson.dumps(asdict(type)).decode()


@lru_cache(maxsize=128)
def _decode(definition: str) -> ResourceType:
    stored: dict[str, Any] = orjson.loads(definition)
    fields: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in stored.items()}
    return ResourceType(**fields)
