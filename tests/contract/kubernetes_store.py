"""The Kubernetes store for the store contract: on a real API server, with Kubernetes' own garbage collector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from kabanero.clock import SystemClock
from kabanero.kubernetes import Client, ClientSettings, Request
from kabanero.ports import Store
from kabanero.stores.kubernetes import KubernetesStore

from tests.contract.resources import TYPE, eventually, with_metadata, without_version
from tests.testbed import parts
from tests.testbed.apiserver import ApiServer

NAMESPACES = ("kabanero", "one", "two")
COLLECTOR = "kube-controller-manager"
NO_LIMIT = ("--kube-api-qps=2000", "--kube-api-burst=4000")


def prepare(server: ApiServer) -> None:
    """The namespaces that the contract's resources live in, and what collects garbage."""
    server.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES))
    server.processes.start(
        COLLECTOR,
        parts.program(COLLECTOR),
        f"--kubeconfig={server.kubeconfig}",
        "--controllers=garbage-collector-controller",
        "--leader-elect=false",
        "--secure-port=0",
        *NO_LIMIT,
    )


async def opened(server: ApiServer) -> AsyncIterator[tuple[Store, Callable[[], Awaitable[None]]]]:
    """A store that finds nothing of earlier tests, and how to make the server forget its history."""
    clock = SystemClock()
    client = await Client.open(clock, ClientSettings(kubeconfig=server.kubeconfig))
    store = KubernetesStore(client, clock)

    async def forget_history() -> None:
        await asyncio.to_thread(server.forget_history)

    await _remove_all(client, store)
    yield store, forget_history
    await store.close()
    await _remove_all(client, store)
    await client.close()


async def _remove_all(client: Client, store: Store) -> None:
    """Other tests on the same server may have left something; finalizers hold nothing up."""

    async def nothing_left() -> bool:
        left: list[Any] = (await store.list(TYPE)).items
        held = [
            without_version(with_metadata(each, finalizers=[])) for each in left if "finalizers" in each["metadata"]
        ]
        await asyncio.gather(*(store.update(each) for each in held), return_exceptions=True)
        return not left

    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    for namespace in {each["metadata"]["namespace"] for each in (await store.list(TYPE)).items}:
        await client.call(Request("deletecollection", TYPE, namespace), options)
    await eventually(nothing_left)
