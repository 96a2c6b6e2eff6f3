"""Work in order per key and side by side over keys: what keeps one run's steps from overtaking each other.

Used by the strategy_run and stage_run controllers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)
Job = Callable[[], Awaitable[None]]


class KeyedWork(Generic[K]):
    """Runs jobs of one key one after the other. Jobs handle their errors; one that fails does not hold up the next."""

    def __init__(self) -> None:
        self._waiting: dict[K, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, key: K, job: Job) -> None:
        """Queues a job behind those of its key."""
        if key in self._waiting:
            self._waiting[key].append(job)
            return
        self._waiting[key] = deque([job])
        task = asyncio.get_running_loop().create_task(self._drain(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, key: K) -> None:
        jobs = self._waiting[key]
        try:
            while jobs:
                await _done(jobs[0], key)
                jobs.popleft()
        finally:
            del self._waiting[key]

    async def close(self) -> None:
        """Breaks off what runs; whatever was under way is found again at the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _done(job: Job, key: object) -> None:
    try:
        await job()
    except Exception:
        log.exception("Work on %s failed", key)
