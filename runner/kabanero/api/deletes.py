"""delete and deletecollection.

Called by the resource API. A namespace goes with all that lives in it: see `namespaces`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal, cast

from kabanero.api.admission import is_dry_run
from kabanero.api.catalog import is_stage_kind
from kabanero.api.declared import DeclaredKinds
from kabanero.api.http import Request, Response, json_response
from kabanero.api.reads import PAGE, page_at, parse_number
from kabanero.api.shapes import Shape, encode_list
from kabanero.api.status import as_api_error, bad_request, forbidden
from kabanero.api.targets import Target, find_selector
from kabanero.model.errors import KabaneroError, NotFoundError
from kabanero.model.kinds.core import NAMESPACE
from kabanero.model.resource import Key, Resource
from kabanero.ports import Store

Propagation = Literal["Background", "Foreground", "Orphan"]
_PROPAGATION = ("Background", "Foreground", "Orphan")
PROTECTED_NAMESPACE = "default"
# Deletions that are given to the store together share a commit.
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How something is to be deleted."""

    propagation: Propagation = "Background"
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


async def delete_options(request: Request) -> DeleteOptions:
    """DeleteOptions of body and query; the query counts where both say something. Raises ApiError 400."""
    raw = await request.body()
    body = _options_body(request, raw) if raw.strip() else {}
    preconditions = body.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise bad_request("preconditions must be an object with uid or resourceVersion")
    return DeleteOptions(
        propagation=_propagation(request, body),
        uid=str(preconditions.get("uid") or ""),
        resource_version=str(preconditions.get("resourceVersion") or ""),
        dry_run=is_dry_run(request.query.get("dryRun") or body.get("dryRun")),
    )


def _options_body(request: Request, raw: bytes) -> dict[str, Any]:
    body = request.parse(raw)
    if not isinstance(body, dict) or body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise bad_request("the body of a deletion must be DeleteOptions")
    return body


def _propagation(request: Request, body: dict[str, Any]) -> Propagation:
    orphan = request.flag("orphanDependents") or body.get("orphanDependents") is True
    wanted = request.query.get("propagationPolicy") or body.get("propagationPolicy")
    wanted = wanted or ("Orphan" if orphan else "Background")
    if wanted not in _PROPAGATION:
        raise bad_request(f"propagationPolicy is {wanted!r:.60}; possible: {', '.join(_PROPAGATION)}")
    return cast(Propagation, wanted)


@dataclass(slots=True)
class Deletes:
    """All deletions."""

    store: Store
    kinds: DeclaredKinds

    async def delete(self, request: Request, target: Target, shape: Shape) -> Response:
        """DELETE of one resource: a Status when it is gone, the resource while finalizers hold it."""
        if target.type == NAMESPACE and target.name == PROTECTED_NAMESPACE:
            raise forbidden(f'namespaces "{target.name}" is forbidden: this namespace may not be deleted')
        last = await self._delete(target.key, await delete_options(request))
        return json_response(_gone(target, last) if not _held(last) else shape.one(last))

    async def delete_collection(self, request: Request, target: Target, shape: Shape) -> Response:
        """DELETE of all that the selectors let through; answers the list of what was deleted."""
        if target.type == NAMESPACE:
            raise forbidden("namespaces are deleted one by one")
        options = await delete_options(request)
        version, items = await self._selected(request, target)
        for start in range(0, len(items), AT_ONCE):
            batch = items[start : start + AT_ONCE]
            await asyncio.gather(*(self._delete_item(target, item, options) for item in batch))
        return Response(encode_list(shape, {"resourceVersion": version}, items))

    async def _selected(self, request: Request, target: Target) -> tuple[str, list[Resource]]:
        """The version of the list and its items: one page with a limit, else all."""
        selector, limit = find_selector(request, target.type), parse_number(request, "limit")
        token, items = request.query.get("continue", ""), list[Resource]()
        while True:
            page = await page_at(self.store, target, selector, limit or PAGE, token)
            items += page.items
            token = page.next_token
            if limit or not token:
                return page.resource_version, items

    async def _delete_item(self, target: Target, item: Resource, options: DeleteOptions) -> None:
        meta = item["metadata"]
        try:
            await self._delete(Key(target.type, meta.get("namespace", ""), meta["name"]), options)
        except Exception as error:
            if not _is_gone(error):
                raise

    async def _delete(self, key: Key, options: DeleteOptions) -> Resource:
        try:
            last = await self.store.delete(
                key,
                uid=options.uid,
                resource_version=options.resource_version,
                propagation=options.propagation,
                dry_run=options.dry_run,
            )
        except KabaneroError as error:
            raise as_api_error(error, key) from error
        if is_stage_kind(key.type) and not options.dry_run and not _held(last):
            self.kinds.drop(last)
        return last


def _is_gone(error: Exception) -> bool:
    return isinstance(error.__cause__, NotFoundError)


def _held(resource: Resource) -> bool:
    return bool(resource["metadata"].get("finalizers"))


def _gone(target: Target, last: Resource) -> dict[str, Any]:
    group = {"group": target.type.group} if target.type.group else {}
    details = {"name": target.name, **group, "kind": target.type.plural, "uid": last["metadata"].get("uid", "")}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
