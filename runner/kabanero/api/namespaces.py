"""Namespaces of the embedded store: those that are always there, and the removal of one with all that lives in it.

A namespace carries a finalizer of ours. When it is deleted, this loop deletes what is in it and takes the finalizer
away when nothing is left: a crash in between only means that the loop goes on after the restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from kabanero.api.catalog import Catalog
from kabanero.api.rules import CONTENTS_FINALIZER, as_stored
from kabanero.controllers.following import every, follow
from kabanero.model.errors import AlreadyExistsError, ConflictError, NotFoundError, TemporaryError
from kabanero.model.kinds.core import NAMESPACE
from kabanero.model.resource import Key, Resource
from kabanero.ports import Change, Clock, Store

log = logging.getLogger(__name__)
ALWAYS_THERE = ("default", "kabanero")
RETRY_SECONDS = 1.0


async def ensure_namespaces(store: Store, names: tuple[str, ...] = ALWAYS_THERE) -> None:
    """Creates the namespaces that must be there."""
    for name in names:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        with contextlib.suppress(AlreadyExistsError):
            await store.create(as_stored(NAMESPACE, namespace))


@dataclass(slots=True)
class NamespaceLoop:
    """Says in its status where each namespace stands, and empties those whose deletion was asked."""

    store: Store
    catalog: Catalog
    clock: Clock
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            async for event in follow(self.store, self.clock, NAMESPACE):
                if event.change in (Change.ADDED, Change.MODIFIED):
                    await self._look_at(event.resource)
        finally:
            for task in self._busy.values():
                task.cancel()

    async def _look_at(self, namespace: Resource) -> None:
        phase = "Terminating" if namespace["metadata"].get("deletionTimestamp") else "Active"
        if (namespace.get("status") or {}).get("phase") != phase:
            with contextlib.suppress(NotFoundError, ConflictError):
                await self.store.update({**namespace, "status": {"phase": phase}}, status=True)
        if _is_terminating(namespace):
            self._begin(namespace["metadata"]["name"])

    def _begin(self, name: str) -> None:
        if name not in self._busy:
            task = asyncio.create_task(self._remove(name))
            self._busy[name] = task
            task.add_done_callback(lambda _: self._busy.pop(name, None))

    async def _remove(self, name: str) -> None:
        while True:
            try:
                if await self._empty(name):
                    return await self._release(name)
            except TemporaryError as error:
                log.warning("Namespace %s can't be emptied now: %s", name, error)
            await self.clock.sleep(RETRY_SECONDS)

    async def _empty(self, name: str) -> bool:
        """Deletes what is in the namespace; whether nothing is left that waits for finalizers of others."""
        held = 0
        for type in [type for type in self.catalog.types() if type.namespaced]:
            async for resource in every(self.store, type, namespace=name):
                held += await self._delete(Key(type, name, resource["metadata"]["name"]))
        return held == 0

    async def _delete(self, key: Key) -> bool:
        try:
            last = await self.store.delete(key)
        except NotFoundError:
            return False
        return bool(last["metadata"].get("finalizers"))

    async def _release(self, name: str) -> None:
        with contextlib.suppress(NotFoundError, ConflictError):
            namespace = await self.store.get(Key(NAMESPACE, "", name))
            meta = namespace["metadata"]
            rest = [finalizer for finalizer in meta.get("finalizers", []) if finalizer != CONTENTS_FINALIZER]
            await self.store.update({**namespace, "metadata": {**meta, "finalizers": rest}})
            log.info("Namespace %s is removed", name)


def _is_terminating(namespace: Resource) -> bool:
    meta = namespace["metadata"]
    return bool(meta.get("deletionTimestamp")) and CONTENTS_FINALIZER in meta.get("finalizers", [])
