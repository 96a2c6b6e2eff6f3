"""Finds stages whose StageRun was deleted while nobody was looking, and tells their runs.

A deletion is watched (stage_run), but a runner that is away, or dies the moment it hears of one, misses it, and so does
a watch that fell too far behind; then the run would wait for ever. Run by the strategy_run controller beside its other
loops.
"""

from __future__ import annotations

import asyncio
import logging

from kabanero.controllers.following import every, follow
from kabanero.controllers.outbox import GONE, Outbox
from kabanero.controllers.stage_runs import stage_run_key
from kabanero.engine.inputs import StageCancelRequested
from kabanero.engine.phases import ACTIVE
from kabanero.model.errors import KabaneroError, NotFoundError
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_RUN
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import parse_selector
from kabanero.ports import Change, Clock, Store

log = logging.getLogger(__name__)
FIRST_SECONDS, SECOND_SECONDS, EVERY_SECONDS = 5.0, 5.0, 3600.0
"""A look comes when the watch on StageRuns surely stands again, and now and then for whatever nobody thought of."""
AT_ONCE, BREATH_SECONDS = 20, 0.05
"""Among a hundred thousand runs the search must not hold up a push: so many, then a pause."""
RUNNING = parse_selector(fields="status.phase=Running")
Missing = tuple[Key, str, int]
"""A run, and the stage and attempt of it that is under way without a StageRun."""


class LostStageRuns:
    """Looks one run at a time, so that a hundred thousand waiting runs cost time but nobody's attention."""

    def __init__(self, store: Store, clock: Clock, outbox: Outbox) -> None:
        self._store, self._clock, self._outbox = store, clock, outbox
        self._due = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._after_gaps())
            group.create_task(self._now_and_then())
            group.create_task(self._look())

    async def _after_gaps(self) -> None:
        async for change in follow(self._store, self._clock, STAGE_RUN.type, first=()):
            if change.change is Change.BOOKMARK:
                self._due.set()

    async def _now_and_then(self) -> None:
        while True:
            self._due.set()
            await self._clock.sleep(EVERY_SECONDS)

    async def _look(self) -> None:
        while True:
            await self._due.wait()
            await self._clock.sleep(FIRST_SECONDS)
            self._due.clear()
            try:
                await self._search()
            except KabaneroError as error:
                log.warning("The search for lost StageRuns was broken off: %s", error)
                self._due.set()

    async def _search(self) -> None:
        """Looks twice: a run that has just begun may be about to make its StageRuns."""
        found: set[Missing] = set()
        looked_at = 0
        async for run in every(self._store, STRATEGY_RUN.type, RUNNING):
            found |= await self._missing(run)
            looked_at += 1
            if looked_at % AT_ONCE == 0:
                await self._clock.sleep(BREATH_SECONDS)
        if not found:
            return
        await self._clock.sleep(SECOND_SECONDS)
        for key in {key for key, _, _ in found}:
            await self._tell(key, found)

    async def _tell(self, key: Key, found: set[Missing]) -> None:
        run = await self._get(key)
        if run is None:
            return
        for _, stage, attempt in found & await self._missing(run):
            wish = StageCancelRequested(stage, GONE, attempt)
            await self._outbox.tell(run, run["status"]["contextID"], f"{stage}/{attempt}/lost", wish)

    async def _missing(self, run: Resource) -> set[Missing]:
        key = Key(STRATEGY_RUN.type, run["metadata"]["namespace"], run["metadata"]["name"])
        active = [stage for stage in run["status"].get("stages", ()) if stage.get("phase") in ACTIVE]
        return {
            (key, stage["name"], stage["attempt"])
            for stage in active
            if await self._get(stage_run_key(run, stage["name"])) is None
        }

    async def _get(self, key: Key) -> Resource | None:
        try:
            return await self._store.get(key)
        except NotFoundError:
            return None
