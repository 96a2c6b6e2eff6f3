"""The port of resources. See the package for the rules that all ports share."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kabanero.model.errors import KabaneroError
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Selector


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `resource_version` is where a watch continues; `next_token` is empty on the last page."""

    items: list[Resource]
    resource_version: str
    next_token: str = ""
    remaining: int = 0


class Change(enum.StrEnum):
    """What a watch says of a resource, in Kubernetes' words."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change, or a bookmark whose resource carries only kind and resourceVersion."""

    change: Change
    resource: Resource


@dataclass(frozen=True, slots=True)
class Write:
    """One of many writes given together to `Store.write_all`. They are independent: one may fail alone."""

    verb: Literal["create", "update", "update_status"]
    resource: Resource


class Store(Protocol):
    """Resources with the Kubernetes API's semantics.

    Stores know nothing of a kind's rules: validation and defaults happen before. They own metadata: uid,
    creationTimestamp, resourceVersion, generation (counts changes outside metadata and status), deletionTimestamp,
    generateName, finalizers, ownerReferences with garbage collection (background by default).

    Every method raises StoreUnavailableError when the store can't be reached or can't write. Then nothing was written,
    but where a network lies in between nobody can know that: the caller must be able to do it again. A store on another
    server also raises ForbiddenError and KindMissingError, temporary both, since somebody can grant or install it.
    Resources given in are not modified; resources handed out may be shared: treat them as read-only.
    """

    async def create(self, resource: Resource, *, dry_run: bool = False) -> Resource:
        """Raises AlreadyExistsError; NotFoundError when its namespace is not there (embedded: made on demand)."""

    async def get(self, key: Key, *, recent: bool = False) -> Resource:
        """Raises NotFoundError.

        With `recent` it may be a moment old, except for what was written through this store. That is good enough for
        who writes it back with its resourceVersion, or reads what people have written, and saves a request to a store
        that is far away. What was not heard of is asked for.
        """

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
        """All of a kind, in the order of namespace and name; `namespace` empty means every one, `limit` 0 all.

        With `limit`, pages of one list show one state of the store: the present one, or that of resourceVersion `at`.
        `recent` is as for `get`, and for lists without `limit` of kinds of which there are few.
        Raises ExpiredError for a token or version too old.
        """

    async def update(self, resource: Resource, *, status: bool = False, dry_run: bool = False) -> Resource:
        """Writes all but status, or with `status` the status alone. A write that changes nothing makes no new version.

        A resourceVersion in it must be the current one, else ConflictError; without one it overwrites. A uid in it
        must be the resource's, else ConflictError. Raises NotFoundError.
        """

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        dry_run: bool = False,
    ) -> Resource:
        """Removes it, or sets deletionTimestamp while finalizers remain; the removal comes with the last of them.

        Returns the resource as last seen. Raises NotFoundError, ConflictError when uid or version is another.
        """

    async def write_all(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        """Many writes in one go; the answers stand in the order of the writes, errors as values.

        No promise that all or none happen: an adapter may commit them together, a caller may not rely on it.
        """

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
        """Changes after version `since`, then live, in order, until closed or `timeout` seconds are over.

        `since` empty: first an ADDED for each resource that is there. A resource that stops matching the selector is
        DELETED to this watch, one that starts matching is ADDED. Raises ExpiredError when `since` is too old.
        """

    async def learn(self, type: ResourceType) -> None:
        """Takes in a kind that was declared after the store was opened (by a StageKind); a known one changes nothing.

        On Kubernetes the kind's CRD must be there.
        """

    async def find_type(self, api_version: str, kind: str) -> ResourceType | None:
        """The kind as this store holds it, also one that is not ours; None when it holds no such kind.

        On Kubernetes the API server is asked, and asked again for a kind that was not there before.
        """

    async def all_types(self) -> Sequence[ResourceType]:
        """All kinds that can be listed and watched now; of several versions of one the store's preferred one."""

    async def close(self) -> None:
        """Ends watches and releases what is held. What was answered is durable without it."""
