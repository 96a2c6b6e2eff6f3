"""Who may carry out an attempt. Pure: what a StageRun says, and what was seen of it when.

A claim in the StageRun's status names its holder; it is taken and renewed by writes with the resourceVersion, so that
of two processes one wins. Whether a holder is gone is told by its `renewed` alone, which must stay the same for as
long as the claim says, by the clock of who looks: clocks of different machines are never compared.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from kabanero.model.kinds.runs import StagePhase, WaitsOn
from kabanero.model.resource import Resource


class Standing(enum.Enum):
    """What a StageRun is to this process."""

    FREE = "triggered, and nobody's yet"
    OURS = "claimed by this process"
    TAKEN = "claimed by another"
    CLOSED = "not triggered, ended, cancelled, being deleted, or not for controllers like this"


@dataclass(frozen=True, slots=True)
class Claim:
    """`renewed` is text that differs at each renewal; `seconds` how long it stays the same before nobody holds it."""

    holder: str
    renewed: str
    seconds: float


def claim_of(stage_run: Resource) -> Claim | None:
    """The claim on the attempt that the StageRun is about."""
    claim: dict[str, Any] | None = (stage_run.get("status") or {}).get("claim")
    return Claim(claim["holder"], claim["renewed"], float(claim["seconds"])) if claim else None


def attempt_of(stage_run: Resource) -> int:
    """The attempt that the status is about; 0 before the first."""
    return int((stage_run.get("status") or {}).get("attempt", 0))


def is_cancelled(stage_run: Resource) -> bool:
    """Whether somebody wants the work to end."""
    return bool(stage_run["spec"].get("cancel") or stage_run["metadata"].get("deletionTimestamp"))


def is_open(stage_run: Resource) -> bool:
    """Whether the attempt waits for the end that an external controller writes."""
    status = stage_run.get("status") or {}
    phases = (StagePhase.TRIGGERED, StagePhase.RUNNING)
    return status.get("waitsOn") == WaitsOn.EXTERNAL and status.get("phase") in phases


def standing(stage_run: Resource, holder: str) -> Standing:
    """What the StageRun, as it is, is to the process `holder`."""
    if not is_open(stage_run) or is_cancelled(stage_run):
        return Standing.CLOSED
    claim = claim_of(stage_run)
    if claim is None:
        return Standing.FREE if stage_run["status"]["phase"] == StagePhase.TRIGGERED else Standing.CLOSED
    return Standing.OURS if claim.holder == holder else Standing.TAKEN


class Sightings:
    """When each claim of others was first seen as it is now. Times are the looker's own, in seconds, monotonic."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Claim, float]] = {}
        self._in_touch_since: float | None = None

    def see(self, uid: str, claim: Claim, now: float) -> None:
        """The claim on a StageRun, as it was just told."""
        known = self._seen.get(uid)
        if known is None or known[0] != claim:
            self._seen[uid] = (claim, now)

    def forget(self, uid: str) -> None:
        """The StageRun is nobody else's any more."""
        self._seen.pop(uid, None)

    def in_touch(self, now: float) -> None:
        """The API server talks to us. Only such time counts against a holder, who may be waiting for it as well."""
        if self._in_touch_since is None:
            self._in_touch_since = now

    def out_of_touch(self) -> None:
        """The API server is away."""
        self._in_touch_since = None

    def is_gone(self, uid: str, now: float) -> bool:
        """Whether the holder of the claim that was seen last must be believed gone."""
        known = self._seen.get(uid)
        if known is None or self._in_touch_since is None:
            return False
        return now - max(known[1], self._in_touch_since) >= known[0].seconds
