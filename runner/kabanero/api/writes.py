"""create, update and patch, of whole resources and of their status.

Called by the resource API. Rules live in `admission`, versions and identities in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kabanero.api import patch as patches
from kabanero.api.admission import Admitted, Options, admit, write_options
from kabanero.api.declared import DeclaredKinds
from kabanero.api.http import Request, Response, json_response
from kabanero.api.reads import fetch
from kabanero.api.shapes import Shape
from kabanero.api.status import as_api_error, bad_request, failure, forbidden, invalid, unsupported_media
from kabanero.api.targets import Target
from kabanero.model.errors import ConflictError, KabaneroError, NotFoundError, Problem
from kabanero.model.kinds.core import CORE_TYPES, NAMESPACE
from kabanero.model.kinds.registry import STAGE_KIND
from kabanero.model.resource import Key, Resource
from kabanero.ports import Store

# A patch without a version is redone on the newest state, as often as Kubernetes does.
PATCH_ATTEMPTS = 5
Patch = Callable[[Resource, Any], Any]


@dataclass(slots=True)
class Writes:
    """All writes but deletions."""

    store: Store
    kinds: DeclaredKinds

    async def create(self, request: Request, target: Target, shape: Shape) -> Response:
        """POST to a collection."""
        options = write_options(request)
        body = await request.json()
        if isinstance(body, dict) and target.type.has_status:
            body = {key: value for key, value in body.items() if key != "status"}
        admitted = admit(target, body, self.kinds.catalog, options)
        meta = admitted.resource["metadata"]
        if meta.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        await self._check_namespace(target, meta)
        key = Key(target.type, target.namespace, str(meta.get("name") or meta.get("generateName") or ""))
        try:
            stored = await self.store.create(admitted.resource, dry_run=options.dry_run)
        except KabaneroError as error:
            raise as_api_error(error, key) from error
        return await self._written(stored, admitted, options, shape, 201)

    async def _check_namespace(self, target: Target, meta: dict[str, Any]) -> None:
        if not target.type.namespaced:
            return
        if not target.namespace:
            raise bad_request("an object is created in a namespace: POST to .../namespaces/NAMESPACE/...")
        try:
            space = await self.store.get(Key(NAMESPACE, "", target.namespace))
        except NotFoundError as error:
            raise _no_namespace(target.namespace) from error
        if space["metadata"].get("deletionTimestamp"):
            raise _terminating(target, str(meta.get("name", "")))

    async def update(self, request: Request, target: Target, shape: Shape) -> Response:
        """PUT to a resource or to its status."""
        options = write_options(request)
        body = await request.json()
        old = await fetch(self.store, target)
        if target.subresource == "status":
            body = _with_status_of(old, body)
        admitted = admit(target, body, self.kinds.catalog, options, old)
        if target.type not in CORE_TYPES and not admitted.resource["metadata"].get("resourceVersion"):
            fix = "send the resourceVersion of the object that was read"
            missing = Problem("metadata.resourceVersion", "must be specified for an update", fix)
            raise invalid(target.type, target.name, [missing])
        try:
            stored = await self._store(target, admitted, options)
        except KabaneroError as error:
            raise as_api_error(error, target.key) from error
        return await self._written(stored, admitted, options, shape)

    async def patch(self, request: Request, target: Target, shape: Shape) -> Response:
        """PATCH of a resource or of its status."""
        apply = _patch_of(request, target)
        options = write_options(request)
        change = await request.json()
        for attempt in range(1, PATCH_ATTEMPTS + 1):
            old = await fetch(self.store, target)
            admitted = self._patched(target, old, apply(old, change), options)
            versioned = _version(admitted.resource) != _version(old)
            try:
                stored = await self._store(target, admitted, options)
            except ConflictError as error:
                if versioned or attempt == PATCH_ATTEMPTS:
                    raise as_api_error(error, target.key) from error
            except KabaneroError as error:
                raise as_api_error(error, target.key) from error
            else:
                return await self._written(stored, admitted, options, shape)
        raise AssertionError("a patch ends within its attempts")

    def _patched(self, target: Target, old: Resource, new: Any, options: Options) -> Admitted:
        if target.subresource == "status":
            new = _with_status_of(old, new)
        return admit(target, new, self.kinds.catalog, options, old)

    async def _store(self, target: Target, admitted: Admitted, options: Options) -> Resource:
        return await self.store.update(
            admitted.resource, status=target.subresource == "status", dry_run=options.dry_run
        )

    async def _written(
        self, stored: Resource, admitted: Admitted, options: Options, shape: Shape, code: int = 200
    ) -> Response:
        if not options.dry_run and stored["kind"] == STAGE_KIND.type.kind:
            await self.kinds.take(stored)
        return json_response(shape.one(stored), code, admitted.headers)


def _version(resource: Resource) -> str:
    return str(resource["metadata"].get("resourceVersion", ""))


def _with_status_of(old: Resource, body: Any) -> Any:
    """The old resource with the status, and the version and uid to be checked, of the body."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata", {}), dict):
        raise bad_request("the body must be an object with metadata and status")
    given = body.get("metadata", {})
    meta = old["metadata"] | {
        name: given.get(name) for name in ("resourceVersion", "uid", "name", "namespace") if name in given
    }
    return {**old, "metadata": meta, "status": body.get("status")}


def _patch_of(request: Request, target: Target) -> Patch:
    kind = request.content_type
    if kind == patches.MERGE:
        return patches.merge
    if kind == patches.JSON_PATCH:
        return patches.json_patch
    if kind == patches.STRATEGIC and target.type in CORE_TYPES:
        return patches.strategic
    if kind in patches.SERVER_SIDE_APPLY:
        raise unsupported_media(
            "server-side apply is not served by the embedded API: use client-side apply (kubectl apply without "
            "--server-side), or run the runner on a Kubernetes cluster"
        )
    possible = [patches.JSON_PATCH, patches.MERGE, *([patches.STRATEGIC] if target.type in CORE_TYPES else [])]
    raise unsupported_media(
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(possible)
    )


def _no_namespace(name: str) -> Exception:
    text = f'namespaces "{name}" not found: create it first (kubectl create namespace {name})'
    return failure(404, "NotFound", text, {"name": name, "kind": "namespaces"})


def _terminating(target: Target, name: str) -> Exception:
    text = f"unable to create new content in namespace {target.namespace} because it is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": f"namespace {target.namespace} is being terminated"}
    details = {"name": name, "group": target.type.group, "kind": target.type.plural, "causes": [cause]}
    return forbidden(f'{target.type.plural} "{name}" is forbidden: {text}', details)
