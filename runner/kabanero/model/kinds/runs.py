"""StrategyRun and StageRun: one execution of a strategy and of each of its stages, with all that is known about them.

The engine's whole memory of a run is StrategyRun.status (`engine` reads and writes RunStatus).
"""

from __future__ import annotations

import enum
from typing import Any, Literal

from pydantic import Field

from kabanero.model.kinds.base import Condition, Model, Text
from kabanero.model.kinds.job_template import LaunchedJob
from kabanero.model.kinds.strategy import StageRef, StrategySpec
from kabanero.model.kinds.trigger import FirstEvent, VariableValue


class StagePhase(enum.StrEnum):
    """Where a stage run stands. `Failed`: the work failed. `Errored`: the machinery did."""

    WAITING = "Waiting"
    TRIGGERED = "Triggered"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERRORED = "Errored"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    SKIPPED = "Skipped"


class RunPhase(enum.StrEnum):
    """Where a strategy run stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERRORED = "Errored"
    CANCELLED = "Cancelled"


class WaitsOn(enum.StrEnum):
    """What will end a running stage."""

    PLAYBOOK = "Playbook"
    APPROVAL = "Approval"
    OBJECT = "Object"
    JOB = "Job"
    EXTERNAL = "External"


class RunCause(Model):
    """What started a run."""

    trigger: str = Field(default="", description="Name of the StrategyTrigger; empty for a run made by hand.")
    rule: int = Field(default=0, description="Index of the entry of its `events` that matched.")
    event: str = Field(default="", description="`source#id` of the event.")


class StrategyRunSpec(Model):
    """What to run, with which values."""

    strategy: Text = Field(description="metadata.name of the StrategyDefinition in the same namespace.")
    context_id: str = Field(
        default="", alias="contextID", description="Identity of the run in events and labels; made when empty."
    )
    variables: tuple[VariableValue, ...] = Field(default=(), description="Values of the strategy's variables.")
    emit: FirstEvent | None = Field(
        default=None, description="First event; optional when the strategy has only one possible."
    )
    cause: RunCause | None = Field(default=None, description="What started the run; set by the runner.")
    cancel: bool = Field(default=False, description="Set to true to cancel the run and all its work.")
    cancel_reason: str = Field(default="", description="Why it was cancelled, for people.")


class RecordedEvent(Model):
    """One event of the run's context, as the engine keeps it."""

    id: str = Field(description="Identity of the event in the run; a second one of the same id changes nothing.")
    attributes: dict[str, str] = Field(description="What triggers match, `name` and `status` among them.")
    time: str = Field(description="When it happened (RFC 3339).")
    stage: str = Field(default="", description="Stage that emitted it; empty for one from outside.")
    attempt: int = Field(default=0, description="Attempt of that stage.")
    event: str = Field(default="", description="`source#id` of the event on the bus.")


class PlannedStage(Model):
    """What the engine knows of one stage of the run."""

    name: str = Field(description="stageName.")
    stage_run: str = Field(description="metadata.name of its StageRun.")
    phase: StagePhase = Field(default=StagePhase.WAITING, description="Where it stands.")
    attempt: int = Field(default=0, description="Attempts started so far.")
    reason: str = Field(default="", description="One CamelCase word.")
    message: str = Field(default="", description="A sentence for a person.")
    triggered_by: tuple[str, ...] = Field(default=(), description="Ids of the events that met its trigger, in order.")
    waits_on: WaitsOn | None = Field(default=None, description="What will end it while it runs.")
    sets: tuple[str, ...] = Field(default=(), description="Strategy variables that its outputs have set.")
    interruptions: int = Field(default=0, description="Attempts that were interrupted and do not count as retries.")
    start_time: str | None = Field(default=None, description="When it was triggered.")
    completion_time: str | None = Field(default=None, description="When it ended.")


class OutboxEntry(Model):
    """An effect that the engine decided on and that may not have been carried out yet; doing it twice is harmless."""

    id: str = Field(description="Unique in the run; effects are derived from it.")
    command: str = Field(description="Name of the command.")
    arguments: dict[str, Any] = Field(default={}, description="What the command needs.")


class PendingEnd(Model):
    """The end of a stage that was heard of before the engine knew that the stage had been triggered."""

    stage: str = Field(description="stageName.")
    attempt: int = Field(description="Attempt that ended.")
    outcome: dict[str, Any] = Field(description="How it ended.")


class PinnedDefinition(Model):
    """The definition that the run started with; later edits touch later runs."""

    digest: str = Field(description="sha256 of the canonical spec.")
    generation: int = Field(default=0, description="metadata.generation of the definition.")
    spec: StrategySpec = Field(description="Copy of the spec.")


