"""Lists and watches as tables: what `kubectl get` prints. Columns come from the kind; core kinds have their own.

Called by reads and watches when a client accepts `as=Table`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from kabanero.api.ages import age
from kabanero.api.jsonpath import compile_path
from kabanero.model.kinds.core import CONFIG_MAP, EVENT, NAMESPACE, SECRET
from kabanero.model.kinds.registry import Column
from kabanero.model.resource import Resource, ResourceType

Cell = Callable[[Resource, datetime], Any]
_NAME = Column("Name", ".metadata.name", description="Name, unique among its kind in the namespace.")
_AGE = Column("Age", ".metadata.creationTimestamp", "date", description="Time since it was made.")
CORE_COLUMNS: dict[ResourceType, tuple[Column, ...]] = {
    NAMESPACE: (Column("Status", ".status.phase"), _AGE),
    SECRET: (Column("Type", ".type"), Column("Data", ".data", "count"), _AGE),
    CONFIG_MAP: (Column("Data", ".data", "count"), _AGE),
    EVENT: (
        Column("Last Seen", ".lastTimestamp", "date"),
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", ".involvedObject", "object"),
        Column("Source", ".source.component", priority=1),
        Column("Message", ".message"),
        Column("Count", ".count", "integer", priority=1),
    ),
}


class Include(enum.StrEnum):
    """How much of each object a row carries, as `includeObject` asks."""

    METADATA = "Metadata"
    OBJECT = "Object"
    NONE = "None"


class TableMaker:
    """Makes tables of one kind."""

    def __init__(self, columns: Sequence[Column], include: Include = Include.METADATA) -> None:
        self.columns = (_NAME, *columns)
        self.include = include
        self._cells = [_cell(column) for column in self.columns]

    def table(
        self, resources: Sequence[Resource], meta: dict[str, Any], now: datetime, *, definitions: bool = True
    ) -> dict[str, Any]:
        """The table; in a watch only the first one carries the `definitions` of its columns."""
        return {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": meta,
            "columnDefinitions": self._definitions() if definitions else None,
            "rows": [self._row(resource, now) for resource in resources],
        }

    def _row(self, resource: Resource, now: datetime) -> dict[str, Any]:
        row: dict[str, Any] = {"cells": [cell(resource, now) for cell in self._cells]}
        if self.include is Include.OBJECT:
            row["object"] = resource
        elif self.include is Include.METADATA:
            row["object"] = partial_metadata(resource)
        return row

    def _definitions(self) -> list[dict[str, Any]]:
        return [_definition(column) for column in self.columns]


def partial_metadata(resource: Resource) -> Resource:
    """The PartialObjectMetadata of a resource."""
    meta = resource.get("metadata", {})
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta}


def _definition(column: Column) -> dict[str, Any]:
    shown = {"count": "integer", "object": "string"}.get(column.type, column.type)
    return {
        "name": column.name,
        "type": shown,
        "format": "name" if column is _NAME else "",
        "description": column.description or f"At {column.path}.",
        "priority": column.priority,
    }


def _cell(column: Column) -> Cell:
    find = compile_path(column.path)
    match column.type:
        case "date":
            return lambda resource, now: _age_or_nothing(find(resource), now)
        case "count":
            return lambda resource, _: len(find(resource) or ())
        case "object":
            return lambda resource, _: _object_name(find(resource))
        case "integer" | "number":
            return lambda resource, _: find(resource)
    return lambda resource, _: _text(find(resource))


def _age_or_nothing(timestamp: Any, now: datetime) -> str | None:
    return None if timestamp is None else age(timestamp, now)


def _object_name(reference: Any) -> str:
    found = reference if isinstance(reference, dict) else {}
    return f"{str(found.get('kind', '')).lower()}/{found.get('name', '')}"


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, str | int | float) else str(value)
