"""The store of a runner that serves some namespaces, where rights come while it reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from kabanero.kubernetes import Client, ClientSettings
from kabanero.model.errors import ExpiredError
from kabanero.stores.kubernetes import NamespacedStore

from tests.cluster.store_world import CLOCK, PATIENCE, new_namespace
from tests.contract.resources import TYPE
from tests.support.clock import FakeClock
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster


@dataclass
class World:
    """An account that may read one of two namespaces, and a store that serves both."""

    server: ApiServer
    store: NamespacedStore
    clock: FakeClock
    account: str
    closed: str

    def grant(self, namespace: str) -> None:
        """Lets the account read StageRuns of a namespace."""
        where, who = f"--namespace={namespace}", f"--serviceaccount={self.account}"
        verbs = ("--verb=list", "--verb=watch", "--resource=stageruns.kabanero.io")
        self.server.kubectl("create", "role", "read", *verbs, where)
        self.server.kubectl("create", "rolebinding", "read", "--role=read", who, where)

    def refused(self) -> set[str]:
        return set(self.store.refused.now())

    async def told_to_list_again(self, since: str) -> None:
        """A watch from that version ends so."""
        with pytest.raises(ExpiredError, match=f"namespace {self.closed} is served again"):
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
                passing = tasks.create_task(self._time_passes())
                try:
                    await anext(self.store.watch(TYPE, since=since))
                except ExpiredError as error:
                    expired = error
                finally:
                    passing.cancel()
            raise expired

    async def _time_passes(self) -> None:
        while True:
            self.clock.advance(1)
            await asyncio.sleep(0.01)


@pytest.fixture
async def world(apiserver: ApiServer) -> AsyncIterator[World]:
    async with new_namespace(apiserver) as open_one, new_namespace(apiserver) as closed:
        kubeconfig = apiserver.service_account(open_one, "reader")
        client = await Client.open(CLOCK, ClientSettings(kubeconfig=kubeconfig))
        clock, store = FakeClock(), NamespacedStore(client, CLOCK)
        store.restrict((open_one, closed), clock)
        world = World(apiserver, store, clock, f"{open_one}:reader", closed)
        world.grant(open_one)
        yield world
        await store.close()
        await client.close()


async def listed(world: World, refused: set[str]) -> str:
    """The version of a list of both namespaces once only these are refused."""
    async with asyncio.timeout(PATIENCE):
        while True:
            version = (await world.store.list(TYPE)).resource_version
            if world.refused() == refused:
                return version


async def test_rights_that_come_between_a_list_and_its_watch_have_all_listed_again(world: World) -> None:
    since = await listed(world, {world.closed})
    world.grant(world.closed)
    await world.told_to_list_again(since)
    assert world.refused() == set()


async def test_who_listed_before_others_saw_the_rights_lists_again_too(world: World) -> None:
    since = await listed(world, {world.closed})
    world.grant(world.closed)
    later = await listed(world, set())
    await world.told_to_list_again(since)
    watch = world.store.watch(TYPE, since=later)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 1)
