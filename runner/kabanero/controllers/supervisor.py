"""Keeps the controllers running: one that breaks is logged with its reason and started again after a pause.

Every controller finds its work again when it starts, so starting it again loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from kabanero.ports import Clock

log = logging.getLogger(__name__)
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


class Controller(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None:
        """Until cancelled."""


async def supervise(controllers: Mapping[str, Controller], clock: Clock) -> None:
    """Runs all of them until cancelled."""
    async with asyncio.TaskGroup() as group:
        for name, controller in controllers.items():
            group.create_task(_keep_running(name, controller, clock), name=name)


async def _keep_running(name: str, controller: Controller, clock: Clock) -> None:
    pause = FIRST_PAUSE
    while True:
        began = clock.now()
        try:
            await controller.run()
            _heed_cancel()
            log.error("The %s controller stopped by itself; it is started again in %g s", name, pause)
        except Exception:
            _heed_cancel()
            log.exception("The %s controller broke; it is started again in %g s", name, pause)
        if (clock.now() - began).total_seconds() > LONGEST_PAUSE:
            pause = FIRST_PAUSE
        await clock.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _heed_cancel() -> None:
    """Stopped is stopped, even if the controller didn't tell: it may end in peace when it is cancelled, and a TaskGroup
    that is cancelled in the moment in which a task of it breaks tells of the latter alone.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
