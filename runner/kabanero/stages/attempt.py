"""One attempt at a stage: claim it, call its function, keep the claim and the progress fresh, write how it ended.

Each attempt has a keeper, a thread that makes all requests about its StageRun, so that neither the function nor another
attempt's outage holds it up. Started by the dispatcher.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kabanero.model.errors import KabaneroError
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource
from kabanero.stages.api import Api
from kabanero.stages.calls import Call, SharedLoop, StageFunction
from kabanero.stages.claims import Claim, Standing, attempt_of, is_cancelled, standing
from kabanero.stages.context import Context
from kabanero.stages.errors import RefusedError, UnknownStageError
from kabanero.stages.outcomes import Outcome, claimed, ended, errored, released, renewed
from kabanero.stages.record import Change, NotOursError, Record, timestamp
from kabanero.stages.settings import StageSettings
from kabanero.stages.wire import Wire

log = logging.getLogger("kabanero.stages")
RETRY_SECONDS = 1.0


class Cause(enum.Enum):
    """Why work was cancelled, which decides what is written of it."""

    WISH = "somebody wants it to end"
    OVER = "the attempt is over, or another's: nothing is written"
    FENCED = "the claim could not be renewed in time: nothing is written"
    STOP = "this process stops"


@dataclass(frozen=True, slots=True)
class Means:
    """What all attempts of a process share. `holder` is the identity in its claims."""

    api: Api
    settings: StageSettings
    holder: str
    loop: SharedLoop


class Attempt:
    """`ended` is called by the keeper when nothing is left of it. `gone`: the claim that is taken over."""

    def __init__(
        self,
        stage_run: Resource,
        stage: StageFunction,
        means: Means,
        ended: Callable[[Attempt], None],
        gone: Claim | None = None,
    ) -> None:
        self.uid: str = stage_run["metadata"]["uid"]
        self.name = f"{stage_run['metadata']['namespace']}/{stage_run['metadata']['name']}"
        self.record = Record(means.api, stage_run, means.holder, means.settings)
        self._stage, self._means, self._ended, self._gone = stage, means, ended, gone
        self._wake, self._recheck = threading.Event(), threading.Event()
        self._stopping, self._give_up = threading.Event(), threading.Event()
        self._wire = Wire(self._wake.set)
        self._cause: Cause | None = None
        self._renewed_at = self._written_at = self._retry_at = 0.0
        self.thread = threading.Thread(target=self._keep, name=f"keeper-{self.name}", daemon=True)

    # --- called by others' threads ---

    def see(self, stage_run: Resource) -> None:
        """News by the watch, which may be older than what the keeper knows: it looks for itself."""
        if standing(stage_run, self._means.holder) is not Standing.OURS or attempt_of(stage_run) != self.record.attempt:
            self.look()

    def look(self) -> None:
        """Something may have happened to the StageRun."""
        self._recheck.set()
        self._wake.set()

    def stop(self) -> None:
        """This process stops: the work is cancelled."""
        self._stopping.set()
        self._wake.set()

    def give_up(self) -> None:
        """The function is not waited for any longer, and its end is written now or not at all."""
        self._give_up.set()
        self._wake.set()

    # --- the keeper ---

    def _keep(self) -> None:
        try:
            self._carry_out()
        except NotOursError as error:
            log.debug("%s is not ours: %s", self.name, error)
        except KabaneroError as error:
            log.warning("%s can't be begun yet: %s", self.name, error)
            self._give_up.wait(RETRY_SECONDS)
        except Exception:
            log.exception("%s: the library failed", self.name)
        finally:
            self._ended(self)

    def _carry_out(self) -> None:
        try:
            stage = self._read_stage()
        except UnknownStageError as error:
            self._claim()
            self._write_end(self._end_as(errored("StageUnknown", str(error))))
            return
        self._claim()
        log.info("%s: begins, attempt %s", self.name, self.record.attempt)
        declared = [each["name"] for each in (stage["spec"].get("resources") or {}).get("output") or []]
        call = Call(Context(self.record.resource, stage, self._wire), self._wire, declared, self._wake.set)
        call.start(self._stage.function, self._means.loop)
        while not (call.done.is_set() or self._give_up.is_set()):
            self._wake.wait(self._until_due())
            self._wake.clear()
            if self._cause is None and not call.done.is_set():
                self._look_after()
        if change := self._last_word(call):
            self._write_end(change)

    def _read_stage(self) -> Resource:
        stage_run = self.record.resource
        ref = stage_run["spec"]["stageRef"]
        return self._means.api.stage(stage_run["metadata"]["namespace"], ref["kind"], ref["name"])

    def _claim(self) -> None:
        before = time.monotonic()
        self.record.take(lambda now: claimed(now, self.record.claim()), self._gone)
        self._renewed_at = self._written_at = before

    def _until_due(self) -> float | None:
        """Seconds until something is to be done; None while only the function's end is waited for."""
        if self._cause is not None:
            return None
        settings = self._means.settings
        due = self._written_at + (settings.show_every if self._wire.has_news else settings.renew_every)
        return max(max(due, self._retry_at) - time.monotonic(), 0.0)

    def _look_after(self) -> None:
        """Hears what others want of the attempt, and says that we are alive and how far it has come."""
        try:
            if self._stopping.is_set():
                self._cancel(Cause.STOP, "the process that carries it out stops")
                return
            if self._recheck.is_set():
                self._recheck.clear()
                self.record.refresh()
            self.record.check()
            if is_cancelled(self.record.resource):
                self._cancel(Cause.WISH, "cancelled on request")
            elif not self._until_due():
                self._renew()
        except NotOursError as error:
            self._cancel(Cause.OVER, str(error))
        except KabaneroError as error:
            log.warning("%s: its claim can't be renewed yet: %s", self.name, error)
            self._retry_at = time.monotonic() + min(RETRY_SECONDS, self._means.settings.renew_every)
            self._recheck.set()
            self._fence()

    def _renew(self) -> None:
        before = time.monotonic()
        told, number = self._wire.news()
        self.record.write(lambda now: renewed(now, self.record.claim(), told))
        self._wire.shown(number)
        self._renewed_at = self._written_at = before

    def _fence(self) -> None:
        """Work that another process may take up ends before it does. Other work goes on: nobody begins it again."""
        late = time.monotonic() - self._renewed_at >= self._means.settings.fence_after
        if late and self._stage.on_interrupted == "Retry":
            self._cancel(Cause.FENCED, "the claim on it could not be renewed in time")

    def _cancel(self, cause: Cause, why: str) -> None:
        log.info("%s: cancelled: %s", self.name, why)
        self._cause = cause
        self._wire.cancel(why)

    # --- the end ---

    def _last_word(self, call: Call) -> Change | None:
        outcome, left = call.outcome, call.done.is_set()
        match self._cause:
            case Cause.OVER | Cause.FENCED:
                return None
            case Cause.WISH:
                return self._end_as(Outcome(StagePhase.CANCELLED, "Cancelled", self._wire.why))
            case Cause.STOP if outcome is None:
                if self._stage.on_interrupted == "Error":
                    return self._end_as(errored("Interrupted", self._wire.why))
                return released if left else None  # What still runs keeps its claim until this process is gone.
        return self._end_as(outcome or errored("Interrupted", "its end was not told"))

    def _end_as(self, outcome: Outcome) -> Change:
        log.info("%s: ends as %s %s", self.name, outcome.phase, outcome.message)
        return lambda now: ended(now, outcome, timestamp())

    def _write_end(self, change: Change) -> None:
        while True:
            try:
                self.record.write(change)
                return
            except NotOursError as error:
                log.info("%s: its end does not count: %s", self.name, error)
                return
            except RefusedError as error:
                change = self._end_as(errored("EndRefused", f"its end was not accepted: {error}"[:1000]))
            except KabaneroError as error:
                log.warning("%s: its end can't be written yet: %s", self.name, error)
            if self._give_up.wait(RETRY_SECONDS):
                return
