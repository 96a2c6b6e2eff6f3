"""The Kubernetes store where something is missing: a definition, a permission, a namespace. It names it and the fix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from kabanero.controllers.following import follow
from kabanero.model.errors import ForbiddenError, KindMissingError, NotFoundError
from kabanero.model.kinds.custom import custom_kind
from kabanero.model.kinds.registry import STRATEGY_EVENT
from kabanero.model.resource import Key
from kabanero.model.schemas import crd
from kabanero.ports import Change, WatchEvent, Write

from tests.cluster.store_world import created, grant, new_namespace, opened, rule_of
from tests.contract.resources import TYPE, key, stage_run, with_phase, without_version
from tests.support.clock import FakeClock
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture
async def space(apiserver):
    async with new_namespace(apiserver) as name:
        yield name


async def test_a_missing_definition_is_named_with_what_installs_it(apiserver: ApiServer, space: str) -> None:
    apiserver.kubectl("delete", "crd", "strategyevents.kabanero.io")
    try:
        async with opened(apiserver.kubeconfig) as (store, _):
            with pytest.raises(KindMissingError) as caught:
                await store.get(Key(STRATEGY_EVENT.type, space, "a"))
    finally:
        apiserver.load_crds()
    assert "strategyevents.kabanero.io" in str(caught.value)
    assert "kubectl apply --server-side -f config/crds" in str(caught.value)


async def test_a_kind_can_be_learned_once_its_definition_is_there(apiserver: ApiServer, space: str) -> None:
    kind = custom_kind({"metadata": {"name": "soak"}, "spec": {"kind": "SoakTest"}})
    resource = {
        "apiVersion": kind.type.api_version,
        "kind": "SoakTest",
        "metadata": {"name": "a", "namespace": space},
        "spec": {"minutes": 5},
    }
    async with opened(apiserver.kubeconfig) as (store, _):
        with pytest.raises(KindMissingError, match=r"soaktests\.kabanero\.io"):
            await store.learn(kind.type)
        apiserver.apply(crd(kind))
        apiserver.kubectl("wait", "--for=condition=Established", "crd/soaktests.kabanero.io")
        try:
            await store.learn(kind.type)
            assert (await store.create(resource))["spec"] == {"minutes": 5}
        finally:
            apiserver.kubectl("delete", "crd", "soaktests.kabanero.io")


async def test_a_missing_permission_is_named_with_the_rule_that_grants_it(apiserver: ApiServer, space: str) -> None:
    kubeconfig = apiserver.service_account(space, "nobody")
    async with opened(kubeconfig) as (store, _):
        for _ in range(3):  # Each message leads to the next permission that is missing; then nothing is.
            try:
                running = with_phase(without_version(stage_run("a", space)), "Running")
                await created_or_told(store, stage_run("a", space))
                await store.update(running, status=True)
                break
            except ForbiddenError as error:
                assert (error.namespace, f"system:serviceaccount:{space}:nobody" in str(error)) == (space, True)
                grant(apiserver, space, rule_of(str(error)))
        assert (await as_admin(apiserver, space))["status"]["phase"] == "Running"


async def created_or_told(store, resource):
    (answer,) = await store.write_all([Write("create", resource)])
    if isinstance(answer, ForbiddenError):
        raise answer


async def as_admin(apiserver, space):
    async with opened(apiserver.kubeconfig) as (store, _):
        return await store.get(key("a", space))


async def test_permission_is_missed_per_namespace(apiserver: ApiServer, space: str) -> None:
    kubeconfig = apiserver.service_account(space, "nobody")
    grant(apiserver, space, {"apiGroups": ["kabanero.io"], "resources": ["stageruns"], "verbs": ["list"]})
    async with opened(kubeconfig) as (store, _):
        assert (await store.list(TYPE, namespace=space)).items == []
        with pytest.raises(ForbiddenError, match="may not list stageruns in all namespaces"):
            await store.list(TYPE)
        with pytest.raises(ForbiddenError, match=f"may not watch stageruns in namespace {space}"):
            await anext(store.watch(TYPE, namespace=space, since="1"))


async def test_who_follows_without_permission_says_so_once_and_goes_on_when_it_is_there(
    apiserver: ApiServer, space: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, cluster_wide, kept = FakeClock(), f"{space}-follows", f"{space}-kept"
    async with opened(apiserver.kubeconfig) as (admin, _):
        await created(admin, kept, space)
    async with opened(apiserver.service_account(space, "nobody")) as (store, client):
        following = asyncio.create_task(_heard_of(kept, follow(store, clock, TYPE)))
        while client.requests.numbers["list", "stageruns"] < 6:
            clock.advance(1)
            await asyncio.sleep(0.01)
        (said,) = [each.getMessage() for each in caplog.records if each.name == follow.__module__]
        who = f"system:serviceaccount:{space}:nobody"
        assert said.startswith(f"Can't follow stageruns now: {who} may not list stageruns in all namespaces")
        apiserver.kubectl("create", "clusterrole", cluster_wide, "--verb=list", "--resource=stageruns.kabanero.io")
        account = f"--serviceaccount={space}:nobody"
        apiserver.kubectl("create", "clusterrolebinding", cluster_wide, f"--clusterrole={cluster_wide}", account)
        while not following.done():
            clock.advance(1)
            await asyncio.sleep(0.05)
        assert following.result().change is Change.ADDED


async def _heard_of(name: str, events: AsyncIterator[WatchEvent]) -> WatchEvent:
    """Other tests have resources on the same server."""
    return await anext(event async for event in events if event.resource["metadata"].get("name") == name)


async def test_a_namespace_that_is_not_there_is_not_found(apiserver: ApiServer) -> None:
    async with opened(apiserver.kubeconfig) as (store, _):
        with pytest.raises(NotFoundError, match="nowhere"):
            await store.create(stage_run("a", "nowhere"))
