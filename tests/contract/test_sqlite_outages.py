"""Store and bus on SQLite with a full disk, a locked database, a second runner: a clear error, and no harm."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kabanero.buses.sqlite import BusSettings, SqliteBus
from kabanero.model.errors import BusUnavailableError, InvalidError, StoreUnavailableError
from kabanero.ports import EventQuery
from kabanero.sqlite.database import DatabaseSettings
from kabanero.stores.sqlite import SqliteStore, StoreSettings

from tests.contract.events import event, reading
from tests.contract.resources import TYPE, key, stage_run
from tests.support.clock import FakeClock

SMALL = DatabaseSettings(busy_seconds=0, max_pages=60)
IMPATIENT = DatabaseSettings(busy_seconds=0)
TEXT = "x" * 20_000


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Path]:
    """A real file system of 2 MB; only root may mount one."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("only root can mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems can't be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


async def fill(store: SqliteStore) -> int:
    """Creates until nothing fits; how many were acknowledged."""
    for number in range(10_000):
        try:
            await store.create(stage_run(f"n{number}", annotations={"text": TEXT}))
        except StoreUnavailableError as error:
            assert re.search(r"store\.db: the disk .*; (free space|look at)", str(error))
            return number
    raise AssertionError("the disk is too large for this test")


async def test_a_full_disk_is_told_and_costs_nothing_that_was_acknowledged(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    store = await SqliteStore.open(small_disk / "store.db", FakeClock())
    ballast.write_bytes(b"x" * 500_000)
    count = await fill(store)
    assert count > 0
    assert (await store.get(key("n0")))["metadata"]["name"] == "n0"
    ballast.unlink()
    await store.create(stage_run("afterwards"))
    await store.close()
    with sqlite3.connect(small_disk / "store.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM objects").fetchone() == (count + 1,)


async def test_a_full_disk_makes_no_publication_durable_that_was_refused(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    bus = await SqliteBus.open(small_disk / "bus.db", FakeClock())
    ballast.write_bytes(b"x" * 500_000)
    published = []
    with pytest.raises(BusUnavailableError, match=r"bus\.db: the disk"):
        for number in range(10_000):
            await bus.publish([event(f"e{number}", key="/" + TEXT)])
            published.append(f"e{number}")
    ballast.unlink()
    await bus.publish([event("afterwards")])
    kept = [each.event.id for each in await bus.find(EventQuery(limit=10_000))]
    assert kept == ["afterwards", *reversed(published)]
    await bus.close()


async def test_a_database_that_may_not_grow_refuses_and_keeps_what_it_took(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock(), StoreSettings(database=SMALL))
    count = await fill(store)
    await store.close()
    larger = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    await larger.create(stage_run("afterwards"))
    assert count > 0 and len((await larger.list(TYPE)).items) == count + 1
    await larger.close()


async def test_one_write_too_many_takes_no_other_down(tmp_path: Path) -> None:
    bus = await SqliteBus.open(tmp_path / "bus.db", FakeClock())
    publications = (bus.publish([event("good")]), bus.publish([event("bad\ud800")]))
    _, refused = await asyncio.gather(*publications, return_exceptions=True)
    assert isinstance(refused, InvalidError) and "bad" in str(refused)
    assert [each.event.id for each in await bus.find(EventQuery())] == ["good"]
    await bus.close()


async def test_a_locked_store_says_so_and_works_again_afterwards(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock(), StoreSettings(database=IMPATIENT))
    with sqlite3.connect(tmp_path / "store.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match=r"store\.db: the database is locked by another process"):
            await store.create(stage_run("a"))
        other.execute("ROLLBACK")
    await store.create(stage_run("a"))
    await store.close()


async def test_a_locked_bus_keeps_what_its_consumers_did_until_it_can_write(tmp_path: Path) -> None:
    settings = BusSettings(flush_seconds=0.01, database=IMPATIENT)
    bus = await SqliteBus.open(tmp_path / "bus.db", FakeClock(), settings)
    await bus.publish([event("a")])
    async with reading(bus) as reader:
        delivery = await reader.next()
        with sqlite3.connect(tmp_path / "bus.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            await delivery.ack("done")
            with pytest.raises(BusUnavailableError, match="locked"):
                await bus.find(EventQuery())
            other.execute("ROLLBACK")
        assert (await bus.find(EventQuery()))[0].handlings[0].note == "done"
    await bus.close()


@pytest.mark.parametrize("put_back", [False, True], ids=["deleted", "deleted and made anew"])
async def test_what_would_go_into_a_file_that_was_deleted_is_refused(tmp_path: Path, put_back: bool) -> None:
    bus = await SqliteBus.open(tmp_path / "bus.db", FakeClock())
    await bus.publish([event("a")])
    (tmp_path / "bus.db").unlink()
    if put_back:
        (tmp_path / "bus.db").touch()
    with pytest.raises(BusUnavailableError, match=r"bus\.db: the file was moved or deleted while it was open"):
        await bus.publish([event("b")])
    await bus.close()


async def test_a_second_runner_is_refused_with_the_id_of_the_first(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    with pytest.raises(StoreUnavailableError, match=f"in use by process {os.getpid()}"):
        await SqliteStore.open(tmp_path / "store.db", FakeClock())
    await store.close()
    await (await SqliteStore.open(tmp_path / "store.db", FakeClock())).close()


async def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    await (await SqliteStore.open(tmp_path / "store.db", FakeClock())).close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("INSERT INTO migrations VALUES (99, '0099_later.sql')")
    with pytest.raises(StoreUnavailableError, match="install a newer release"):
        await SqliteStore.open(tmp_path / "store.db", FakeClock())


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        await SqliteStore.open(tmp_path / "store.db", FakeClock())


async def test_a_refused_database_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="not a database"):
            await SqliteStore.open(tmp_path / "store.db", FakeClock())


async def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "data" / "store.db", FakeClock())
    await store.create(stage_run("a"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600} and "store.db-wal" in modes
    await store.close()


async def test_after_closing_the_store_says_that_it_is_closed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    await store.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        await store.create(stage_run("a"))
