"""Publishes and writes until it is killed, and says on stdout what was acknowledged. Run by the crash test."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from kabanero.buses.sqlite import BusSettings, SqliteBus
from kabanero.clock import SystemClock
from kabanero.ports import Consumer
from kabanero.stores.sqlite import SqliteStore

from tests.contract.events import event
from tests.contract.resources import stage_run, with_phase


def acknowledged(what: str) -> None:
    os.write(1, f"{what}\n".encode())


async def publish(bus: SqliteBus, start: int, worker: int) -> None:
    for number in itertools.count(start):
        await bus.publish([event(f"{worker}-{number}", key=f"/{worker}")])
        acknowledged(f"event {worker}-{number}")


async def write(store: SqliteStore, start: int, worker: int) -> None:
    for number in itertools.count(start):
        created = await store.create(stage_run(f"r{worker}-{number}"))
        await store.update(with_phase(created, "Running"), status=True)
        acknowledged(f"resource r{worker}-{number}")


async def consume(bus: SqliteBus) -> None:
    async for delivery in bus.subscribe(Consumer("reader")):
        acknowledged(f"delivered {delivery.event.id}")
        await delivery.ack()


async def main(folder: Path, start: int) -> None:
    bus = await SqliteBus.open(folder / "bus.db", SystemClock(), BusSettings(flush_seconds=0.005))
    store = await SqliteStore.open(folder / "store.db", SystemClock())
    acknowledged("ready")
    workers = [publish(bus, start, worker) for worker in range(4)] + [
        write(store, start, worker) for worker in range(4)
    ]
    await asyncio.gather(consume(bus), *workers)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
