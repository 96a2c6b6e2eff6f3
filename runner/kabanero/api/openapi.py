"""Serves the OpenAPI documents, by which `kubectl explain`, client-side validation and `--dry-run` know our kinds.

The documents come from `model.openapi`; here they are made once per generation of the catalog and kept as bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from kabanero.api.catalog import Catalog
from kabanero.api.http import Request, Response
from kabanero.api.status import no_such_path
from kabanero.model import openapi

V2 = "/openapi/v2"
V3 = "/openapi/v3"


@dataclass(slots=True)
class OpenApi:
    """All OpenAPI documents of the current catalog."""

    catalog: Catalog
    _generation: int = -1
    _made: dict[str, bytes] = field(default_factory=dict)

    def reply(self, request: Request) -> Response:
        """The document at the path. Raises ApiError 404."""
        if self._generation != self.catalog.generation:
            self._made, self._generation = {}, self.catalog.generation
        path = request.path.rstrip("/")
        body = self._made.get(path)
        if body is None:
            body = self._made[path] = self._make(path)
        etag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
        if request.header(b"if-none-match").encode("latin-1") == etag:
            return Response(b"", 304, headers=((b"etag", etag),))
        return Response(body, headers=((b"etag", etag),))

    def _make(self, path: str) -> bytes:
        custom = tuple(self.catalog.kinds.values())
        makers: dict[str, Callable[[], Any]] = {
            V2: lambda: openapi.openapi_v2(custom),
            V3: lambda: openapi.openapi_v3_index(custom),
        }
        for group, version in self._versions():
            place = f"apis/{group}/{version}" if group else f"api/{version}"
            makers[f"{V3}/{place}"] = lambda g=group, v=version: openapi.openapi_v3(g, v, custom)  # type: ignore[misc]
        if path not in makers:
            raise no_such_path()
        return orjson.dumps(makers[path]())

    def _versions(self) -> set[tuple[str, str]]:
        return {(type.group, type.version) for type in self.catalog.types()}
