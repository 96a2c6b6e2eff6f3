"""The resource API as an ASGI application: authenticates, finds what a request is about, and answers it.

This is what kubectl, the collection's modules and every Kubernetes client speak to on the embedded store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kabanero.api import discovery, reads, watches
from kabanero.api.access import User, review
from kabanero.api.catalog import Catalog
from kabanero.api.declared import DeclaredKinds
from kabanero.api.deletes import Deletes
from kabanero.api.front import Front, not_allowed
from kabanero.api.http import (
    Reply,
    Request,
    json_response,
)
from kabanero.api.negotiation import DISCOVERY_TYPE, Form, wanted_form
from kabanero.api.openapi import OpenApi
from kabanero.api.shapes import shape_for
from kabanero.api.status import (
    method_not_allowed,
    no_such_path,
)
from kabanero.api.targets import Target, find_target, find_verb
from kabanero.api.writes import Writes
from kabanero.model.kinds.core import NAMESPACE
from kabanero.ports import Clock, Store

LONGEST_WATCH = 3600.0


@dataclass(slots=True)
class ResourceApi(Front):
    """Serves `/api`, `/apis`, `/openapi`, `/version`, and what `subresources` and `paths` add.

    `longest_watch` is in seconds.
    """

    store: Store
    clock: Clock
    kinds: DeclaredKinds
    longest_watch: float = LONGEST_WATCH
    catalog: Catalog = field(init=False)
    _openapi: OpenApi = field(init=False)
    _writes: Writes = field(init=False)
    _deletes: Deletes = field(init=False)

    def __post_init__(self) -> None:
        self.catalog = self.kinds.catalog
        self._openapi = OpenApi(self.catalog)
        self._writes = Writes(self.store, self.kinds)
        self._deletes = Deletes(self.store, self.kinds)

    async def _served(self, request: Request, user: User) -> Reply:
        if target := find_target(request.path, self.catalog):
            return await self._resource(request, target, user)
        if handler := self._path_handler(request):
            return await handler(request, user)
        return await self._fixed(request, user)

    async def _resource(self, request: Request, target: Target, user: User) -> Reply:
        verb = find_verb(request, target)
        if verb is None:
            raise method_not_allowed(request.method)
        if not user.may(verb, target.type.plural):
            raise not_allowed(user, verb, target)
        if target.subresource:
            return await self._subresource(request, target, verb)
        return await self._whole(request, target, verb)

    async def _whole(self, request: Request, target: Target, verb: str) -> Reply:  # noqa: PLR0911 one line per verb
        shape = shape_for(request, target.type, self.catalog, self.clock)
        match verb:
            case "get":
                return await reads.get(self.store, target, shape)
            case "list":
                return await reads.list_all(self.store, request, target, shape)
            case "watch":
                return watches.watch(self.store, request, target, shape, self.longest_watch)
            case "create":
                return await self._writes.create(request, target, shape)
            case "update":
                return await self._writes.update(request, target, shape)
            case "patch":
                return await self._writes.patch(request, target, shape)
            case "delete":
                return await self._deletes.delete(request, target, shape)
        return await self._deletes.delete_collection(request, target, shape)

    async def _subresource(self, request: Request, target: Target, verb: str) -> Reply:
        if target.subresource == "status" and target.type.has_status:
            if verb in ("get", "update", "patch"):
                return await self._whole(request, target, verb)
            raise method_not_allowed(request.method)
        if target.type == NAMESPACE and target.subresource == "finalize" and verb == "update":
            return json_response(await reads.fetch(self.store, target))
        handler = self.subresources.get((target.type.plural, target.subresource))
        if handler is None:
            raise no_such_path()
        if verb != "get":
            raise method_not_allowed(request.method)
        return await handler(request, target)

    async def _fixed(self, request: Request, user: User) -> Reply:
        path = request.path.rstrip("/")
        if kind := _review_kind(path):
            if request.method != "POST":
                raise method_not_allowed(request.method)
            return json_response(review(kind, await request.json(), user), 201)
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed(request.method) if self._is_fixed(path) else no_such_path()
        if path.startswith("/openapi/"):
            return self._openapi.reply(request)
        return self._discovery(request, path)

    def _is_fixed(self, path: str) -> bool:
        return path in ("/api", "/apis", "/version", "/api/v1") or path.startswith("/openapi/")

    def _discovery(self, request: Request, path: str) -> Reply:  # noqa: PLR0911 one line per document
        if path in ("/api", "/apis") and wanted_form(request.header(b"accept")) is Form.DISCOVERY:
            document = discovery.aggregated(self.catalog, core=path == "/api")
            return json_response(document, content_type=DISCOVERY_TYPE)
        match path.split("/")[1:]:
            case ["version"]:
                return json_response(discovery.version())
            case ["api"]:
                return json_response(discovery.api_versions(request.header(b"host")))
            case ["apis"]:
                return json_response(discovery.api_group_list())
            case ["api", "v1"]:
                return json_response(discovery.resource_list(self.catalog, "", "v1"))
            case ["apis", group] if group in discovery.GROUPS:
                return json_response(discovery.api_group(group))
            case ["apis", group, version] if discovery.GROUPS.get(group) == version:
                return json_response(discovery.resource_list(self.catalog, group, version))
        raise no_such_path()


def _review_kind(path: str) -> str | None:
    match path.split("/")[1:]:
        case ["apis", group, "v1", plural]:
            return discovery.REVIEW_KINDS.get((group, plural))
    return None
