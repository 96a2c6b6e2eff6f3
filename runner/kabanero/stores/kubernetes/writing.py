"""The writing verbs as requests. Used by `store`.

The API server has no request for many writes, so many are sent side by side, as far as the client lets them. A custom
resource can't be written without a resourceVersion: overwriting is a patch where that says the same, else a read and a
write until no one came in between.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kabanero.kubernetes import Client, Request
from kabanero.kubernetes.requests import JSON_PATCH
from kabanero.model.errors import ConflictError, InvalidError, KabaneroError, NotFoundError, Problem
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.ports import Write
from kabanero.stores.kubernetes.remembering import Memory
from kabanero.stores.kubernetes.shaping import (
    key_of,
    received,
    to_create,
    to_update,
    to_update_status,
    uid_of,
    version_of,
)

OVERWRITES = 8
TypeOf = Callable[[Resource], ResourceType]


class Writing:
    """Writes through a client; what is answered is remembered."""

    def __init__(self, client: Client, memory: Memory, type_of: TypeOf) -> None:
        self._client, self._memory, self._type_of = client, memory, type_of

    async def create(self, resource: Resource, *, dry_run: bool = False) -> Resource:
        """As `Store.create`."""
        type = self._type_of(resource)
        key = key_of(type, resource)
        if type.namespaced and not key.namespace:
            raise InvalidError(type.kind, [Problem("metadata.namespace", "is missing")])
        request = Request("create", type, key.namespace, query=_query(dry_run))
        return await self._sent(request, to_create(resource), dry_run)

    async def update(self, resource: Resource, *, status: bool = False, dry_run: bool = False) -> Resource:
        """As `Store.update`."""
        type = self._type_of(resource)
        if status and not type.has_status:
            raise NotFoundError(f"{type.kind} has no status of its own; update the whole resource")
        if version := version_of(resource):
            return await self._put(type, resource, version, status, dry_run)
        if status and not uid_of(resource) and resource.get("status") is not None:
            return await self._patch_status(type, resource, dry_run)
        return await self._overwrite(type, resource, status, dry_run)

    async def _put(self, type: ResourceType, resource: Resource, version: str, status: bool, dry_run: bool) -> Resource:
        key = key_of(type, resource)
        body = to_update_status(type, resource, version) if status else to_update(type, resource, version)
        request = _about("update", key, "status" if status else "", _query(dry_run))
        return await self._written(request, key, body, dry_run)

    async def _patch_status(self, type: ResourceType, resource: Resource, dry_run: bool) -> Resource:
        key = key_of(type, resource)
        request = _about("patch", key, "status", _query(dry_run), JSON_PATCH)
        patch = [{"op": "add", "path": "/status", "value": resource["status"]}]
        return await self._written(request, key, patch, dry_run)

    async def _overwrite(self, type: ResourceType, resource: Resource, status: bool, dry_run: bool) -> Resource:
        key = key_of(type, resource)
        for _ in range(OVERWRITES):
            there = await self._client.call(_about("get", key))
            try:
                return await self._put(type, resource, version_of(there), status, dry_run)
            except ConflictError:
                if uid_of(resource) not in ("", uid_of(there)):
                    raise
        raise ConflictError(f"{key} keeps changing")

    async def _written(self, request: Request, key: Key, body: Any, dry_run: bool) -> Resource:
        try:
            return await self._sent(request, body, dry_run)
        except (ConflictError, NotFoundError):
            self._memory.forget(key)
            raise

    async def _sent(self, request: Request, body: Any, dry_run: bool) -> Resource:
        asked = self._memory.asked(request.type)
        written = received(request.type, await self._client.call(request, body))
        if not dry_run:
            self._memory.answered(key_of(request.type, written), written, asked)
        return written

    async def delete(self, key: Key, uid: str, version: str, propagation: str, dry_run: bool) -> Resource:
        """As `Store.delete`. The server answers a removal without the resource, so it is looked at before."""
        seen = self._memory.recall(key) or received(key.type, await self._client.call(_about("get", key)))
        wanted = {"uid": uid, "resourceVersion": version}
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {name: value for name, value in wanted.items() if value},
        }
        if dry_run:
            options["dryRun"] = ["All"]
        try:
            answer = await self._client.call(_about("delete", key), options)
        finally:
            if not dry_run:
                self._memory.forget(key)  # Not before: what is heard until it is answered may be from before.
        return seen if answer.get("kind") == "Status" else received(key.type, answer)

    async def write_all(self, writes: Sequence[Write]) -> list[Resource | KabaneroError]:
        """As `Store.write_all`: side by side, but writes of one resource one after the other."""
        chains: defaultdict[object, list[int]] = defaultdict(list)
        for number, write in enumerate(writes):
            chains[_chain_of(write, number)].append(number)
        answers: dict[int, Resource | KabaneroError] = {}

        async def carry_out(chain: Sequence[int]) -> None:
            for number in chain:
                answers[number] = await self._guarded(writes[number])

        await asyncio.gather(*(carry_out(chain) for chain in chains.values()))
        return [answers[number] for number in range(len(writes))]

    async def _guarded(self, write: Write) -> Resource | KabaneroError:
        try:
            if write.verb == "create":
                return await self.create(write.resource)
            return await self.update(write.resource, status=write.verb == "update_status")
        except KabaneroError as error:
            return error


def _chain_of(write: Write, number: int) -> object:
    metadata = write.resource.get("metadata") or {}
    if not metadata.get("name"):
        return number
    return write.resource.get("kind"), metadata.get("namespace"), metadata["name"]


def _about(
    verb: Any, key: Key, subresource: str = "", query: Mapping[str, str] | None = None, content_type: str = ""
) -> Request:
    more = {"content_type": content_type} if content_type else {}
    return Request(verb, key.type, key.namespace, key.name, subresource, query or {}, **more)


def _query(dry_run: bool) -> dict[str, str]:
    return {"fieldManager": "kabanero", "fieldValidation": "Strict", "dryRun": "All" if dry_run else ""}
