"""The Store port on a Kubernetes API server: each verb is the API's own, done by `writing`, `listing` and `watching`.

Metadata, garbage collection, conflicts and history are the server's; namespaces are not made on demand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal

from kabanero.kubernetes import Client, Request
from kabanero.kubernetes.answers import missing_kind
from kabanero.model.errors import InvalidError, KabaneroError, Problem
from kabanero.model.kinds.core import CORE_TYPES
from kabanero.model.kinds.registry import KINDS
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Selector
from kabanero.ports import Clock, Page, WatchEvent, Write
from kabanero.stores.kubernetes.discovering import discover, discover_all
from kabanero.stores.kubernetes.listing import Scope, page, whole
from kabanero.stores.kubernetes.remembering import Memory
from kabanero.stores.kubernetes.settings import StoreSettings
from kabanero.stores.kubernetes.shaping import received, version_of
from kabanero.stores.kubernetes.watching import Watching
from kabanero.stores.kubernetes.writing import Writing

ALL_TYPES: tuple[ResourceType, ...] = (*(kind.type for kind in KINDS), *CORE_TYPES)


class KubernetesStore:
    """Resources on the API server that `client` talks to. The client stays the caller's to close."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        settings: StoreSettings | None = None,
        types: Iterable[ResourceType] = ALL_TYPES,
    ) -> None:
        self._client, self._settings = client, settings or StoreSettings()
        self._types = {(type.api_version, type.kind): type for type in types}
        self._memory = Memory(self._settings.remembered)
        self._writing = Writing(client, self._memory, self._type_of)
        self._watching = Watching(client, self._memory, clock, self._settings)

    async def create(self, resource: Resource, *, dry_run: bool = False) -> Resource:
        """As `Store.create`."""
        return await self._writing.create(resource, dry_run=dry_run)

    async def get(self, key: Key, *, recent: bool = False) -> Resource:
        """As `Store.get`."""
        if recent and (known := self._memory.recall(key)):
            return known
        asked = self._memory.asked(key.type)
        found = received(key.type, await self._client.call(Request("get", key.type, key.namespace, key.name)))
        self._memory.answered(key, found, asked)
        return found

    async def list(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        limit: int = 0,
        token: str = "",
        at: str = "",
        recent: bool = False,
    ) -> Page:
        """As `Store.list`. The pages of a list follow the server's order, which has namespace `a-b` before `a`."""
        scope = Scope(type, namespace, selector)
        if recent and not limit and self._memory.is_live(type):
            return await self._recent(scope)
        exact = {"resourceVersion": at, "resourceVersionMatch": "Exact"} if at and not token else {}
        if limit or token:
            return await page(self._client, scope, limit, token, exact)
        return await whole(self._client, scope, self._settings.page, exact)

    async def _recent(self, scope: Scope) -> Page:
        """Out of all of the kind, as last heard of; it is listed when it is not known."""
        known = self._memory.recall_all(scope.type)
        if known is None:
            place = self._memory.place(scope.type)
            listed = await whole(self._client, Scope(scope.type), self._settings.page)
            known = listed.items
            self._memory.keep_all(scope.type, known, listed.resource_version, place)
        found = [each for each in known if scope.holds(each)]
        return Page(found, max((version_of(each) for each in known), key=int, default=""))

    async def update(self, resource: Resource, *, status: bool = False, dry_run: bool = False) -> Resource:
        """As `Store.update`."""
        return await self._writing.update(resource, status=status, dry_run=dry_run)

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        dry_run: bool = False,
    ) -> Resource:
        """As `Store.delete`."""
        return await self._writing.delete(key, uid, resource_version, propagation, dry_run)

    async def write_all(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        """As `Store.write_all`; a request for each write, side by side."""
        return await self._writing.write_all(writes)

    def watch(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        since: str = "",
        bookmarks: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """As `Store.watch`."""
        return self._watching.changes(Scope(type, namespace, selector), since, bookmarks, timeout)

    async def learn(self, type: ResourceType) -> None:
        """As `Store.learn`. Raises KindMissingError while the kind's definition is not there."""
        if self._types.get((type.api_version, type.kind)) == type:
            return
        if await discover(self._client, type.api_version, type.kind) is None:
            raise missing_kind(type)
        self._types[type.api_version, type.kind] = type

    async def find_type(self, api_version: str, kind: str) -> ResourceType | None:
        """As `Store.find_type`."""
        known = self._types.get((api_version, kind))
        if known is None and (found := await discover(self._client, api_version, kind)):
            known = self._types[api_version, kind] = found
        return known

    async def all_types(self) -> Sequence[ResourceType]:
        """As `Store.all_types`."""
        return await discover_all(self._client)

    async def close(self) -> None:
        """As `Store.close`."""
        self._watching.close()

    def _type_of(self, resource: Resource) -> ResourceType:
        api_version, kind = str(resource.get("apiVersion", "")), str(resource.get("kind", ""))
        found = self._types.get((api_version, kind))
        if found is None:
            problem = Problem("kind", f"{kind!r} of {api_version!r} is not a kind that this store was opened with")
            raise InvalidError(kind or "resource", [problem])
        return found
