"""The three shapes in which resources are answered: whole objects, tables, only metadata.

A shape says how one resource, the frame of a list, its items and the objects of a watch look; reads and watches are
written once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from kabanero.api.catalog import Catalog
from kabanero.api.http import Request
from kabanero.api.negotiation import Form, wanted_form
from kabanero.api.status import bad_request, failure
from kabanero.api.tables import CORE_COLUMNS, Include, TableMaker, partial_metadata
from kabanero.model.resource import Resource, ResourceType
from kabanero.ports import Clock


class Shape(Protocol):
    """How resources of one type look in one answer."""

    member: str

    def one(self, resource: Resource) -> dict[str, Any]:
        """The answer to a get."""

    def frame(self, meta: dict[str, Any]) -> dict[str, Any]:
        """A list without its items, which stand under `member`."""

    def items(self, resources: Sequence[Resource]) -> list[dict[str, Any]]:
        """The items of a list."""

    def watched(self, resource: Resource) -> dict[str, Any]:
        """The object of a watch event."""


class _Objects:
    """Resources as they are stored."""

    member = "items"

    def __init__(self, type: ResourceType) -> None:
        self._type = type

    def one(self, resource: Resource) -> dict[str, Any]:
        return resource

    def frame(self, meta: dict[str, Any]) -> dict[str, Any]:
        return {"kind": f"{self._type.kind}List", "apiVersion": self._type.api_version, "metadata": meta}

    def items(self, resources: Sequence[Resource]) -> list[dict[str, Any]]:
        return list(resources)

    def watched(self, resource: Resource) -> dict[str, Any]:
        return resource


class _MetadataOnly:
    """Only metadata, for clients that want to know what is there (garbage collectors, informers of labels)."""

    member = "items"

    def one(self, resource: Resource) -> dict[str, Any]:
        return partial_metadata(resource)

    def frame(self, meta: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta}

    def items(self, resources: Sequence[Resource]) -> list[dict[str, Any]]:
        return [partial_metadata(resource) for resource in resources]

    def watched(self, resource: Resource) -> dict[str, Any]:
        return partial_metadata(resource)


class _Tables:
    """Rows for people."""

    member = "rows"

    def __init__(self, maker: TableMaker, clock: Clock) -> None:
        self._maker = maker
        self._clock = clock
        self._described = False

    def one(self, resource: Resource) -> dict[str, Any]:
        return self._table([resource], {"resourceVersion": resource["metadata"].get("resourceVersion", "")})

    def frame(self, meta: dict[str, Any]) -> dict[str, Any]:
        frame = self._table([], meta)
        del frame["rows"]
        return frame

    def items(self, resources: Sequence[Resource]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._table(resources, {})["rows"]
        return rows

    def watched(self, resource: Resource) -> dict[str, Any]:
        first, self._described = not self._described, True
        meta = {"resourceVersion": resource["metadata"].get("resourceVersion", "")}
        return self._maker.table([resource], meta, self._clock.now(), definitions=first)

    def _table(self, resources: Sequence[Resource], meta: dict[str, Any]) -> dict[str, Any]:
        return self._maker.table(resources, meta, self._clock.now())


def shape_for(request: Request, type: ResourceType, catalog: Catalog, clock: Clock) -> Shape:
    """The shape that the request asks for. Raises ApiError 400 or 406."""
    match wanted_form(request.header(b"accept")):
        case Form.TABLE:
            columns = CORE_COLUMNS.get(type) or catalog.columns(type)
            return _Tables(TableMaker(columns, _include(request)), clock)
        case Form.METADATA:
            return _MetadataOnly()
        case Form.OBJECT:
            return _Objects(type)
    raise failure(406, "NotAcceptable", "resources come as objects, tables or metadata only")


def _include(request: Request) -> Include:
    wanted = request.query.get("includeObject") or Include.METADATA
    if wanted not in list(Include):
        raise bad_request(f"includeObject is {wanted!r}; possible: {', '.join(Include)}")
    return Include(wanted)


def encode_list(shape: Shape, meta: dict[str, Any], resources: Sequence[Resource]) -> bytes:
    """A whole list."""
    return open_list(shape, meta) + encode_items(shape, resources) + CLOSE_LIST


def open_list(shape: Shape, meta: dict[str, Any]) -> bytes:
    """A list up to its first item."""
    return orjson.dumps(shape.frame(meta))[:-1] + b',"' + shape.member.encode() + b'":['


def encode_items(shape: Shape, resources: Sequence[Resource]) -> bytes:
    """Items with commas between them."""
    return orjson.dumps(shape.items(resources))[1:-1]


CLOSE_LIST = b"]}"
