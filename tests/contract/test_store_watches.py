"""What a watch tells: what is there, what changes, from any remembered version on, without gap or repetition."""

from __future__ import annotations

import asyncio

import pytest
from kabanero.model.errors import ExpiredError
from kabanero.model.selectors import parse_selector
from kabanero.ports import Store, WatchEvent

from tests.contract.conftest import StoreUnderTest
from tests.contract.resources import (
    MOMENT,
    TYPE,
    first,
    key,
    stage_run,
    version,
    with_attempt,
    with_metadata,
    with_phase,
)


async def now(store: Store) -> str:
    return (await store.list(TYPE, limit=1)).resource_version


async def test_a_watch_from_nowhere_begins_with_what_is_there(store: Store) -> None:
    await store.create(stage_run("a"))
    await store.create(stage_run("b"))
    assert await first(2, store.watch(TYPE)) == [("ADDED", "a"), ("ADDED", "b")]


async def test_a_watch_tells_every_change_after_its_version(store: Store) -> None:
    since = await now(store)
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    await store.delete(key("a"))
    expected = [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert await first(3, store.watch(TYPE, since=since)) == expected


async def test_a_watch_tells_no_change_up_to_its_version(store: Store) -> None:
    created = await store.create(stage_run("a"))
    updated = await store.update(with_attempt(created, 2))
    await store.update(with_attempt(updated, 3))
    assert await first(1, store.watch(TYPE, since=version(updated))) == [("MODIFIED", "a")]


async def test_a_watch_tells_changes_as_they_happen(store: Store) -> None:
    watching = asyncio.create_task(first(2, store.watch(TYPE, since=await now(store))))
    await asyncio.sleep(0.05)
    created = await store.create(stage_run("a"))
    await store.update(with_phase(created, "Running"), status=True)
    assert await watching == [("ADDED", "a"), ("MODIFIED", "a")]


async def test_an_update_that_changes_nothing_is_not_told(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.update(created)
    await store.create(stage_run("b"))
    assert await first(1, store.watch(TYPE, since=version(created))) == [("ADDED", "b")]


async def test_a_watch_of_one_namespace_tells_of_no_other(store: Store) -> None:
    since = await now(store)
    await store.create(stage_run("a", "one"))
    await store.create(stage_run("b", "two"))
    assert await first(1, store.watch(TYPE, namespace="two", since=since)) == [("ADDED", "b")]


async def test_a_resource_that_stops_matching_is_deleted_to_the_watch(store: Store) -> None:
    created = await store.create(stage_run("a", labels={"app": "shop"}))
    await store.update(with_metadata(created, labels={"app": "bank"}))
    events = store.watch(TYPE, selector=parse_selector("app=shop"), since=version(created))
    assert await first(1, events) == [("DELETED", "a")]


async def test_a_resource_that_starts_matching_is_added_to_the_watch(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.update(with_phase(created, "Running"), status=True)
    events = store.watch(TYPE, selector=parse_selector("", "status.phase=Running"), since=version(created))
    assert await first(1, events) == [("ADDED", "a")]


@pytest.mark.parametrize("resumed", [True, False])
async def test_a_field_that_no_index_knows_selects_as_well(store: Store, resumed: bool) -> None:
    created = await store.create(stage_run("a"))
    selector, since = parse_selector("", "status.reason=,spec.strategyRun=run-1"), version(created)
    events = store.watch(TYPE, selector=selector, since=since if resumed else "")
    watching = asyncio.create_task(first(3 - resumed, events))
    if not resumed:
        await asyncio.sleep(MOMENT)
    other = await store.update(with_phase(created, "Running", reason="Busy"), status=True)
    await store.update(with_phase(other, "Running"), status=True)
    assert await watching == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")][resumed:]


async def test_a_live_watch_and_a_resumed_one_tell_the_same(store: Store) -> None:
    since, selector = await now(store), parse_selector("app=shop")
    live = asyncio.create_task(first(4, store.watch(TYPE, selector=selector, since=since)))
    await asyncio.sleep(0.05)
    created = await store.create(stage_run("a", labels={"app": "shop"}))
    other = await store.update(with_metadata(created, labels={"app": "bank"}))
    await store.update(with_metadata(other, labels={"app": "shop"}))
    await store.delete(key("a"))
    resumed = await first(4, store.watch(TYPE, selector=selector, since=since))
    assert await live == resumed == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a"), ("DELETED", "a")]


async def test_a_deletion_is_told_with_the_last_state_and_a_version_of_its_own(store: Store) -> None:
    created = await store.create(stage_run("a", labels={"app": "shop"}))
    await store.delete(key("a"))
    told: WatchEvent = await anext(store.watch(TYPE, since=version(created)))
    assert told.resource["metadata"]["labels"] == {"app": "shop"}
    assert version(told.resource) != version(created)


async def test_a_name_taken_again_is_told_as_deleted_and_added(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.delete(key("a"))
    await store.create(stage_run("a"))
    assert await first(2, store.watch(TYPE, since=version(created))) == [("DELETED", "a"), ("ADDED", "a")]


async def test_a_deletion_that_waits_is_told_as_modified_first(store: Store) -> None:
    created = await store.create(stage_run("a", finalizers=["example.com/f"]))
    deleting = await store.delete(key("a"))
    await store.update(with_metadata(deleting, finalizers=[]))
    assert await first(2, store.watch(TYPE, since=version(created))) == [("MODIFIED", "a"), ("DELETED", "a")]


async def test_every_change_is_told_once_while_many_are_written(store: Store) -> None:
    since = await now(store)
    watching = asyncio.create_task(first(1000, store.watch(TYPE, since=since)))
    await asyncio.gather(*(store.create(stage_run(f"n{number}")) for number in range(1000)))
    assert len(set(await watching)) == 1000


async def test_a_watch_that_reads_slowly_misses_nothing(store: Store) -> None:
    events = store.watch(TYPE, since=await now(store))
    await store.create(stage_run("first"))
    assert (await anext(events)).resource["metadata"]["name"] == "first"
    await asyncio.gather(*(store.create(stage_run(f"n{number}")) for number in range(600)))
    assert len(set(await first(600, events))) == 600


async def test_a_bookmark_jumps_over_nothing_that_is_not_read_yet(store_under_test: StoreUnderTest) -> None:
    store = store_under_test.store
    since = await now(store)
    await asyncio.gather(*(store.create(stage_run(f"n{number}")) for number in range(600)))
    events = store.watch(TYPE, since=since, bookmarks=True)
    seen = {(await anext(events)).resource["metadata"]["name"]}
    store_under_test.advance(60)
    await asyncio.sleep(0.05)
    while len(seen) < 600:
        seen |= {(await asyncio.wait_for(anext(events), 5)).resource["metadata"].get("name")} - {None}
    assert len(seen) == 600


async def test_a_watch_ends_after_its_timeout(store_under_test: StoreUnderTest) -> None:
    events = store_under_test.store.watch(TYPE, timeout=1)
    watching = asyncio.create_task(first(1, events))
    await asyncio.sleep(0.05)
    store_under_test.advance(1)
    assert await asyncio.wait_for(watching, 5) == []


async def test_a_version_older_than_the_history_is_expired(store_under_test: StoreUnderTest) -> None:
    if store_under_test.forget_history is None:
        pytest.skip("this store can't be made to forget")
    store = store_under_test.store
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    await store_under_test.forget_history()
    with pytest.raises(ExpiredError):
        await anext(store.watch(TYPE, since=version(created)))
