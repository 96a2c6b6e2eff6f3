"""A namespace of its own on an API server, and a source of Kubernetes events that is tried there."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kabanero.buses.sqlite import SqliteBus
from kabanero.model.kinds.registry import STRATEGY_RUN
from kabanero.model.resource import Resource
from kabanero.ports import Store

from tests.cluster.store_world import opened
from tests.support.clock import FakeClock, ServedClock
from tests.support.kubernetes_events import listening, ready, strategy
from tests.testbed.apiserver import ApiServer


@dataclass
class World:
    server: ApiServer
    space: str
    """Where the runner and its triggers are."""
    bus: SqliteBus
    clock: FakeClock
    store: Store

    def listening(self, store: Store | None = None) -> AbstractAsyncContextManager[Any]:
        return listening(store or self.store, self.bus, self.clock, namespace=self.space)

    async def apply(self, *resources: Resource) -> None:
        await asyncio.to_thread(self.server.apply, *resources)

    async def kubectl(self, *words: str) -> str:
        return await asyncio.to_thread(self.server.kubectl, *words)

    async def ready(self, reason: str = "Listening", name: str = "watch") -> Resource:
        return await ready(self.store, reason, name, self.space)

    async def runs(self) -> list[Resource]:
        return (await self.store.list(STRATEGY_RUN.type, namespace=self.space)).items

    async def quiet(self) -> None:
        """Long enough for anything that was going to be told."""
        await asyncio.sleep(1)

    def own(self, *resources: Resource) -> list[Resource]:
        return [{**each, "metadata": {**each["metadata"], "namespace": self.space}} for each in resources]


@asynccontextmanager
async def a_world(server: ApiServer, folder: Path) -> AsyncIterator[World]:
    space, clock = f"events-{uuid.uuid4().hex[:8]}", ServedClock()
    bus = await SqliteBus.open(folder / "bus.db", clock)
    async with opened(server.kubeconfig) as (store, _):
        world = World(server, space, bus, clock, store)
        await world.apply(a_namespace(space))
        await world.apply(*world.own(*strategy()))
        yield world
        await world.kubectl("delete", "strategytriggers,strategyruns", "--all", "-n", space)
    await bus.close()


def a_namespace(name: str) -> Resource:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
