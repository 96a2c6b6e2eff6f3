"""What a store lists: order, namespaces, selectors, and pages that all show one state."""

from __future__ import annotations

import asyncio

import pytest
from kabanero.model.errors import ExpiredError
from kabanero.model.selectors import parse_selector
from kabanero.ports import Page, Store, Write

from tests.contract.conftest import StoreUnderTest
from tests.contract.resources import TYPE, first, key, names, stage_run, with_attempt, with_metadata, with_phase


async def create_all(store: Store, *given: str) -> None:
    answers = await store.write_all([Write("create", stage_run(name)) for name in given])
    assert all(isinstance(each, dict) for each in answers)


async def rest_of(store: Store, page: Page, limit: int, **arguments: object) -> list[str]:
    found = names(page.items)
    while page.next_token:
        page = await store.list(TYPE, limit=limit, token=page.next_token, **arguments)  # type: ignore[arg-type]
        found += names(page.items)
    return found


async def test_a_list_is_ordered_by_namespace_and_name(store: Store) -> None:
    for name, namespace in (("b", "two"), ("c", "one"), ("a", "one")):
        await store.create(stage_run(name, namespace))
    found = (await store.list(TYPE)).items
    assert [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in found] == [
        ("one", "a"),
        ("one", "c"),
        ("two", "b"),
    ]


async def test_a_recent_list_shows_what_was_written_here(store: Store) -> None:
    since = (await store.list(TYPE, limit=1)).resource_version
    watching = asyncio.create_task(first(99, store.watch(TYPE, since=since)))
    await create_all(store, "b", "a")
    assert names((await store.list(TYPE, recent=True)).items) == ["a", "b"]
    await create_all(store, "c")
    assert names((await store.list(TYPE, recent=True)).items) == ["a", "b", "c"]
    await store.delete(key("b"))
    selector = parse_selector(fields="metadata.name=c")
    assert names((await store.list(TYPE, recent=True)).items) == ["a", "c"]
    assert names((await store.list(TYPE, selector=selector, recent=True)).items) == ["c"]
    watching.cancel()


async def test_a_list_of_one_namespace_shows_no_other(store: Store) -> None:
    await store.create(stage_run("a", "one"))
    await store.create(stage_run("b", "two"))
    assert names((await store.list(TYPE, namespace="two")).items) == ["b"]


async def test_an_empty_list_says_where_to_watch_from(store: Store) -> None:
    page = await store.list(TYPE)
    assert (page.items, page.next_token) == ([], "") and page.resource_version


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=shop", ["a", "b"]),
        ("app=shop,tier=front", ["a"]),
        ("app!=shop", ["c", "d"]),
        ("app in (shop,bank)", ["a", "b", "c"]),
        ("app notin (shop,bank)", ["d"]),
        ("tier", ["a", "c"]),
        ("!app", ["d"]),
        ("tier=front,app!=shop", ["c"]),
        ("app=nothing", []),
    ],
)
async def test_labels_select(store: Store, selector: str, expected: list[str]) -> None:
    labels = {
        "a": {"app": "shop", "tier": "front"},
        "b": {"app": "shop"},
        "c": {"app": "bank", "tier": "front"},
        "d": {},
    }
    for name, given in labels.items():
        await store.create(stage_run(name, labels=given))
    assert names((await store.list(TYPE, selector=parse_selector(selector))).items) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("status.phase=Running", ["a", "b"]),
        ("status.phase=Running,status.waitsOn=Playbook", ["a"]),
        ("status.phase!=Running", ["c", "d"]),
        ("status.phase=", ["d"]),
        ("metadata.name=b", ["b"]),
        ("metadata.namespace=kabanero,status.phase=Running", ["a", "b"]),
        ("metadata.namespace=elsewhere", []),
        ("spec.strategyRun=run-1,status.phase!=Running", ["c", "d"]),
        ("spec.contextID=ctx,status.phase=Running", ["a", "b"]),
        ("spec.contextID=other", []),
    ],
)
async def test_fields_select(store: Store, selector: str, expected: list[str]) -> None:
    statuses = {"a": ("Running", "Playbook"), "b": ("Running", "Approval"), "c": ("Failed", None), "d": None}
    for name, given in statuses.items():
        created = await store.create(stage_run(name))
        if given:
            more = {"waitsOn": given[1]} if given[1] else {}
            await store.update(with_phase(created, given[0], **more), status=True)
    assert names((await store.list(TYPE, selector=parse_selector("", selector))).items) == expected


async def test_a_selector_sees_the_present_values(store: Store) -> None:
    created = await store.create(stage_run("a", labels={"app": "shop"}))
    await store.update(with_metadata(created, labels={"app": "bank"}))
    assert names((await store.list(TYPE, selector=parse_selector("app=shop"))).items) == []
    assert names((await store.list(TYPE, selector=parse_selector("app=bank"))).items) == ["a"]


