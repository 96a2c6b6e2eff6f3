"""Watches all jobs at one AWX with one request for up to 200 of them, however many stages wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kabanero.executors.awx.answers import RefusedError
from kabanero.executors.awx.connection import Connection, Tell
from kabanero.executors.awx.launching import JOBS
from kabanero.ports import Clock

log = logging.getLogger(__name__)
AT_ONCE = 200
"""Largest page that AWX gives."""
ENDED = frozenset({"successful", "failed", "error", "canceled"})


class JobGoneError(Exception):
    """AWX does not know the job any more."""


@dataclass(slots=True)
class _Waiting:
    type: str
    seconds: float
    tell: Tell
    status: str = ""
    ended: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Poller:
    """Runs while anybody waits."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock
        self._waiting: dict[int, _Waiting] = {}
        self._task: asyncio.Task[None] | None = None

    async def ended(self, type: str, id: int, seconds: float, tell: Tell) -> None:
        """Returns when the job has ended; `seconds` is how often it is looked at. Raises JobGoneError."""
        waiting = self._waiting[id] = _Waiting(type, seconds, tell)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            await waiting.ended
        finally:
            if self._waiting.get(id) is waiting:
                del self._waiting[id]

    async def close(self) -> None:
        """Nobody is told anything any more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            await self._clock.sleep(min(each.seconds for each in self._waiting.values()))
            ids = sorted(self._waiting)
            for start in range(0, len(ids), AT_ONCE):
                await self._look(ids[start : start + AT_ONCE])

    async def _look(self, ids: list[int]) -> None:
        query = {"id__in": ",".join(map(str, ids)), "order_by": "id", "page_size": AT_ONCE}
        try:
            page = await self._connection.get("unified_jobs/", self._tell_all, query)
            there = {job["id"]: job for job in page["results"]}
            for id in ids:
                await self._take(id, there.get(id))
        except Exception as error:  # A poller that died would let every stage wait for ever.
            log.warning("Can't look at the jobs of %s: %r", self._connection.place.url, error)
            self._tell_all(str(error))

    async def _take(self, id: int, job: Mapping[str, Any] | None) -> None:
        waiting = self._waiting.get(id)
        if waiting is None or waiting.ended.done():
            return
        if job is None:
            job = await self._alone(waiting.type, id)
        if job is None:
            waiting.ended.set_exception(JobGoneError())
        elif job["status"] in ENDED:
            waiting.ended.set_result(None)
        elif job["status"] != waiting.status:
            waiting.status = job["status"]
            waiting.tell(f"job {id} is {waiting.status}")

    async def _alone(self, type: str, id: int) -> Mapping[str, Any] | None:
        """A list also leaves out what we may not see; only a 404 means that the job is gone."""
        try:
            job: Mapping[str, Any] = await self._connection.get(f"{JOBS[type]}/{id}/", self._tell_all)
            return job
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def _tell_all(self, text: str) -> None:
        for waiting in self._waiting.values():
            waiting.status = ""
            waiting.tell(text)
