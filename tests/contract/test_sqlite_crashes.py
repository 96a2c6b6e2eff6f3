"""Killed at random moments, store and bus lose nothing that was acknowledged."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from kabanero.buses.sqlite import SqliteBus
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.ports import EventQuery
from kabanero.stores.sqlite import SqliteStore

from tests.contract.events import reading
from tests.contract.resources import PATIENCE
from tests.support.clock import FakeClock

KILLS = 4
Said = defaultdict[str, list[str]]


def run_and_kill(folder: Path, round: int, said: Said) -> None:
    command = [sys.executable, "-m", "tests.contract.crash_child", str(folder), str(round * 1_000_000)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "ready\n"
    lines = int(random.expovariate(1 / 400)) + 1
    for _, line in zip(range(lines), child.stdout, strict=False):
        take(line, said)
    child.kill()
    for line in child.stdout.read().splitlines():
        take(line, said)
    child.wait()


def take(line: str, said: Said) -> None:
    what, _, id = line.strip().partition(" ")
    said[what].append(id)


@pytest.fixture
async def aftermath(tmp_path: Path) -> tuple[Path, Said]:
    said: Said = defaultdict(list)
    for round in range(KILLS):
        await asyncio.to_thread(run_and_kill, tmp_path, round, said)
    return tmp_path, said


async def test_what_was_acknowledged_before_a_kill_is_there_after_it(aftermath: tuple[Path, Said]) -> None:
    folder, said = aftermath
    store = await SqliteStore.open(folder / "store.db", FakeClock())
    bus = await SqliteBus.open(folder / "bus.db", FakeClock())
    there = {each["metadata"]["name"]: each for each in (await store.list(STAGE_RUN.type)).items}
    assert all(there[name]["status"]["phase"] == "Running" for name in said["resource"])
    kept = {each.event.id for each in await bus.find(EventQuery(limit=1_000_000))}
    assert said["event"] and set(said["event"]) <= kept

    delivered = set(said["delivered"])
    async with reading(bus) as reader:
        while not await reader.has_nothing():
            delivered.update(await reader.ids(1))
    assert kept <= delivered

    await store.close()
    await bus.close()
    for name in ("store.db", "bus.db"):
        with sqlite3.connect(folder / name) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_garbage_that_a_kill_left_is_collected_at_the_next_start(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    await store.close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("INSERT INTO collecting (task, uid, object) VALUES ('dependents', 'long-gone', 1)")
    store = await SqliteStore.open(tmp_path / "store.db", FakeClock())
    async with asyncio.timeout(PATIENCE):
        while _tasks(tmp_path):
            await asyncio.sleep(0.01)
    await store.close()


def _tasks(folder: Path) -> int:
    with sqlite3.connect(folder / "store.db") as connection:
        return int(connection.execute("SELECT count(*) FROM collecting").fetchone()[0])
