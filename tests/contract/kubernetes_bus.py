"""The Kubernetes bus for the bus contract: on a real API server, each time in a namespace of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kabanero.buses.backoff import Backoff
from kabanero.buses.kubernetes import BusSettings
from kabanero.clock import SystemClock
from kabanero.kubernetes import Client, ClientSettings, Request
from kabanero.model.kinds.core import NAMESPACE

from tests.testbed.apiserver import ApiServer


@asynccontextmanager
async def opened(server: ApiServer, backoff: Backoff) -> AsyncIterator[tuple[Client, BusSettings]]:
    """A client, and settings for buses on it."""
    client = await Client.open(SystemClock(), ClientSettings(kubeconfig=server.kubeconfig, qps=0))
    namespace = await new_namespace(client)
    try:
        yield client, BusSettings(namespace=namespace, backoff=backoff, flush_seconds=0.01)
    finally:
        await client.close()


async def new_namespace(client: Client, prefix: str = "bus") -> str:
    """One that nobody else uses."""
    name = f"{prefix}-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await client.call(Request("create", NAMESPACE), body)
    return name
