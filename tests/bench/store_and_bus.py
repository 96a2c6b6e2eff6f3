"""Measures store and bus on SQLite: `python -m tests.bench.store_and_bus [resources]` prints a table.

Never run as a test. Says what one machine can do, with every commit flushed to the disk.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from kabanero.buses.sqlite import SqliteBus
from kabanero.clock import SystemClock
from kabanero.model.events import Event
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import API_VERSION, Key, Resource
from kabanero.model.selectors import parse_selector
from kabanero.ports import Consumer, Write
from kabanero.stores.sqlite import SqliteStore

PAYLOAD = b'{"name":"Push","text":"' + b"x" * 5000 + b'"}'
EVENTS = 20_000
WRITES = 2_000


def say(what: str, value: float, unit: str) -> None:
    print(f"{what:64} {value:12,.2f} {unit}", flush=True)


def memory() -> float:
    """Resident memory, MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def timed(what: str, times: int, work: Callable[[], Awaitable[object]]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    await work()
    took, used = time.perf_counter() - start, time.process_time() - cpu
    say(what, times / took, f"/s  ({used / times * 1e6:.0f} us of CPU each, {took / times * 1e3:.3f} ms)")


def event(number: int, clock: SystemClock) -> Event:
    path = f"/kabanero/repository/github/github.com/org/repo-{number % 200}"
    return Event(f"delivery-{number}", "/github", "push", "SourceRepository", path, clock.now(), PAYLOAD)


async def measure_bus(folder: Path) -> None:
    clock = SystemClock()
    bus = await SqliteBus.open(folder / "bus.db", clock)
    numbers = iter(range(1_000_000))

    async def publish(times: int) -> None:
        for _ in range(times):
            started = time.perf_counter()
            await bus.publish([event(next(numbers), clock)])
            waits.append(time.perf_counter() - started)

    for readers in (0, 1, 3):
        tasks = [asyncio.create_task(consume(bus, f"reader-{each}")) for each in range(readers)]
        await asyncio.sleep(2)
        for at_once in (1, 64):
            waits: list[float] = []
            times = EVENTS if at_once > 1 else 1_000
            share = times // at_once

            async def load(at_once: int = at_once, share: int = share) -> None:
                await asyncio.gather(*(publish(share) for _ in range(at_once)))

            await timed(f"publish, {at_once} at once, {readers} consumers", times, load)
            waits.sort()
            say("  median", waits[len(waits) // 2] * 1e3, "ms")
            say("  99th percentile", waits[len(waits) * 99 // 100] * 1e3, "ms")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    say("memory with the bus", memory(), "MB")
    await bus.close()


async def consume(bus: SqliteBus, name: str) -> None:
    async for delivery in bus.subscribe(Consumer(name)):
        await delivery.ack()


def stage_run(number: int) -> Resource:
    run = f"run-{number // 5}"
    return {
        "apiVersion": API_VERSION,
        "kind": "StageRun",
        "metadata": {
            "name": f"{run}-stage-{number % 5}",
            "namespace": "kabanero",
            "labels": {"kabanero.io/context-id": f"ctx-{number // 5}", "kabanero.io/strategy": "main"},
        },
        "spec": {
            "stageName": f"stage-{number % 5}",
            "stageRef": {"kind": "PlaybookStage", "name": "build"},
            "contextID": f"ctx-{number // 5}",
            "strategy": "main",
            "strategyRun": run,
            "attempt": 1,
        },
    }


def waiting(number: int, on: str) -> Resource:
    return {**stage_run(number), "status": {"phase": "Running", "waitsOn": on, "attempt": 1}}


async def measure_store(folder: Path, resources: int) -> None:
    clock = SystemClock()
    store = await SqliteStore.open(folder / "store.db", clock)
    await timed("create, one after the other", 500, lambda: one_by_one(store, range(500)))
    numbers = range(500, 500 + WRITES)
    await timed("create, 64 at once", WRITES, lambda: at_once(store, numbers))
    start = 500 + WRITES
    await timed("create, write_all of 100", resources - start, lambda: fill(store, range(start, resources)))
    await timed("status update, write_all of 100", WRITES, lambda: set_waiting(store, range(WRITES), "Approval"))
    await timed("status update, one after the other", 500, lambda: update_each(store, range(500)))
    say("memory with the store", memory(), "MB")
    await store.close()
    started = time.perf_counter()
    store = await SqliteStore.open(folder / "store.db", clock)
    say(f"open with {resources:,} resources", (time.perf_counter() - started) * 1e3, "ms")
    await set_waiting(store, range(10), "Playbook")
    for text in ("status.phase=Running,status.waitsOn=Playbook", "spec.strategyRun=run-7", "status.phase=Running"):
        await timed(
            f"list by {text}", 1, lambda text=text: store.list(STAGE_RUN.type, selector=parse_selector("", text))
        )
    await timed("first page of 500 of all", 1, lambda: store.list(STAGE_RUN.type, limit=500))
    await timed("the present version (limit 1)", 1, lambda: store.list(STAGE_RUN.type, limit=1))
    await timed("get, one after the other", 500, lambda: get_each(store, range(500)))
    say("memory", memory(), "MB")
    await store.close()


async def one_by_one(store: SqliteStore, numbers: range) -> None:
    for number in numbers:
        await store.create(stage_run(number))


async def at_once(store: SqliteStore, numbers: range) -> None:
    for start in numbers[::64]:
        await asyncio.gather(*(store.create(stage_run(each)) for each in range(start, min(start + 64, numbers.stop))))


async def fill(store: SqliteStore, numbers: range) -> None:
    for start in numbers[::100]:
        part = range(start, min(start + 100, numbers.stop))
        await store.write_all([Write("create", stage_run(each)) for each in part])


async def set_waiting(store: SqliteStore, numbers: range, on: str) -> None:
    for start in numbers[::100]:
        part = range(start, min(start + 100, numbers.stop))
        await store.write_all([Write("update_status", waiting(each, on)) for each in part])


async def update_each(store: SqliteStore, numbers: range) -> None:
    for number in numbers:
        await store.update(waiting(number, "External"), status=True)


async def get_each(store: SqliteStore, numbers: range) -> None:
    for number in numbers:
        metadata = stage_run(number)["metadata"]
        await store.get(Key(STAGE_RUN.type, metadata["namespace"], metadata["name"]))


async def main(resources: int) -> None:
    say("memory at the start", memory(), "MB")
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        await measure_bus(Path(folder))
        await measure_store(Path(folder), resources)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
