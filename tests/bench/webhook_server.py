"""The server side of the webhook benchmark: the real application under uvicorn, on the bus that is named.

Started by `webhook_load`; prints its port and then serves until it is terminated. Usage:
python -m tests.bench.webhook_server BUS FOLDER [PROFILE], BUS being `sqlite` or `memory` (how much is the bus's share).
"""

from __future__ import annotations

import cProfile
import gc
import logging
import socket
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from kabanero.api.webhook import Webhook
from kabanero.api.webhook_connection import guarded_protocol
from kabanero.clock import SystemClock
from kabanero.model.events import Event
from kabanero.ports import Published

from tests.support.github import key_ring


class CountingBus:
    """Takes events and keeps nothing: what is left is the cost of everything else."""

    def __init__(self) -> None:
        self.count = 0

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        """Counts them."""
        self.count += 1
        return [Published(self.count, False)]

    async def close(self) -> None:
        """Nothing is held."""


async def open_bus(name: str, folder: Path) -> Any:
    """The bus of that name."""
    if name == "memory":
        return CountingBus()
    from kabanero.buses.sqlite import SqliteBus

    return await SqliteBus.open(folder / "bus.db", SystemClock())


async def serve(bus_name: str, folder: Path) -> None:
    """Serves until SIGTERM."""
    bus = await open_bus(bus_name, folder)
    app = Webhook(key_ring(), bus, SystemClock())
    logging.disable(logging.WARNING)
    config = uvicorn.Config(app, http=guarded_protocol(), lifespan="off", access_log=False, proxy_headers=False)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    print(listening.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])
    await bus.close()


def main() -> None:
    """Reads the command line."""
    import uvloop

    job = serve(sys.argv[1], Path(sys.argv[2]))
    if len(sys.argv) < 4:
        uvloop.run(job)
        return
    with cProfile.Profile() as profile:
        uvloop.run(job)
    profile.dump_stats(sys.argv[3])


if __name__ == "__main__":
    main()
