"""The Kubernetes store where the contract does not reach: outages, lost history, what is missing, limits, counts."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from kabanero.controllers.following import follow
from kabanero.model.errors import ConflictError, ForbiddenError, KindMissingError, NotFoundError, StoreUnavailableError
from kabanero.model.kinds.core import CONFIG_MAP
from kabanero.model.kinds.custom import custom_kind
from kabanero.model.kinds.registry import STRATEGY_EVENT
from kabanero.model.resource import Key
from kabanero.model.schemas import crd
from kabanero.ports import Change, WatchEvent, Write
from kabanero.stores.kubernetes import StoreSettings

from tests.cluster.store_world import PATIENCE, Follower, created, new_namespace, opened, rule_of
from tests.contract.resources import TYPE, key, names, stage_run, version, with_attempt, with_phase, without_version
from tests.support.clock import FakeClock
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
MANY = 30


@pytest.fixture
async def space(apiserver):
    async with new_namespace(apiserver) as name:
        yield name


# --- beside others ---


async def test_a_status_leaves_what_others_applied_to_them(apiserver: ApiServer, space: str) -> None:
    applied = stage_run("ours", space)
    applied["metadata"]["labels"] = {"team": "shop"}
    apiserver.kubectl("apply", "--server-side", "--field-manager=team", "-f", "-", stdin=json.dumps(applied))
    async with opened(apiserver.kubeconfig) as (store, _):
        await store.update(with_phase(await store.get(key("ours", space)), "Running"), status=True)
    shown = apiserver.kubectl("get", "stagerun", "ours", "-n", space, "-o", "json", "--show-managed-fields")
    owners = {each["manager"]: each["fieldsV1"] for each in json.loads(shown)["metadata"]["managedFields"]}
    assert "f:team" in owners["team"]["f:metadata"]["f:labels"]


# --- outages ---


async def test_following_goes_on_after_an_outage_and_misses_nothing(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, _), Follower(store, space) as follower:
        await created(store, "before", space)
        await follower.until(lambda: follower.names() == ["before"])
        await asyncio.to_thread(apiserver.kill_apiserver)
        await asyncio.to_thread(apiserver.start_apiserver)
        await created(store, "after", space)
        await follower.until(lambda: "after" in follower.names())
        assert set(follower.names()) == {"before", "after"}


async def test_writes_in_an_outage_are_refused_and_go_through_after_it(apiserver: ApiServer, space: str) -> None:
    names = [f"n{number:03}" for number in range(150)]
    async with opened(apiserver.kubeconfig) as (store, _), Follower(store, space) as follower:
        writing = asyncio.gather(*(created(store, name, space) for name in names[:100]))
        await follower.until(lambda: len(follower.names()) > 10)
        await asyncio.to_thread(apiserver.kill_apiserver)
        with pytest.raises(StoreUnavailableError, match=apiserver.url):
            await store.create(stage_run("refused", space))
        later = asyncio.gather(*(created(store, name, space) for name in names[100:]))
        await asyncio.to_thread(apiserver.start_apiserver)
        await asyncio.gather(writing, later)
        await follower.until(lambda: set(names) <= set(follower.names()))
        assert sorted(set(follower.names())) == names


async def test_history_that_was_forgotten_is_made_up_for_by_listing_again(
    apiserver: ApiServer, space: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with opened(apiserver.kubeconfig) as (store, _), Follower(store, space) as follower:
        await created(store, "before", space)
        await follower.until(lambda: follower.names() == ["before"])
        for number in range(3):  # The last version that the watch has heard of must be older than all that is kept.
            apiserver.apply(config_map(f"c{number}", space))
        await asyncio.to_thread(apiserver.forget_history)
        await created(store, "after", space)
        await follower.until(lambda: "after" in follower.names())
        await follower.until(lambda: "listing again" in caplog.text)
        assert sorted(follower.names()) == ["after", "before"], "what is as it was is no news"


def config_map(name, space):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}}


# --- what is missing ---


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


def grant(apiserver, space, rule):
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


# --- limits and counts ---


async def test_requests_keep_to_the_limit(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig, qps=50, burst=5) as (store, _):
        began = time.monotonic()
        await store.write_all([Write("create", stage_run(f"n{number}", space)) for number in range(30)])
        assert time.monotonic() - began >= (30 - 5) / 50


async def test_what_the_server_puts_off_is_sent_again(apiserver: ApiServer, space: str) -> None:
    kubeconfig = apiserver.service_account(space, "nobody")
    grant(apiserver, space, {"apiGroups": ["kabanero.io"], "resources": ["stageruns"], "verbs": ["list"]})
    throttle(apiserver, space)
    try:
        async with opened(kubeconfig, retries=0) as (store, _):
            await until_put_off(store, space)
        async with opened(kubeconfig, retries=200, longest_wait_seconds=0.05) as (store, client):
            asked = 0
            async with asyncio.timeout(PATIENCE):
                while client.requests.numbers["list", "stageruns"] <= asked:  # Some may come one after the other.
                    pages = await asyncio.gather(*(store.list(TYPE, namespace=space) for _ in range(MANY)))
                    assert [page.items for page in pages] == [[]] * MANY
                    asked += MANY
    finally:
        apiserver.kubectl("delete", "flowschema,prioritylevelconfiguration", space)


async def until_put_off(store, space):
    """The server needs a moment to heed its own configuration."""
    async with asyncio.timeout(30):
        while True:
            lists = (store.list(TYPE, namespace=space) for _ in range(MANY))
            if any(
                isinstance(each, StoreUnavailableError) for each in await asyncio.gather(*lists, return_exceptions=True)
            ):
                return


def throttle(apiserver, space):
    """The server's own flow control gives our user room for one request at a time: 429 with Retry-After to others."""
    group = "flowcontrol.apiserver.k8s.io/v1"
    limited = {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    level = {
        "apiVersion": group,
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": space},
        "spec": {"type": "Limited", "limited": limited},
    }
    account = {"kind": "ServiceAccount", "serviceAccount": {"name": "nobody", "namespace": space}}
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    flow = {
        "apiVersion": group,
        "kind": "FlowSchema",
        "metadata": {"name": space},
        "spec": {
            "priorityLevelConfiguration": {"name": space},
            "matchingPrecedence": 2,
            "rules": [{"subjects": [account], "resourceRules": [everything]}],
        },
    }
    apiserver.apply(level, flow)


async def test_requests_are_counted_in_the_api_servers_words(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, client):
        running = await store.update(with_phase(await store.create(stage_run("a", space)), "Running"), status=True)
        await store.update(without_uid(with_phase(without_version(running), "Failed")), status=True)
        await store.delete(key("a", space))
        assert client.requests.numbers == {
            ("create", "stageruns"): 1,
            ("update", "stageruns/status"): 1,
            ("patch", "stageruns/status"): 1,
            ("get", "stageruns"): 1,
            ("delete", "stageruns"): 1,
        }


def without_uid(resource):
    metadata = {name: value for name, value in resource["metadata"].items() if name != "uid"}
    return {**resource, "metadata": metadata}


async def test_a_recent_read_costs_no_request_while_the_kind_is_followed(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, client):
        await store.create(stage_run("a", space))
        await store.get(key("a", space), recent=True)
        assert client.requests.numbers["get", "stageruns"] == 1
        async with Follower(store, space) as follower:
            written = await store.create(stage_run("b", space))
            await follower.until(lambda: "b" in follower.names())
            assert await store.get(key("b", space), recent=True) == written
        assert client.requests.numbers["get", "stageruns"] == 1
        await store.get(key("b", space), recent=True)
        assert client.requests.numbers["get", "stageruns"] == 2


async def test_recent_lists_cost_one_request_while_the_kind_is_followed(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, client), Follower(store, space) as follower:
        await store.create(stage_run("a", space))
        await follower.until(lambda: "a" in follower.names())
        before = client.requests.numbers["list", "stageruns"]
        assert await recent_names(store, space) == ["a"]
        async with opened(apiserver.kubeconfig) as (other, _):
            await other.create(stage_run("b", space))
        await follower.until(lambda: "b" in follower.names())
        assert await recent_names(store, space) == ["a", "b"]
        assert await recent_names(store, f"not-{space}") == []
        assert client.requests.numbers["list", "stageruns"] == before + 1


async def recent_names(store, space):
    return names((await store.list(TYPE, namespace=space, recent=True)).items)


async def test_a_conflict_makes_the_next_recent_read_a_fresh_one(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, _), Follower(store, space) as follower:
        await store.create(stage_run("a", space))
        await follower.until(lambda: "a" in follower.names())
        for attempt in range(2, 12):
            async with opened(apiserver.kubeconfig) as (other, _):
                await other.update(with_attempt(await other.get(key("a", space)), attempt))
            with suppress(ConflictError):  # Told by then or not: the second try is on the newest.
                await set_running(store, space, attempt)
                continue
            await set_running(store, space, attempt)


async def set_running(store, space, attempt):
    recent = await store.get(key("a", space), recent=True)
    await store.update(with_phase(recent, "Running", attempt=attempt), status=True)


# --- watches ---


async def test_all_who_follow_a_kind_share_one_watch(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, client), Follower(store, space) as one:
        async with Follower(store, space) as two:
            await created(store, "a", space)
            await asyncio.gather(*(each.until(lambda each=each: each.names() == ["a"]) for each in (one, two)))
        await created(store, "b", space)
        await one.until(lambda: one.names() == ["a", "b"])
        assert two.names() == ["a"]
        assert client.requests.numbers["watch", "stageruns"] == 1


async def test_who_reads_slower_than_the_shared_watch_keeps_misses_nothing(apiserver: ApiServer, space: str) -> None:
    few = StoreSettings(shared=5)
    async with opened(apiserver.kubeconfig, store=few) as (store, client), Follower(store, space) as quick:
        slow = store.watch(TYPE, since=(await store.list(TYPE, limit=1)).resource_version)
        await created(store, "first", space)
        assert (await asyncio.wait_for(anext(slow), PATIENCE)).resource["metadata"]["name"] == "first"
        names = {f"n{number:03}" for number in range(100)}
        await store.write_all([Write("create", stage_run(name, space)) for name in names])
        await quick.until(lambda: names <= set(quick.names()))
        assert {(await asyncio.wait_for(anext(slow), PATIENCE)).resource["metadata"]["name"] for _ in names} == names
        assert client.requests.numbers["watch", "stageruns"] == 2
        await slow.aclose()


async def test_closing_the_store_ends_its_watches(apiserver: ApiServer) -> None:
    async with opened(apiserver.kubeconfig) as (store, client):
        since = (await store.list(TYPE, limit=1)).resource_version

        async def watched():
            return [event async for event in store.watch(TYPE, since=since)]

        watching = asyncio.create_task(watched())
        while not client.requests.numbers["watch", "stageruns"]:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await store.close()
        await asyncio.wait_for(watching, PATIENCE)


async def test_a_watch_that_hears_nothing_connects_again_and_misses_nothing(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig, silence_seconds=0.5) as (store, client), Follower(store, space) as follower:
        while client.requests.numbers["watch", "stageruns"] < 3:
            await asyncio.sleep(0.05)
        await created(store, "a", space)
        await follower.until(lambda: follower.names() == ["a"])


async def test_secrets_and_other_core_kinds_can_be_watched_and_selected(apiserver: ApiServer, space: str) -> None:
    async with opened(apiserver.kubeconfig) as (store, _):
        await store.create({**config_map("a", space), "data": {"x": "1"}})
        found = await store.list(CONFIG_MAP, namespace=space)
        assert [(each["kind"], each["data"]) for each in found.items if each["metadata"]["name"] == "a"] == [
            ("ConfigMap", {"x": "1"})
        ]
        events = store.watch(CONFIG_MAP, namespace=space, since=found.resource_version)
        await store.delete(Key(CONFIG_MAP, space, "a"))
        told = await asyncio.wait_for(anext(events), PATIENCE)
        assert (told.change, told.resource["metadata"]["name"]) == (Change.DELETED, "a")
        assert int(version(told.resource)) > int(found.resource_version)
