"""Which resources a list is about: candidates from the index, rarest clause first, or a walk in key order.

Called by `paging` on a reader's connection. What is found here is always checked against the selector itself.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kabanero.model.resource import ResourceType
from kabanero.model.selectors import Selector
from kabanero.stores.sqlite.terms import field_terms, indexed_as, label_terms
from kabanero.stores.sqlite.types import indexed_fields

_COUNTS = (1_000, 30_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is listed: one kind, one namespace or all, what is selected, and after which key (exclusive)."""

    type: ResourceType
    number: int
    namespace: str
    selector: Selector
    after: tuple[str, str] | None = None


Alternatives = tuple[int, ...]


def candidates(connection: sqlite3.Connection, scope: Scope, at: int) -> array[int] | None:
    """Numbers of the objects that may be selected in version `at`, in key order; None when no clause has an index."""
    clauses = _indexed_clauses(connection, scope)
    if not clauses:
        return None
    rarest, *others = _rarest_first(connection, clauses)
    found = f"SELECT object FROM terms t WHERE term IN ({_marks(rarest)})"
    values: list[int | str] = list(rarest)
    for other in others:
        found += f" AND EXISTS (SELECT 1 FROM terms WHERE term IN ({_marks(other)}) AND object = t.object)"
        values += other
    touched = "SELECT object FROM versions WHERE version > ? AND type = ?"
    where, place = _place(scope)
    # CROSS JOIN: the few that were found lead the way, not the walk through all in the wanted order.
    sql = f"""SELECT o.id FROM ({found} UNION {touched}) f CROSS JOIN objects o ON o.id = f.object
              WHERE {where} ORDER BY o.namespace, o.name"""
    rows = connection.execute(sql, [*values, at, scope.number, *place])
    return array("q", (row[0] for row in rows))


def walk(connection: sqlite3.Connection, scope: Scope, size: int) -> Iterator[list[int]]:
    """Numbers of all objects of a kind, deleted ones too, in key order, `size` at a time."""
    after = scope.after
    while True:
        where, place = _place(Scope(scope.type, scope.number, scope.namespace, scope.selector, after))
        sql = f"""SELECT o.id, o.namespace, o.name FROM objects o WHERE {where}
                  ORDER BY o.namespace, o.name LIMIT {size}"""
        rows = connection.execute(sql, place).fetchall()
        if rows:
            yield [row[0] for row in rows]
        if len(rows) < size:
            return
        after = (rows[-1][1], rows[-1][2])


def count(connection: sqlite3.Connection, scope: Scope) -> int:
    """How many of a kind there are now."""
    sql = "SELECT coalesce(sum(resources), 0) FROM population WHERE type = ? AND (namespace = ? OR ? = '')"
    return int(connection.execute(sql, (scope.number, scope.namespace, scope.namespace)).fetchone()[0])


def _place(scope: Scope) -> tuple[str, list[int | str]]:
    where, values = "o.type = ?", [scope.number]
    named = _named(scope.selector, "metadata.name")
    namespace = scope.namespace or _named(scope.selector, "metadata.namespace")
    parts: list[int | str] = list(values)
    if namespace:
        where, parts = f"{where} AND o.namespace = ?", [*parts, namespace]
    if named:
        where, parts = f"{where} AND o.name = ?", [*parts, named]
    if scope.after:
        where, parts = f"{where} AND (o.namespace, o.name) > (?, ?)", [*parts, *scope.after]
    return where, parts


def _named(selector: Selector, field: str) -> str:
    return next((each.values[0] for each in selector.fields if each.key == field and each.operator == "="), "")


def _indexed_clauses(connection: sqlite3.Connection, scope: Scope) -> list[Alternatives]:
    if not scope.selector.labels and not scope.selector.fields:
        return []
    ready = indexed_fields(connection, scope.number)
    fields = [
        field_terms(scope.number, scope.type, each) for each in scope.selector.fields if indexed_as(each) in ready
    ]
    labels = [label_terms(scope.number, each) for each in scope.selector.labels]
    return [terms for terms in (*fields, *labels) if terms]


def _rarest_first(connection: sqlite3.Connection, clauses: list[Alternatives]) -> list[Alternatives]:
    """Counts no further than is needed to tell which clause is the rarest."""
    if len(clauses) == 1:
        return clauses
    sizes: list[int] = []
    for limit in _COUNTS:
        sizes = [_size(connection, terms, limit) for terms in clauses]
        if min(sizes) < limit:
            break
    return [terms for _, terms in sorted(zip(sizes, clauses, strict=True), key=lambda pair: pair[0])]


def _size(connection: sqlite3.Connection, terms: Alternatives, limit: int) -> int:
    sql = f"SELECT count(*) FROM (SELECT 1 FROM terms WHERE term IN ({_marks(terms)}) LIMIT {limit})"
    return int(connection.execute(sql, terms).fetchone()[0])


def _marks(terms: Sequence[int]) -> str:
    return ",".join("?" * len(terms))
