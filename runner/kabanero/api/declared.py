"""Keeps the catalog and the store up to date with the kinds that StageKinds declare.

By a watch, so that every StageKind counts whoever wrote it, and at once after a write through this API, since whoever
declares a kind may use it in the next request.
"""

from __future__ import annotations

from dataclasses import dataclass

from kabanero.api.catalog import Catalog, declared_kind
from kabanero.controllers.following import every, follow
from kabanero.model.kinds.registry import STAGE_KIND
from kabanero.model.resource import Resource
from kabanero.ports import Change, Clock, Store


@dataclass(slots=True)
class DeclaredKinds:
    """Teaches kinds to the store first, then serves them."""

    store: Store
    catalog: Catalog
    clock: Clock

    async def take(self, stage_kind: Resource) -> None:
        """A StageKind is new or has changed."""
        if kind := declared_kind(stage_kind):
            await self.store.learn(kind.type)
        self.catalog.put(stage_kind)

    def drop(self, stage_kind: Resource) -> None:
        """A StageKind is gone."""
        self.catalog.drop(stage_kind)

    async def load(self) -> None:
        """Learns all that is declared now, and forgets all else."""
        stage_kinds = [stage_kind async for stage_kind in every(self.store, STAGE_KIND.type)]
        for kind in filter(None, map(declared_kind, stage_kinds)):
            await self.store.learn(kind.type)
        self.catalog.replace(stage_kinds)

    async def run(self) -> None:
        """Follows StageKinds until cancelled."""
        async for event in follow(self.store, self.clock, STAGE_KIND.type, known=self.catalog.places()):
            match event.change:
                case Change.DELETED:
                    self.drop(event.resource)
                case Change.ADDED | Change.MODIFIED:
                    await self.take(event.resource)