async def test_a_deleted_resource_is_not_selected(store: Store) -> None:
    await store.create(stage_run("a", labels={"app": "shop"}))
    await store.delete(key("a"))
    assert names((await store.list(TYPE, selector=parse_selector("app=shop"))).items) == []


async def test_pages_together_are_the_list(store: Store) -> None:
    given = [f"n{number:02}" for number in range(25)]
    await create_all(store, *given)
    page = await store.list(TYPE, limit=10)
    assert (len(page.items), page.remaining) == (10, 15)
    assert await rest_of(store, page, 10) == given


async def test_the_last_page_has_no_token_even_when_it_is_full(store: Store) -> None:
    await create_all(store, "a", "b")
    assert (await store.list(TYPE, limit=2)).next_token == ""


async def test_all_pages_show_the_state_of_the_first(store: Store) -> None:
    await create_all(store, "a", "b", "c", "d", "e")
    page = await store.list(TYPE, limit=2)
    await store.delete(key("c"))
    await store.create(stage_run("bb"))
    await store.update(with_attempt(await store.get(key("d")), 7))
    found = page.items
    while page.next_token:
        page = await store.list(TYPE, limit=2, token=page.next_token)
        found = found + page.items
    assert [(each["metadata"]["name"], each["spec"]["attempt"]) for each in found] == [
        ("a", 1),
        ("b", 1),
        ("c", 1),
        ("d", 1),
        ("e", 1),
    ]


async def test_all_pages_of_a_selection_show_the_state_of_the_first(store: Store) -> None:
    for name in ("a", "b", "c", "d"):
        await store.create(stage_run(name, labels={"app": "shop"}))
    selector = parse_selector("app=shop")
    page = await store.list(TYPE, limit=1, selector=selector)
    await store.update(with_metadata(await store.get(key("b")), labels={"app": "bank"}))
    await store.delete(key("c"))
    await store.create(stage_run("cc", labels={"app": "shop"}))
    assert await rest_of(store, page, 1, selector=selector) == ["a", "b", "c", "d"]


async def test_all_pages_name_the_version_of_the_first(store: Store) -> None:
    await create_all(store, "a", "b")
    first = await store.list(TYPE, limit=1)
    await create_all(store, "c")
    second = await store.list(TYPE, limit=1, token=first.next_token)
    assert second.resource_version == first.resource_version


async def test_a_token_older_than_the_history_is_expired(store_under_test: StoreUnderTest) -> None:
    if store_under_test.forget_history is None:
        pytest.skip("this store can't be made to forget")
    store = store_under_test.store
    await create_all(store, "a", "b", "c")
    page = await store.list(TYPE, limit=1)
    await create_all(store, "d")
    await store_under_test.forget_history()
    with pytest.raises(ExpiredError):
        await store.list(TYPE, limit=1, token=page.next_token)


async def test_forgetting_history_forgets_no_resource(store_under_test: StoreUnderTest) -> None:
    if store_under_test.forget_history is None:
        pytest.skip("this store can't be made to forget")
    store = store_under_test.store
    await create_all(store, "a", "b", "c")
    await store.update(with_attempt(await store.get(key("a")), 2))
    await store.delete(key("b"))
    await store_under_test.forget_history()
    found = [(each["metadata"]["name"], each["spec"]["attempt"]) for each in (await store.list(TYPE)).items]
    assert found == [("a", 2), ("c", 1)]


async def test_a_list_can_show_an_earlier_state(store: Store) -> None:
    kept = await store.create(stage_run("kept"))
    await store.create(stage_run("gone"))
    before = await store.list(TYPE)
    await store.update(with_metadata(kept, labels={"new": "yes"}))
    await store.delete(key("gone"))
    await store.create(stage_run("added"))
    then = await store.list(TYPE, at=before.resource_version)
    assert then.items == before.items and then.resource_version == before.resource_version


async def test_pages_of_an_earlier_state_all_show_that_state(store: Store) -> None:
    for name in "abc":
        await store.create(stage_run(name))
    before = await store.list(TYPE)
    await store.delete(key("c"))
    first = await store.list(TYPE, limit=2, at=before.resource_version)
    assert await rest_of(store, first, 2) == ["a", "b", "c"]


async def test_a_state_that_was_forgotten_can_not_be_listed(store_under_test: StoreUnderTest) -> None:
    store = store_under_test.store
    made = await store.create(stage_run("a"))
    before = await store.list(TYPE)
    for _ in range(2):
        made = await store.update(with_attempt(made, made["spec"].get("attempt", 1) + 1))
    assert store_under_test.forget_history
    await store_under_test.forget_history()
    with pytest.raises(ExpiredError):
        await store.list(TYPE, at=before.resource_version)
