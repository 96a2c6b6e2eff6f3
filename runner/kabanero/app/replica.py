"""One of several runners: it leads for as long as it holds the lease, and follows otherwise. Used by `app`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping

from kabanero.app.cluster import Cluster
from kabanero.app.loops import Loop, Loops
from kabanero.controllers.supervisor import Controller, supervise
from kabanero.model.errors import KabaneroError
from kabanero.ports import Clock

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.2


@contextlib.asynccontextmanager
async def running(controllers: Mapping[str, Controller], clock: Clock) -> AsyncIterator[asyncio.Task[None]]:
    """Runs controllers meanwhile; afterwards none of them does anything more."""
    task = asyncio.get_running_loop().create_task(supervise(controllers, clock))
    try:
        yield task
    finally:
        await stopped(task)


async def stopped(task: asyncio.Task[None]) -> None:
    """Cancels a task and returns when it has ended; raises what broke it.

    Who is cancelled meanwhile stays cancelled. `await task` can't tell that from the task's own cancellation, and a
    runner that takes the one for the other never ends.
    """
    task.cancel()
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
    if not task.cancelled():
        task.result()


class Replica:
    """Takes turns with others."""

    def __init__(self, cluster: Cluster, loops: Loops, clock: Clock, drain_seconds: float) -> None:
        self._cluster, self._loops, self._clock = cluster, loops, clock
        self._drain_seconds = drain_seconds

    async def run(self) -> None:
        """Until cancelled; then another may lead at once.

        We leave only when our presence is told no more: what is on its way would bring its Lease back.
        """
        presence = self._cluster.presence
        try:
            async with running({"presence": Loop(lambda: presence.run(self._give_up))}, self._clock):
                await self._lead_in_turns()
        finally:
            if not self._is_busy():
                await presence.leave()

    async def _lead_in_turns(self) -> None:
        try:
            await self._take_turns()
        finally:
            await self._cluster.election.release()
            await self._drain()

    async def _take_turns(self) -> None:
        election = self._cluster.election
        while True:
            async with running(self._loops.following(), self._clock):
                await self._cluster.presence.announced.wait()
                await election.until_leading()
            log.info("Leading as %s", self._cluster.presence.identity)
            async with running(self._loops.leading(), self._clock):
                await self._tidy()
                await election.until_lost()
            log.warning("Not leading any more")

    async def _tidy(self) -> None:
        try:
            await self._cluster.presence.sweep()
        except KabaneroError as error:
            log.warning("Leases of runners that are gone stay for now: %s", error)

    async def _drain(self) -> None:
        """Lets playbooks end that nobody else may take up."""
        if not self._drain_seconds or not self._is_busy():
            return
        log.info("Waiting up to %g s for playbooks that only this runner can bring to their end", self._drain_seconds)
        async with running(self._loops.following(), self._clock):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._drain_seconds):
                    while self._is_busy():
                        await self._clock.sleep(LOOK_SECONDS)

    def _is_busy(self) -> bool:
        return self._loops.claiming is not None and self._loops.claiming.is_busy

    async def _give_up(self) -> None:
        if self._loops.claiming is not None:
            await self._loops.claiming.give_up()
