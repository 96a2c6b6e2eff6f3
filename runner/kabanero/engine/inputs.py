"""What the reducer is told: everything that can change a run.

Controllers make these from bus events, StageRun changes and people's wishes; `engine.reducer` consumes them. Each
carries its own identity, so that hearing of it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kabanero.model.kinds.runs import StagePhase, WaitsOn


@dataclass(frozen=True, slots=True)
class EventArrived:
    """An event of this context: the first one, or one that a person or another system sent into the run.

    `time` is RFC 3339. `event` is `source#id` of the event on the bus, empty when it did not come over the bus.
    """

    id: str
    attributes: Mapping[str, str]
    time: str
    event: str = ""


@dataclass(frozen=True, slots=True)
class StageStarted:
    """Work of a triggered stage has begun."""

    stage: str
    attempt: int
    waits_on: WaitsOn


@dataclass(frozen=True, slots=True)
class StageEnded:
    """Work of a stage has ended. `phase` is one of the end phases but Skipped; `outputs` go by output resource.

    `may_retry`: the work was interrupted and the stage says that it may be done again; then the engine starts the next
    attempt without counting it against `retries`.
    """

    stage: str
    attempt: int
    phase: StagePhase
    reason: str = ""
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    may_retry: bool = False


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody wants the whole run to end. `generation` is that of the spec that says so: each counts once.

    Without it a cancel that is heard of again would end a run that somebody had reopened meanwhile.
    """

    reason: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class StageCancelRequested:
    """Somebody wants one stage's work to end, or its StageRun was deleted. `attempt` 0: whichever is under way."""

    stage: str
    reason: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """Somebody wants a stage that has ended to run once more, as attempt number `attempt`."""

    stage: str
    attempt: int


Input = EventArrived | StageStarted | StageEnded | CancelRequested | StageCancelRequested | RetryRequested
