"""Tells people and dashboards what happens to runs: core Events for `kubectl describe`, and counters.

Plugged into the strategy_run controller as its observer. Writes go out in the background in batches: an Event that is
lost in a crash is only a line less to read, so nothing waits for it. A step of a run is one Event, however much follows
from it: on a cluster each is a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from kabanero.engine.commands import Command, CreateStageRuns, SettleStage, StartStage
from kabanero.model.core_events import core_event, reference_to
from kabanero.model.errors import KabaneroError
from kabanero.model.kinds.runs import RunPhase, RunStatus, StagePhase
from kabanero.model.resource import Resource
from kabanero.ports import Clock, Store, Write

log = logging.getLogger(__name__)
BATCH = 200
WAITING_LIMIT = 5000
PAUSE_SECONDS = 0.2
Counted = Callable[[str, str], None]
Timed = Callable[[str, float], None]
Note = tuple[str, str, str]
"""Type, reason and message."""


class Recorder:
    """Collects what happened; `counted(what, outcome)` is called for each started or ended run and stage.

    `timed(phase, seconds)` is called for each stage of a run that has ended.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        counted: Counted = lambda what, outcome: None,
        timed: Timed = lambda phase, seconds: None,
    ) -> None:
        self._store, self._clock, self._counted, self._timed = store, clock, counted, timed
        self._waiting: list[Write] = []
        self._some = asyncio.Event()

    def stepped(self, run: Resource, status: RunStatus, commands: Sequence[Command]) -> None:
        """Notes one step of a run."""
        notes = [note for command in commands if (note := self._note(command))]
        notes.sort(key=_weight)
        if status.completion_time:
            notes.insert(0, self._ended(status))
        if notes:
            self._add(run, *_as_one(notes))

    async def run(self) -> None:
        """Writes what was noted, until cancelled."""
        while True:
            await self._some.wait()
            await self._clock.sleep(PAUSE_SECONDS)
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if not self._waiting:
                self._some.clear()
            try:
                await self._store.write_all(batch)
            except KabaneroError as error:
                log.warning("%d Events were not written: %s", len(batch), error)

    def _note(self, command: Command) -> Note | None:
        match command:
            case CreateStageRuns():
                self._counted("run", "started")
                return "Normal", "Started", "the run has begun"
            case StartStage(stage=stage, attempt=attempt):
                again = f", attempt {attempt}" if attempt > 1 else ""
                return "Normal", "StageTriggered", f"stage {stage} was triggered{again}"
            case SettleStage(stage=stage, phase=phase, message=message) if phase is not StagePhase.SKIPPED:
                self._counted("stage", phase.value)
                type = "Normal" if phase is StagePhase.SUCCEEDED else "Warning"
                return type, f"Stage{phase.value}", f"stage {stage}: {message or phase.value}"
            case _:
                return None

    def _ended(self, status: RunStatus) -> Note:
        self._counted("run", status.phase.value)
        for stage in status.stages:
            if stage.start_time and stage.completion_time:
                took = datetime.fromisoformat(stage.completion_time) - datetime.fromisoformat(stage.start_time)
                self._timed(stage.phase.value, took.total_seconds())
        type = "Normal" if status.phase is RunPhase.SUCCEEDED else "Warning"
        return type, status.phase.value, status.summary

    def _add(self, run: Resource, type: str, reason: str, message: str) -> None:
        if len(self._waiting) < WAITING_LIMIT:
            self._waiting.append(Write("create", self._event(run, type, reason, message)))
            self._some.set()

    def _event(self, run: Resource, type: str, reason: str, message: str) -> Resource:
        about, now = reference_to(run), self._clock.now()
        unique = hashlib.sha256(f"{about['uid']}{reason}{message}{now.isoformat()}".encode()).hexdigest()[:16]
        return core_event(about, unique, type, reason, message, now)


def _weight(note: Note) -> tuple[bool, bool]:
    """What went wrong is told first, what it led to last."""
    type, reason, _ = note
    return type == "Normal", reason == "StageTriggered"


def _as_one(notes: Sequence[Note]) -> Note:
    """The first gives the reason; a single warning makes all of it one."""
    type = "Warning" if any(type == "Warning" for type, _, _ in notes) else "Normal"
    return type, notes[0][1], "; ".join(message for _, _, message in notes if message)
