"""Calling a stage's function: a plain one in a thread of its own, an async one on the loop that all async stages share.

Used by `attempt`. The machinery runs on neither, so a function that blocks its thread or the loop loses no claim.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from kabanero.model.kinds.runs import StagePhase
from kabanero.stages.context import Context
from kabanero.stages.errors import StageCancelled, StageFailed
from kabanero.stages.outcomes import Outcome, raised, returned
from kabanero.stages.wire import Wire

log = logging.getLogger("kabanero.stages")
Outputs = Mapping[str, Any] | None
Function = Callable[[Context], Outputs] | Callable[[Context], Awaitable[Outputs]]
OnInterrupted = Literal["Error", "Retry"]


@dataclass(frozen=True, slots=True)
class StageFunction:
    """How a kind of stage is carried out. `on_interrupted`: what becomes of an attempt whose process is gone."""

    kind: str
    function: Function
    on_interrupted: OnInterrupted = "Error"


class SharedLoop:
    """The event loop of all async stages, in a thread that starts with the first of them."""

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop."""
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="stages-loop", daemon=True).start()
        return loop


class Call:
    """One call of a stage's function. `outcome` counts once `done` is set; None means that it was cancelled."""

    def __init__(self, context: Context, wire: Wire, declared: Collection[str], ended: Callable[[], object]) -> None:
        self.done = threading.Event()
        self.outcome: Outcome | None = None
        self._context, self._wire = context, wire
        self._declared, self._ended = declared, ended

    def start(self, function: Function, shared: SharedLoop) -> None:
        """Begins it and returns."""
        if inspect.iscoroutinefunction(function):
            shared.loop.call_soon_threadsafe(self._await, function)
        else:
            name = f"stage-{self._context.stage_run}"
            threading.Thread(target=self._run, args=(function,), name=name, daemon=True).start()

    def _run(self, function: Function) -> None:
        try:
            self._finish(returned(function(self._context), self._declared))
        except BaseException as error:
            self._finish(self._meaning(error))

    def _await(self, function: Callable[[Context], Awaitable[Outputs]]) -> None:
        """On the loop. A task that is cancelled before its first step still tells its end."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(_guarded(function, self._context))
        task.add_done_callback(self._take)
        self._wire.on_cancel(lambda: loop.call_soon_threadsafe(task.cancel))

    def _take(self, task: asyncio.Task[Outputs]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        outcome = returned(task.result(), self._declared) if error is None else self._meaning(error)
        threading.Thread(target=self._finish, args=(outcome,), daemon=True).start()

    def _meaning(self, error: BaseException) -> Outcome | None:
        if self._wire.cancelled:
            return None
        if isinstance(error, StageCancelled | asyncio.CancelledError):
            return Outcome(StagePhase.CANCELLED, "Cancelled", str(error) or "the stage's function gave up")
        if not isinstance(error, StageFailed):
            log.error("%s: its function raised", self._context.stage_run, exc_info=error)
        return raised(error, self._declared)

    def _finish(self, outcome: Outcome | None) -> None:
        """The hooks belong to the work: while they run the claim is kept, and they never hold up the loop."""
        self._wire.end()
        self.outcome = outcome
        self.done.set()
        self._ended()


async def _guarded(function: Callable[[Context], Awaitable[Outputs]], context: Context) -> Outputs:
    """An exit of one stage must not end the loop of all."""
    try:
        return await function(context)
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"the stage's function raised {type(error).__name__}") from error
