"""Decides which attempts this process carries out: the free ones in the order of their triggers, up to the limit.

Told of StageRuns by the followers; one thread of its own decides. What it decides on may be old by then: the claim is a
write with the resourceVersion, so an attempt that another process took meanwhile is just not ours.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from kabanero.model.errors import KabaneroError
from kabanero.model.resource import Resource
from kabanero.stages.attempt import Attempt, Means
from kabanero.stages.calls import StageFunction
from kabanero.stages.claims import Claim, Sightings, Standing, claim_of, standing
from kabanero.stages.outcomes import errored
from kabanero.stages.record import NotOursError, Record

log = logging.getLogger("kabanero.stages")
LOOK_SECONDS = 1.0


class Dispatcher:
    """A `following.Listener`. `stages` are this process's functions by kind."""

    def __init__(self, stages: Mapping[str, StageFunction], means: Means) -> None:
        self._stages, self._means = stages, means
        self._lock = threading.RLock()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._open: dict[str, tuple[str, Resource]] = {}
        self._running: dict[str, Attempt] = {}
        self._sightings = {kind: Sightings() for kind in stages}

    # --- told by followers ---

    def listed(self, kind: str, stage_runs: Sequence[Resource]) -> None:
        """All StageRuns of the kind that are open."""
        there = {each["metadata"]["uid"] for each in stage_runs}
        with self._lock:
            lost = [each for of, each in self._open.values() if of == kind and each["metadata"]["uid"] not in there]
        for each in lost:
            self.closed(kind, each)
        for each in stage_runs:
            self.changed(kind, each)

    def changed(self, kind: str, stage_run: Resource) -> None:
        """A StageRun as it is now."""
        uid = stage_run["metadata"]["uid"]
        with self._lock:
            self._open[uid] = (kind, stage_run)
            running = self._running.get(uid)
            self._sight(kind, stage_run)
        if running:
            running.see(stage_run)
        self._wake.set()

    def closed(self, kind: str, stage_run: Resource) -> None:
        """A StageRun that waits for nobody any more."""
        uid = stage_run["metadata"]["uid"]
        with self._lock:
            self._open.pop(uid, None)
            self._sightings[kind].forget(uid)
            running = self._running.get(uid)
        if running:
            running.look()

    def in_touch(self, kind: str, in_touch: bool) -> None:
        """Whether the API server talks to the kind's follower."""
        with self._lock:
            if in_touch:
                self._sightings[kind].in_touch(time.monotonic())
            else:
                self._sightings[kind].out_of_touch()

    def _sight(self, kind: str, stage_run: Resource) -> None:
        claim = claim_of(stage_run)
        if claim and standing(stage_run, self._means.holder) is Standing.TAKEN:
            self._sightings[kind].see(stage_run["metadata"]["uid"], claim, time.monotonic())
        else:
            self._sightings[kind].forget(stage_run["metadata"]["uid"])

    # --- deciding ---

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping` is set; then ends what runs, within the time of the settings."""
        while not stopping.is_set():
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            if not stopping.is_set():
                self.look()
        self._end_all()

    def wake(self) -> None:
        """Looks at once."""
        self._wake.set()

    def look(self) -> None:
        """Begins what may be begun, and takes over what its holder left."""
        for kind, stage_run in self._candidates():
            what = standing(stage_run, self._means.holder)
            if what in (Standing.FREE, Standing.OURS):
                self._begin(kind, stage_run)
            elif what is Standing.TAKEN:
                self._take_over(kind, stage_run)

    def _candidates(self) -> Iterator[tuple[str, Resource]]:
        with self._lock:
            idle = [each for uid, each in self._open.items() if uid not in self._running]
        yield from sorted(idle, key=lambda each: (each[1].get("status") or {}).get("startTime") or "")

    def _begin(self, kind: str, stage_run: Resource, gone: Claim | None = None) -> None:
        with self._lock:
            if len(self._running) >= self._means.settings.parallel:
                return
            attempt = Attempt(stage_run, self._stages[kind], self._means, self._ended, gone)
            self._running[attempt.uid] = attempt
        attempt.thread.start()

    def _ended(self, attempt: Attempt) -> None:
        """Called by its keeper. What the keeper knows is newer than what the watch has told."""
        with self._lock:
            self._running.pop(attempt.uid, None)
            if known := self._open.get(attempt.uid):
                self._open[attempt.uid] = (known[0], attempt.record.resource)
        self._wake.set()

    def _take_over(self, kind: str, stage_run: Resource) -> None:
        claim, uid = claim_of(stage_run), stage_run["metadata"]["uid"]
        with self._lock:
            if claim is None or not self._sightings[kind].is_gone(uid, time.monotonic()):
                return
        if self._stages[kind].on_interrupted == "Retry":
            log.warning("%s: its holder %s is gone; begins it again", stage_run["metadata"]["name"], claim.holder)
            self._begin(kind, stage_run, claim)
        else:
            self._bury(kind, stage_run, claim)

    def _bury(self, kind: str, stage_run: Resource, claim: Claim) -> None:
        """Ends an attempt whose holder is gone, since nobody knows how far it came."""
        record = Record(self._means.api, stage_run, self._means.holder, self._means.settings)
        outcome = errored("Interrupted", f"{claim.holder}, which carried it out, is gone; nobody knows how far it came")
        try:
            record.end_of(claim, outcome)
            log.warning("%s: %s", stage_run["metadata"]["name"], outcome.message)
        except NotOursError:
            pass
        except KabaneroError as error:
            log.warning("%s: its end can't be written yet: %s", stage_run["metadata"]["name"], error)
            return
        with self._lock:
            if uid_known := self._open.get(stage_run["metadata"]["uid"]):
                self._open[stage_run["metadata"]["uid"]] = (uid_known[0], record.resource)
                self._sight(kind, record.resource)

    # --- stopping ---

    def _end_all(self) -> None:
        with self._lock:
            running = list(self._running.values())
        for attempt in running:
            attempt.stop()
        until = time.monotonic() + self._means.settings.stop_within
        for attempt in running:
            attempt.thread.join(max(until - time.monotonic(), 0.0))
        late = [attempt for attempt in running if attempt.thread.is_alive()]
        for attempt in late:
            log.warning("%s: still at work; its end is not waited for", attempt.name)
            attempt.give_up()
        for attempt in late:
            attempt.thread.join(self._means.settings.renew_every)
