"""How far each watch has come, kept in the store so that a restart, or another replica, goes on from there.

One ConfigMap for each watch, beside the filter: the version up to which all events are on the bus, and, as long as the
objects are few, which were there. Why that is enough is told in docs/decisions/0032-kubernetes-events.md.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from typing import Any

import orjson

from kabanero.model.errors import AlreadyExistsError, KabaneroError, NotFoundError
from kabanero.model.kinds.core import CONFIG_MAP
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import Clock, Store
from kabanero.sources.kubernetes_changes import Known, group_kind
from kabanero.sources.kubernetes_objects import Seen
from kabanero.sources.kubernetes_wants import Scope

log = logging.getLogger(__name__)
LABEL = "kabanero.io/kubernetes-events"
OURS = Selector(labels=(Requirement(LABEL, "exists"),))
KNOWN_LIMIT = 500
"""Objects of a watch up to which they are named in its mark; some 100 bytes each."""


def is_mark(resource: Resource) -> bool:
    """Whether a ConfigMap is one of these; nothing is told of them."""
    return LABEL in (resource["metadata"].get("labels") or {})


class Marks:
    """Reads and writes them in one namespace."""

    def __init__(self, store: Store, clock: Clock, namespace: str, instance: str) -> None:
        self._store, self._clock, self._namespace, self._instance = store, clock, namespace, instance

    async def load(self, scope: Scope) -> tuple[str, Known] | None:
        """The version and what was known then; None where the watch was never begun."""
        data = await self.read(self.name_of(scope))
        try:
            return (data["resourceVersion"], _known(data)) if data else None
        except (KeyError, ValueError, TypeError) as error:
            log.warning("The mark of %s can't be read, so it begins anew: %r", scope, error)
            return None

    async def save(self, scope: Scope, version: str, objects: Collection[Seen]) -> None:
        """Writes how far the watch has come. One that can't be written is written later."""
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        data = {"watch": str(scope), "resourceVersion": version, "time": now}
        if len(objects) <= KNOWN_LIMIT:
            known = {each.uid: [each.namespace, each.name, each.generation] for each in objects}
            data["objects"] = orjson.dumps(known).decode()
        await self.write(self.name_of(scope), data)

    async def keep_only(self, scopes: Collection[Scope]) -> None:
        """Deletes the marks of watches that nobody needs any more: begun again later, they begin anew."""
        names = {self.name_of(scope) for scope in scopes}
        try:
            page = await self._store.list(CONFIG_MAP, namespace=self._namespace, selector=OURS)
            for mark in page.items:
                name, of = mark["metadata"]["name"], mark["metadata"]["labels"][LABEL]
                if of == f"{self._instance}-mark" and name not in names:
                    await self._store.delete(Key(CONFIG_MAP, self._namespace, name))
        except KabaneroError as error:
            log.info("Marks of watches that ended were not deleted: %s", error)

    def name_of(self, scope: Scope) -> str:
        """The mark's name."""
        text = f"{self._instance}/{group_kind(scope.type)}/{scope.namespace}"
        return f"kabanero-mark-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    # --- ConfigMaps ---

    async def read(self, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap of ours."""
        try:
            found = await self._store.get(Key(CONFIG_MAP, self._namespace, name))
        except NotFoundError:
            return None
        data: dict[str, str] = found.get("data") or {}
        return data

    async def write(self, name: str, data: dict[str, str], part: str = "mark") -> None:
        """Puts data into a ConfigMap of ours; what is in the way is logged."""
        metadata: dict[str, Any] = {"name": name, "namespace": self._namespace}
        metadata["labels"] = {LABEL: f"{self._instance}-{part}"}
        resource = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            try:
                await self._store.update(resource)
            except NotFoundError:
                await self._store.create(resource)
        except AlreadyExistsError:
            log.debug("ConfigMap %s was made by another", name)
        except KabaneroError as error:
            log.warning("How far Kubernetes events have come can't be kept: %s", error)


def _known(data: dict[str, str]) -> Known:
    version = data["resourceVersion"]
    objects = orjson.loads(data["objects"]) if "objects" in data else {}
    states = {uid: Seen(uid, namespace, name, "", generation) for uid, (namespace, name, generation) in objects.items()}
    return Known(states, int(version), data["time"], complete="objects" in data)
