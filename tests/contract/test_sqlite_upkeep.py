"""What SQLite's store and bus do with their files over time: forget, index anew, stay small."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from kabanero.buses.sqlite import BusSettings, SqliteBus
from kabanero.model.selectors import parse_selector
from kabanero.ports import Consumer, EventQuery
from kabanero.stores.sqlite import SqliteStore, StoreSettings
from kabanero.stores.sqlite.selecting import Scope, candidates
from kabanero.stores.sqlite.terms import field_terms

from tests.contract.events import event, reading
from tests.contract.resources import PATIENCE, TYPE, key, names, stage_run, with_attempt, with_phase
from tests.support.clock import FakeClock

HOUR = timedelta(hours=1)
NOT_BEGUN = parse_selector("", "status.phase=")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def bus(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteBus]:
    bus = await SqliteBus.open(tmp_path / "bus.db", clock, BusSettings(flush_seconds=0.01))
    yield bus
    await bus.close()


async def kept(bus: SqliteBus) -> list[str]:
    return [each.event.id for each in await bus.find(EventQuery())]


async def test_old_events_that_all_have_handled_are_pruned(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.publish([event(f"e{number}", key=f"/{number}") for number in range(500)])
    clock.advance(3600)
    await bus.publish([event("young")])
    async with reading(bus) as reader:
        await reader.ids(501)
    assert await bus.prune(clock.now()) == 500
    assert await kept(bus) == ["young"]


async def test_events_that_somebody_has_not_handled_are_not_pruned(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.publish([event("a", key="/1"), event("b", key="/2"), event("last")])
    async with reading(bus, "one") as one, reading(bus, "two") as two:
        await one.ids(3)
        await two.ids(1)
        assert await bus.prune(clock.now() + HOUR) == 1
    assert await kept(bus) == ["last", "b"]


async def test_dead_letters_and_retries_are_not_pruned(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.publish([event("dead", key="/1"), event("retried", key="/2"), event("last")])
    async with reading(bus) as reader:
        dead, retried, last = await reader.take(3)
        await dead.dead("no such thing")
        await retried.retry("not now")
        await last.ack()
        assert await bus.prune(clock.now() + HOUR) == 0
        assert await bus.prune(clock.now() + HOUR, dead_too=True) == 1


async def test_a_forgotten_consumer_keeps_nothing(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.publish([event("a"), event("last")])
    async with reading(bus, "one") as one, reading(bus, "two"):
        await one.ids(2)
    await bus.forget("two")
    assert await bus.prune(clock.now() + HOUR) == 1


async def test_an_event_that_is_handled_for_long_does_not_bring_back_what_came_after_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    settings = BusSettings(flush_seconds=0.01, stuck_events=10)
    bus = await SqliteBus.open(tmp_path / "bus.db", clock, settings)
    await bus.publish([event("long", key="/long"), *(event(key=f"/{number}") for number in range(50))])
    async with reading(bus) as reader:
        await reader.next()
        await reader.ids(50)
        await bus.find(EventQuery())
        with sqlite3.connect(tmp_path / "bus.db") as file:
            assert file.execute("SELECT cursor FROM consumers").fetchone() == (51,)
            assert file.execute("SELECT sequence FROM pending").fetchall() == [(1,)]
    await bus.close()


async def test_a_consumer_holds_no_backlog_in_memory(bus: SqliteBus) -> None:
    async with reading(bus, Consumer("reader", max_in_flight=8)) as reader:
        await reader.has_nothing()
        await bus.publish([event(key=f"/{number}") for number in range(2000)])
        await reader.next()
        assert len(bus._consumings["reader"].lanes.open) <= 64


async def test_history_is_forgotten_by_number(tmp_path: Path, clock: FakeClock) -> None:
    settings = StoreSettings(history_seconds=0, history_changes=10)
    store = await SqliteStore.open(tmp_path / "store.db", clock, settings)
    created = await store.create(stage_run("a"))
    for attempt in range(2, 102):
        created = await store.update(with_attempt(created, attempt))
    await store.compact()
    with sqlite3.connect(tmp_path / "store.db") as file:
        assert file.execute("SELECT count(*) FROM versions").fetchone() == (11,)
    await store.close()


async def test_deleted_resources_leave_nothing_behind(tmp_path: Path, clock: FakeClock) -> None:
    settings = StoreSettings(history_seconds=0, history_changes=1)
    store = await SqliteStore.open(tmp_path / "store.db", clock, settings)
    for name in ("a", "b"):
        await store.create(stage_run(name, labels={"x": "y"}))
        await store.delete(key(name))
    await store.create(stage_run("c"))
    await store.create(stage_run("d"))
    await store.compact()
    with sqlite3.connect(tmp_path / "store.db") as file:
        assert file.execute("SELECT name FROM objects ORDER BY name").fetchall() == [("c",), ("d",)]
        assert file.execute("SELECT count(DISTINCT object) FROM terms").fetchone() == (2,)
    await store.close()


async def test_history_is_compacted_from_time_to_time(tmp_path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", clock, StoreSettings(history_changes=1))
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    await store.create(stage_run("b"))
    clock.advance(30)
    async with asyncio.timeout(PATIENCE):
        while _versions(tmp_path) > 2:
            await asyncio.sleep(0.01)
    await store.close()


def _versions(folder: Path) -> int:
    with sqlite3.connect(folder / "store.db") as file:
        return int(file.execute("SELECT count(*) FROM versions").fetchone()[0])


async def test_a_field_that_becomes_selectable_is_indexed_at_the_next_start(tmp_path: Path, clock: FakeClock) -> None:
    before = replace(TYPE, selectable=())
    store = await SqliteStore.open(tmp_path / "store.db", clock, types=[before])
    for number in range(450):
        created = await store.create(stage_run(f"n{number}"))
    await store.update(with_phase(created, "Running"), status=True)
    await store.close()

    store = await SqliteStore.open(tmp_path / "store.db", clock, types=[TYPE])
    page = await store.list(TYPE, selector=parse_selector("", "status.phase=Running"))
    assert names(page.items) == ["n449"]
    async with asyncio.timeout(PATIENCE):
        while "status.phase" not in _indexed(tmp_path):
            await asyncio.sleep(0.01)
    page = await store.list(TYPE, selector=parse_selector("", "status.phase=Running"))
    assert names(page.items) == ["n449"]
    await store.close()


async def test_what_nobody_has_begun_with_is_looked_up_and_not_walked_to(tmp_path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", clock, types=[TYPE])
    for number in range(40):
        created = await store.create(stage_run(f"n{number}"))
        if number:
            await store.update(with_phase(created, "Running"), status=True)
    found = await store.list(TYPE, selector=NOT_BEGUN)
    await store.close()
    assert names(found.items) == ["n0"]
    assert _candidates(tmp_path) == 1


async def test_a_file_of_an_older_release_finds_what_nobody_has_begun_with(tmp_path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", clock, types=[TYPE])
    await store.create(stage_run("new"))
    await store.close()
    with sqlite3.connect(tmp_path / "store.db") as file:  # As it was when absence had no index.
        term = next(iter(field_terms(1, TYPE, NOT_BEGUN.fields[0])))
        assert file.execute("DELETE FROM terms WHERE term = ?", (term,)).rowcount == 1
        file.execute("UPDATE types SET indexed = ?", (json.dumps(TYPE.selectable),))
    store = await SqliteStore.open(tmp_path / "store.db", clock, types=[TYPE])
    assert names((await store.list(TYPE, selector=NOT_BEGUN)).items) == ["new"]
    async with asyncio.timeout(PATIENCE):
        while "status.phase=" not in _indexed(tmp_path):
            await asyncio.sleep(0.01)
    assert names((await store.list(TYPE, selector=NOT_BEGUN)).items) == ["new"]
    await store.close()
    assert _candidates(tmp_path) == 1


def _candidates(folder: Path) -> int | None:
    """How many resources are looked at to find those without a phase; None: all."""
    with sqlite3.connect(folder / "store.db") as file:
        (last,) = file.execute("SELECT max(version) FROM versions").fetchone()
        found = candidates(file, Scope(TYPE, 1, "", NOT_BEGUN), last)
    return None if found is None else len(found)


def _indexed(folder: Path) -> str:
    with sqlite3.connect(folder / "store.db") as file:
        return str(file.execute("SELECT indexed FROM types").fetchone()[0])
