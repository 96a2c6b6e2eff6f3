"""Wires adapters to ports: only here is known which store, bus and executor a runner has. Called by `kabanero serve`.

Order matters twice. At the start nothing is answered before the store and the bus are open; at the end nothing new is
taken before what was taken is durable. Work that is under way outlives the runner and is found again.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import uvloop

from kabanero.api.kubeconfig import local_url
from kabanero.app.http import HttpSide
from kabanero.app.loops import Loops
from kabanero.app.parts import Parts
from kabanero.app.replica import Replica, running, stopped
from kabanero.engine.triggers import TriggerIndex
from kabanero.logs import set_up_logging
from kabanero.settings import Settings

log = logging.getLogger(__name__)


def main(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT. Raises KabaneroError when it can't start."""
    set_up_logging(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Opens everything, prints the ready line, and closes everything at the end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Parts.opened(settings) as parts:
        await _serve(settings, parts, stop)


async def _serve(settings: Settings, parts: Parts, stop: asyncio.Event) -> None:
    index = TriggerIndex()
    http = HttpSide(settings, parts, index)
    loops = Loops(settings, parts, http, index)
    await http.start()
    async with running(loops.everywhere(), parts.clock):
        work = asyncio.get_running_loop().create_task(_turns(settings, parts, loops))
        await http.settled()
        sys.stdout.write(f"ready {local_url(http.url)}\n")
        sys.stdout.flush()
        stopping = asyncio.get_running_loop().create_task(stop.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        log.info("Stopping; work that is under way goes on and is taken up again at the next start")
        if parts.cluster:  # Another runner leads at once, while we still answer what we were asked.
            await stopped(work)
        await http.stop()
        await stopped(work)


async def _turns(settings: Settings, parts: Parts, loops: Loops) -> None:
    """Alone a runner always leads."""
    if parts.cluster:
        await Replica(parts.cluster, loops, parts.clock, settings.kubernetes.drain).run()
        return
    async with running(loops.leading(), parts.clock) as leading:
        await leading
