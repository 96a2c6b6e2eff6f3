"""A namespace on the API server, a store for whoever is to use it, and what tests of the store need besides."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from kabanero.clock import SystemClock
from kabanero.controllers.following import follow
from kabanero.kubernetes import Client, ClientSettings, Request
from kabanero.model.errors import AlreadyExistsError, TemporaryError
from kabanero.model.resource import Resource
from kabanero.ports import Change, Store, WatchEvent
from kabanero.stores.kubernetes import KubernetesStore, StoreSettings

from tests.contract.resources import TYPE, stage_run
from tests.testbed.apiserver import ApiServer

PATIENCE = 30.0
CLOCK = SystemClock()


@asynccontextmanager
async def opened(
    kubeconfig: Path, *, store: StoreSettings | None = None, **settings: Any
) -> AsyncIterator[tuple[KubernetesStore, Client]]:
    """A store and its client as a user."""
    client = await Client.open(CLOCK, ClientSettings(kubeconfig=kubeconfig, **settings))
    opened_store = KubernetesStore(client, CLOCK, store)
    try:
        yield opened_store, client
    finally:
        await opened_store.close()
        await client.close()


@asynccontextmanager
async def new_namespace(server: ApiServer) -> AsyncIterator[str]:
    """One whose StageRuns go at the end: other tests list all that there are."""
    name = f"store-{uuid.uuid4().hex[:8]}"
    server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    async with opened(server.kubeconfig) as (_, client):
        await client.call(Request("deletecollection", TYPE, name))


class Follower:
    """Follows StageRuns as controllers do, and keeps what it is told of one namespace."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store, self._namespace = store, namespace
        self.told: list[WatchEvent] = []
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Follower:
        self._task = asyncio.create_task(self._follow())
        await self.until(lambda: any(each.change is Change.BOOKMARK for each in self.told))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        async for event in follow(self._store, CLOCK, TYPE):
            if event.resource["metadata"].get("namespace", self._namespace) == self._namespace:
                self.told.append(event)
                async with self._news:
                    self._news.notify_all()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(condition)

    def names(self, change: Change = Change.ADDED) -> list[str]:
        return [each.resource["metadata"]["name"] for each in self.told if each.change is change]


async def created(store: Store, name: str, namespace: str) -> None:
    """Creates a resource as controllers do: again after an outage; found already means done."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await store.create(stage_run(name, namespace))
                return
            except AlreadyExistsError:
                return
            except TemporaryError:
                await asyncio.sleep(0.2)


def with_user(kubeconfig: Path, copy: Path, user: dict[str, Any]) -> Path:
    """The same server for another user."""
    config: Resource = yaml.safe_load(kubeconfig.read_text())
    config["users"][0]["user"] = user
    copy.write_text(yaml.safe_dump(config))
    return copy


def rule_of(text: str) -> dict[str, Any]:
    """The RBAC rule that a message proposes."""
    rule: dict[str, Any] = yaml.safe_load(text[text.index("{apiGroups") : text.rindex("}") + 1])
    return rule


def grant(apiserver: ApiServer, space: str, rule: dict[str, Any]) -> None:
    """Lets the account `nobody` of a namespace do there what a rule says."""
    name = f"{rule['resources'][0].replace('/', '-')}-{rule['verbs'][0]}"
    place = {"name": name, "namespace": space}
    rbac = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": place, "rules": [rule]}
    subject = {"kind": "ServiceAccount", "name": "nobody", "namespace": space}
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": place,
        "subjects": [subject],
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
    }
    apiserver.apply(role, binding)
    apiserver.kubectl("auth", "can-i", rule["verbs"][0], rule["resources"][0], "-n", space)
