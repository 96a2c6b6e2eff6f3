"""The Kubernetes store where the contract does not reach: outages, lost history, limits, counts, watches."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress

import pytest
from kabanero.model.errors import ConflictError, StoreUnavailableError
from kabanero.model.kinds.core import CONFIG_MAP
from kabanero.model.resource import Key
from kabanero.ports import Change, Write
from kabanero.stores.kubernetes import StoreSettings

from tests.cluster.store_world import PATIENCE, Follower, created, grant, new_namespace, opened
from tests.contract.resources import TYPE, key, names, stage_run, version, with_attempt, with_phase, without_version
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
            await store.create(stage_run("watched", space))
            await follower.until(lambda: "watched" in follower.names())
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
