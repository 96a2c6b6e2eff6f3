"""The embedded API server put together: what `app` needs to serve the resource API from a store.

`prepare` before the first request, `run` beside the server until the end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from kabanero.api.access import Tokens
from kabanero.api.catalog import Catalog
from kabanero.api.declared import DeclaredKinds
from kabanero.api.http import BodyLimits
from kabanero.api.namespaces import NamespaceLoop, ensure_namespaces
from kabanero.api.resources import ResourceApi
from kabanero.ports import Clock, Store


@dataclass(slots=True)
class EmbeddedApi:
    """The resource API with the loops that belong to it: declared kinds, and namespaces that are deleted."""

    store: Store
    clock: Clock
    tokens: Tokens
    limits: BodyLimits = field(default_factory=BodyLimits)
    catalog: Catalog = field(default_factory=Catalog)
    app: ResourceApi = field(init=False)
    kinds: DeclaredKinds = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = DeclaredKinds(self.store, self.catalog, self.clock)
        self.app = ResourceApi(self.store, self.clock, self.kinds, tokens=self.tokens, limits=self.limits)

    async def prepare(self) -> None:
        """Makes the namespaces that are always there, and learns the kinds that are declared."""
        await ensure_namespaces(self.store)
        await self.kinds.load()

    async def run(self) -> None:
        """Works until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(NamespaceLoop(self.store, self.catalog, self.clock).run())
            tasks.create_task(self.kinds.run())

    def close(self) -> None:
        """Ends open watches, so that the server can close."""
        self.app.replies.end_streams()
