"""Following a kind over a gap in its watch, on every store: nothing that happened in the gap stays unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kabanero.clock import SystemClock
from kabanero.controllers.following import follow
from kabanero.model.errors import StoreUnavailableError
from kabanero.model.selectors import parse_selector
from kabanero.ports import Change, Store, WatchEvent

from tests.contract.conftest import StoreUnderTest
from tests.contract.resources import TYPE, key, stage_run, with_attempt

PATIENCE = 30.0
Told = list[tuple[str, str]]


class Cut:
    """A store whose watches can be broken off and kept from coming back; all else passes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._whole, self._cut = asyncio.Event(), asyncio.Event()
        self._whole.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def cut(self) -> None:
        self._whole.clear()
        self._cut.set()

    def mend(self) -> None:
        self._cut.clear()
        self._whole.set()

    async def watch(self, *arguments: Any, **options: Any) -> AsyncIterator[WatchEvent]:
        await self._whole.wait()
        changes = self._store.watch(*arguments, **options)
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            while True:
                following = asyncio.ensure_future(anext(changes))
                await asyncio.wait({following, cut}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
                    raise StoreUnavailableError("cut")
                yield following.result()
        finally:
            cut.cancel()


class Follower:
    """Keeps what it is told, in order, as words: change and name."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self._news = asyncio.Condition()

    async def run(self, changes: AsyncIterator[WatchEvent]) -> None:
        async for event in changes:
            async with self._news:
                self.events.append(event)
                self._news.notify_all()

    async def told(self, condition: Callable[[Told], object]) -> Told:
        """All that it was told, once that is so."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: condition(self._words()))
        return self._words()

    async def after_lists(self, count: int) -> Told:
        """What it was told once that many lists are complete."""
        return await self.told(lambda told: sum(change == "BOOKMARK" for change, _ in told) >= count)

    def _words(self) -> Told:
        return [(each.change.value, each.resource["metadata"].get("name", "")) for each in self.events]


@asynccontextmanager
async def following(store: Any, **options: Any) -> AsyncIterator[Follower]:
    follower = Follower()
    task = asyncio.create_task(follower.run(follow(store, SystemClock(), TYPE, **options)))
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def gap(store_under_test: StoreUnderTest, store: Cut, changes: Callable[[], Any]) -> None:
    """Lets something happen while the watch is cut, and be forgotten before it is back."""
    assert store_under_test.forget_history
    store.cut()
    await changes()
    await store_under_test.forget_history()
    store.mend()


async def test_what_came_changed_and_went_in_a_gap_is_told_once_and_the_rest_is_not(
    store_under_test: StoreUnderTest,
) -> None:
    store = Cut(store_under_test.store)
    made = {name: await store.create(stage_run(name)) for name in ("changes", "goes", "stays")}

    async def changes() -> None:
        await store.update(with_attempt(made["changes"], 2))
        await store.delete(key("goes"))
        await store.create(stage_run("comes"))

    async with following(store) as follower:
        before = await follower.after_lists(1)
        await gap(store_under_test, store, changes)
        told = (await follower.after_lists(2))[len(before) :]
    assert sorted(told) == [("ADDED", "comes"), ("BOOKMARK", ""), ("DELETED", "goes"), ("MODIFIED", "changes")]


async def test_a_missed_deletion_says_which_resource_it_was(store_under_test: StoreUnderTest) -> None:
    store = Cut(store_under_test.store)
    made = await store.create(stage_run("goes"))
    async with following(store) as follower:
        await follower.after_lists(1)
        await gap(store_under_test, store, lambda: store.delete(key("goes")))
        await follower.after_lists(2)
        (gone,) = [each.resource for each in follower.events if each.change is Change.DELETED]
    assert (gone["apiVersion"], gone["kind"]) == (made["apiVersion"], "StageRun")
    assert {name: gone["metadata"][name] for name in ("namespace", "name", "uid")} == {
        name: made["metadata"][name] for name in ("namespace", "name", "uid")
    }


async def test_what_was_made_anew_in_a_gap_went_first(store_under_test: StoreUnderTest) -> None:
    store = Cut(store_under_test.store)
    await store.create(stage_run("again"))

    async def changes() -> None:
        await store.delete(key("again"))
        await store.create(stage_run("again"))

    async with following(store) as follower:
        before = await follower.after_lists(1)
        await gap(store_under_test, store, changes)
        told = (await follower.after_lists(2))[len(before) :]
    assert told == [("DELETED", "again"), ("ADDED", "again"), ("BOOKMARK", "")]


async def test_changes_after_a_gap_are_told_as_before(store_under_test: StoreUnderTest) -> None:
    store = Cut(store_under_test.store)
    await store.create(stage_run("old"))
    async with following(store) as follower:
        await follower.after_lists(1)
        await gap(store_under_test, store, lambda: store.create(stage_run("new")))
        before = await follower.after_lists(2)
        await store.delete(key("old"))
        told = await follower.told(lambda told: len(told) > len(before))
    assert told[len(before) :] == [("DELETED", "old")]


async def test_what_the_caller_knows_from_before_and_is_gone_is_deleted(store_under_test: StoreUnderTest) -> None:
    await store_under_test.store.create(stage_run("there"))
    known = [("kabanero", "there"), ("kabanero", "gone")]
    async with following(store_under_test.store, known=known) as follower:
        told = await follower.after_lists(1)
    assert told == [("ADDED", "there"), ("DELETED", "gone"), ("BOOKMARK", "")]


async def test_who_follows_a_few_gets_them_all_again_after_a_gap(store_under_test: StoreUnderTest) -> None:
    store = Cut(store_under_test.store)
    await store.create(stage_run("wanted", run="mine"))
    await store.create(stage_run("other"))
    first = [parse_selector(fields="spec.strategyRun=mine")]
    async with following(store, first=first) as follower:
        before = await follower.after_lists(1)
        await gap(store_under_test, store, lambda: store.create(stage_run("late", run="mine")))
        told = (await follower.after_lists(2))[len(before) :]
    assert before == [("ADDED", "wanted"), ("BOOKMARK", "")]
    assert sorted(told) == [("ADDED", "late"), ("ADDED", "wanted"), ("BOOKMARK", "")]


async def test_who_follows_a_selection_is_told_what_left_it_in_a_gap(store_under_test: StoreUnderTest) -> None:
    store = Cut(store_under_test.store)
    for name, run in (("goes", "mine"), ("stays", "mine"), ("other", "yours")):
        await store.create(stage_run(name, run=run))
    selector = parse_selector(fields="spec.strategyRun=mine")
    async with following(store, first=[selector], selector=selector) as follower:
        before = await follower.after_lists(1)
        await gap(store_under_test, store, lambda: store.delete(key("goes")))
        told = (await follower.after_lists(2))[len(before) :]
    assert sorted(before) == [("ADDED", "goes"), ("ADDED", "stays"), ("BOOKMARK", "")]
    assert told == [("DELETED", "goes"), ("BOOKMARK", "")]


@pytest.mark.parametrize("count", [1200])
async def test_many_that_went_in_a_gap_are_all_told(store_under_test: StoreUnderTest, count: int) -> None:
    store = Cut(store_under_test.store)
    names = [f"s-{number}" for number in range(count)]
    await asyncio.gather(*(store.create(stage_run(name)) for name in names))

    async def changes() -> None:
        await asyncio.gather(*(store.delete(key(name)) for name in names[::2]))

    async with following(store) as follower:
        await follower.after_lists(1)
        await gap(store_under_test, store, changes)
        told = await follower.after_lists(2)
    assert sorted(name for change, name in told if change == "DELETED") == sorted(names[::2])
