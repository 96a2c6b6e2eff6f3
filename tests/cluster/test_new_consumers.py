"""A consumer of the bus on Kubernetes that is just being made known, while others are at work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kabanero.buses.backoff import Backoff
from kabanero.buses.kubernetes import BusSettings, KubernetesBus
from kabanero.clock import SystemClock
from kabanero.kubernetes import Client, ClientSettings, Request
from kabanero.ports import EventQuery

from tests.contract.events import event, reading
from tests.contract.kubernetes_bus import new_namespace
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
PATIENCE = 30.0


class Slow(Client):
    """Its writes to ConfigMaps, where consumers are made known, wait until they are let through."""

    asked: asyncio.Event
    let: asyncio.Event

    async def call(self, request: Request, body: Any = None, **more: Any) -> Any:
        if request.type.kind == "ConfigMap" and request.verb == "patch":
            self.asked.set()
            await self.let.wait()
        return await super().call(request, body, **more)


async def test_one_that_comes_while_another_handles_an_event_gets_it_too(apiserver: ApiServer) -> None:
    client = await Slow.open(SystemClock(), ClientSettings(kubeconfig=apiserver.kubeconfig, qps=0))
    assert isinstance(client, Slow)
    client.asked, client.let = asyncio.Event(), asyncio.Event()
    client.let.set()
    settings = BusSettings(namespace=await new_namespace(client), backoff=Backoff(), flush_seconds=0.01)
    bus = KubernetesBus(client, SystemClock(), settings)
    await bus.publish([event("a")])
    async with reading(bus, "one") as one, reading(bus, "two") as two:
        delivery = await one.next()
        client.asked.clear(), client.let.clear()
        second = asyncio.ensure_future(two.next())
        await asyncio.wait_for(client.asked.wait(), PATIENCE)
        await delivery.ack()
        await bus.find(EventQuery(id="a"))
        client.let.set()
        assert (await second).event.id == "a"
    await bus.close()
    await client.close()
