"""What the reducer decides: effects that a controller carries out, each harmless when carried out twice.

They lie in the run's outbox (`OutboxEntry`) until the write that holds them is durable and they are done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kabanero.model.kinds.runs import StagePhase


@dataclass(frozen=True, slots=True)
class CreateStageRuns:
    """Make the StageRun of every stage of the run, all waiting. First command of every run."""


@dataclass(frozen=True, slots=True)
class StartStage:
    """Set the StageRun to Triggered for this attempt, with the values that its playbook gets."""

    stage: str
    attempt: int
    variables: Mapping[str, Any]
    resources: Mapping[str, Any]
    triggered_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelStage:
    """Cancel the work of this attempt. Its end is heard of as StageEnded."""

    stage: str
    attempt: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SettleStage:
    """Write the stage's end (or Skipped) into its StageRun's status."""

    stage: str
    attempt: int
    phase: StagePhase
    reason: str = ""
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """Publish an event of the run on the bus. `id` is unique in the run; `causes` are `source#id` or ids in the run."""

    id: str
    topic: str
    attributes: Mapping[str, str]
    causes: tuple[str, ...] = ()


Command = CreateStageRuns | StartStage | CancelStage | SettleStage | PublishEvent