class RunStatus(Model):
    """The whole state of a run: enough to go on after any crash."""

    phase: RunPhase = Field(default=RunPhase.PENDING, description="Where the run stands.")
    context_id: str = Field(default="", alias="contextID", description="Identity of the run.")
    start_time: str | None = Field(default=None, description="When it started.")
    completion_time: str | None = Field(default=None, description="When it ended.")
    observed_generation: int | None = Field(default=None, description="Generation of the spec that was acted on.")
    conditions: tuple[Condition, ...] = Field(default=(), description="`Succeeded`, Unknown while it runs.")
    summary: str = Field(default="", description="One line for people, such as `3/5 stages, waiting for approval`.")
    variables: dict[str, Any] = Field(default={}, description="Values of all strategy variables as they are now.")
    stages: tuple[PlannedStage, ...] = Field(default=(), description="All stages, in the order of the definition.")
    events: tuple[RecordedEvent, ...] = Field(default=(), description="Events of the context, oldest first.")
    pending_ends: tuple[PendingEnd, ...] = Field(default=(), description="Ends that came before their stage's trigger.")
    starting: bool = Field(
        default=False, description="Effects of the first or of the last step may still have to be carried out."
    )
    cancelling: bool = Field(default=False, description="The run is being cancelled: nothing new is triggered.")
    cancel_reason: str = Field(default="", description="Why it is being cancelled.")
    outbox: tuple[OutboxEntry, ...] = Field(default=(), description="Effects that may still have to be carried out.")
    definition: PinnedDefinition | None = Field(
        default=None,
        description="The definition that is carried out.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )


class Approval(Model):
    """A person's decision about a stage that waits for approval."""

    decision: Literal["Approved", "Rejected"] = Field(description="The decision.")
    by: str = Field(default="", description="Who decided.")
    reason: str = Field(default="", description="Why.")


class StageRunSpec(Model):
    """Which stage of which run. Made by the runner; people set `approval`, `attempt` and `cancel`."""

    stage_name: Text = Field(description="stageName in the strategy.")
    stage_ref: StageRef = Field(description="The stage that does the work.")
    context_id: str = Field(alias="contextID", description="Identity of the run.")
    strategy: Text = Field(description="Name of the StrategyDefinition.")
    strategy_run: Text = Field(description="Name of the StrategyRun.")
    attempt: int = Field(default=1, ge=1, description="Attempts wanted; raise it by one to run the stage again.")
    approval: Approval | None = Field(default=None, description="The decision, for a stage that waits for one.")
    cancel: bool = Field(default=False, description="Set to true to cancel this stage's work.")
    timeout: str | None = Field(default=None, description="Longest time, from the strategy's binding.")


class StageProgress(Model):
    """How far running work has come."""

    task: str = Field(default="", description="The task that runs now.")
    done: int = Field(default=0, description="Tasks that have ended.")
    percent: int | None = Field(default=None, description="0-100, where the work knows it.")
    message: str = Field(default="", description="A line for people.")


class StageClaim(Model):
    """Who carries an attempt out. Others watch `renewed`: a claim that stays the same for `seconds` is nobody's."""

    holder: str = Field(description="Identity of the process, made anew at each of its starts.")
    renewed: str = Field(description="When the holder last said that it is alive (RFC 3339, by its own clock).")
    seconds: float = Field(description="How long `renewed` stays the same before the holder counts as gone.")


class StageRunStatus(Model):
    """Where a stage's work stands. No status at all means Waiting."""

    phase: StagePhase = Field(default=StagePhase.WAITING, description="Where it stands.")
    attempt: int = Field(default=0, description="The attempt that this is about.")
    waits_on: WaitsOn | None = Field(
        default=None, description="What will end it while it runs; gone when the run has taken the end in."
    )
    waiting_for: dict[str, Any] | None = Field(default=None, description="The object that is watched, if one is.")
    job: LaunchedJob | None = Field(default=None, description="The job of an AWX that does the work, if one does.")
    claim: StageClaim | None = Field(default=None, description="Which external controller carries it out, if one does.")
    runner: str = Field(
        default="", description="Which of several runners carries its playbook out; empty where any may, or none does."
    )
    reason: str = Field(default="", description="One CamelCase word.")
    message: str = Field(default="", description="A sentence for a person.")
    start_time: str | None = Field(default=None, description="When it was triggered.")
    completion_time: str | None = Field(default=None, description="When it ended.")
    variables: dict[str, Any] | None = Field(default=None, description="All strategy variables when it was triggered.")
    resources: dict[str, Any] | None = Field(default=None, description="`input` and `output` bound for this stage.")
    triggered_by: tuple[str, ...] = Field(default=(), description="Ids of the events that triggered it.")
    outputs: dict[str, Any] = Field(default={}, description="What the work handed back, by output resource.")
    progress: StageProgress | None = Field(default=None, description="How far it has come.")
    links: dict[str, str] = Field(default={}, description="Where to look: the log, the PipelineRun, the AWX job.")
    conditions: tuple[Condition, ...] = Field(default=(), description="`Succeeded`, Unknown while it runs.")
