"""What a stage's function gets: what the stage is about, and ways to report, to run commands and to be cancelled."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from kabanero.model.resource import Resource
from kabanero.stages.claims import attempt_of
from kabanero.stages.command import Command, Finished
from kabanero.stages.errors import StageCancelled, StageFailed
from kabanero.stages.wire import Hook, Wire

TAIL = 2000
"""Most characters of a failed command's output that go into the stage's message."""


class Context:
    """One attempt at a stage. Its methods may be called from any thread of the stage."""

    def __init__(self, stage_run: Resource, stage: Resource, wire: Wire) -> None:
        spec, status = stage_run["spec"], stage_run["status"]
        resources = status.get("resources") or {}
        self.namespace: str = stage_run["metadata"]["namespace"]
        self.stage_run: str = stage_run["metadata"]["name"]
        self.stage_name: str = spec["stageName"]
        self.strategy: str = spec["strategy"]
        self.strategy_run: str = spec["strategyRun"]
        self.context_id: str = spec["contextID"]
        self.attempt = attempt_of(stage_run)
        self.stage: dict[str, Any] = stage["spec"]
        """Spec of the stage resource, with the kind's own fields."""
        self.parameters: dict[str, Any] = self.stage.get("parameters") or {}
        self.variables: dict[str, Any] = status.get("variables") or {}
        """All strategy variables when the stage was triggered. One with only a `value` is that, any other an object."""
        self.inputs: dict[str, Any] = resources.get("input") or {}
        """Values of the inputs that are bound, by name."""
        self.outputs_wanted: dict[str, Any] = resources.get("output") or {}
        """The outputs that are bound, by name, with what their variables hold until now."""
        self.log = logging.LoggerAdapter(logging.getLogger("kabanero.stages"), {"stage_run": self.stage_run})
        self._wire = wire

    # --- reporting ---

    def progress(self, message: str = "", *, percent: int | None = None, task: str = "") -> None:
        """Shows how far the work has come: a line for people and 0-100. Written at most once a second.

        Raises StageCancelled when the work is cancelled.
        """
        self.check_cancelled()
        told: dict[str, Any] = {"message": message, "task": task}
        if percent is not None:
            told["percent"] = max(0, min(100, int(percent)))
        self._wire.tell("progress", {name: value for name, value in told.items() if value != ""})

    def link(self, name: str, url: str) -> None:
        """Shows where to look: `link("log", "https://...")`."""
        self._wire.tell_more("links", {name: url})

    # --- being cancelled ---

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the work any more: cancelled, deleted, timed out, or this process stops."""
        return self._wire.cancelled

    def check_cancelled(self) -> None:
        """Raises StageCancelled when the work is cancelled."""
        if self._wire.cancelled:
            raise StageCancelled(self._wire.why)

    def sleep(self, seconds: float) -> None:
        """Waits; raises StageCancelled as soon as the work is cancelled."""
        if self._wire.wait(seconds):
            raise StageCancelled(self._wire.why)

    def on_cancel(self, hook: Hook) -> Callable[[], object]:
        """Has `hook` called, by another thread, when the work is cancelled; what is returned takes that back."""
        return self._wire.on_cancel(hook)

    def on_end(self, hook: Hook) -> None:
        """Has `hook` called when the function has ended, however it ended; the last one first."""
        self._wire.on_end(hook)

    # --- doing ---

    @cached_property
    def workspace(self) -> Path:
        """A folder of this attempt's own; it goes when the attempt ends."""
        folder = Path(tempfile.mkdtemp(prefix=f"{self.stage_run[:60]}-{self.attempt}-"))
        self.on_end(lambda: shutil.rmtree(folder, ignore_errors=True))
        return folder

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | os.PathLike[str] = "",
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> Finished:
        """Runs a command, without a shell, in `cwd` (relative to the workspace) with `env` added to the environment.

        When the work is cancelled, or this process dies, the command ends with all that it began, and StageCancelled is
        raised. Nothing that it left in the background outlives it. An exit code other than 0 raises StageFailed with
        the end of what it wrote to stderr, unless `check` is false. In an async function: `asyncio.to_thread(ctx.run,
        ...)`.
        """
        _refuse_event_loop()
        self.check_cancelled()
        running = Command(command, self.workspace / cwd, env or {})
        take_back = self.on_cancel(running.stop)
        try:
            finished = running.wait()
        finally:
            take_back()
        self.check_cancelled()
        if check and finished.code:
            raise StageFailed(_failure(command, finished), reason="CommandFailed")
        return finished


def _refuse_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("ctx.run would hold up all async stages: await asyncio.to_thread(ctx.run, [...])")


def _failure(command: Sequence[str | os.PathLike[str]], finished: Finished) -> str:
    said = (finished.stderr.strip() or finished.stdout.strip())[-TAIL:]
    return f"{os.fspath(command[0])} ended with {finished.code}" + (f": {said}" if said else "")
