"""A run's status being changed by one step. Used by the reducer alone; nobody else ever sees a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kabanero.engine.commands import Command, SettleStage, StartStage
from kabanero.engine.outbox import entry_of
from kabanero.engine.phases import ACTIVE, may_go
from kabanero.model.kinds.runs import PlannedStage, RecordedEvent, RunStatus, StagePhase
from kabanero.model.kinds.strategy import StageBinding, StrategySpec


class Draft:
    """Mutable parts of a status, and the commands decided so far. `now` is RFC 3339."""

    def __init__(self, status: RunStatus, now: str) -> None:
        assert status.definition is not None, "a run that has begun has a definition"
        self.status, self.now = status, now
        self.spec: StrategySpec = status.definition.spec
        self.bindings: Mapping[str, StageBinding] = {each.stage_name: each for each in self.spec.stage_bindings}
        self.stages = {stage.name: stage for stage in status.stages}
        self.events = {event.id: event for event in status.events}
        self.pending = list(status.pending_ends)
        self.variables: dict[str, Any] = dict(status.variables)
        self.fields: dict[str, Any] = {}
        self.commands: list[Command] = []
        self.changed = False

    # --- reading ---

    @property
    def cancelling(self) -> bool:
        """Whether nothing new may be triggered."""
        return bool(self.fields.get("cancelling", self.status.cancelling))

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.fields.get("completion_time", self.status.completion_time) is not None

    def in_phase(self, *phases: StagePhase) -> list[PlannedStage]:
        """Stages in one of these phases, in the definition's order."""
        return [stage for stage in self.stages.values() if stage.phase in phases]

    @property
    def active(self) -> list[PlannedStage]:
        """Stages whose work is under way."""
        return self.in_phase(*ACTIVE)

    # --- changing ---

    def set(self, **fields: Any) -> None:
        """Changes fields of the run's status."""
        self.fields |= fields
        self.changed = True

    def put(self, stage: PlannedStage, phase: StagePhase, **fields: Any) -> PlannedStage:
        """Moves a stage on, as the transition table allows."""
        assert may_go(stage.phase, phase), f"{stage.name}: {stage.phase} may not become {phase}"
        moved = stage.model_copy(update={"phase": phase, **fields})
        self.stages[stage.name] = moved
        self.changed = True
        return moved

    def record(self, event: RecordedEvent) -> bool:
        """Adds an event to the context; False when it is there."""
        if event.id in self.events:
            return False
        self.events[event.id] = event
        self.changed = True
        return True

    def command(self, command: Command) -> None:
        """Decides an effect."""
        self.commands.append(command)
        self.changed = True

    def command_once(self, command: Command) -> None:
        """Decides an effect that is not in the outbox yet."""
        if entry_of(command).id not in {entry.id for entry in self.status.outbox}:
            self.command(command)

    def start(self, stage: PlannedStage, attempt: int, triggered_by: tuple[str, ...]) -> None:
        """Triggers an attempt of a stage."""
        fields = {"triggered_by": triggered_by, "start_time": stage.start_time or self.now, "completion_time": None}
        self.put(stage, StagePhase.TRIGGERED, attempt=attempt, reason="", message="", waits_on=None, **fields)
        resources = bound_resources(self.bindings[stage.name], self.variables)
        self.command(StartStage(stage.name, attempt, dict(self.variables), resources, triggered_by))

    def skip(self, stage: PlannedStage, reason: str, message: str) -> None:
        """Settles a stage that will not run."""
        self.put(stage, StagePhase.SKIPPED, reason=reason, message=message, completion_time=self.now)
        self.command(SettleStage(stage.name, stage.attempt, StagePhase.SKIPPED, reason, message))

    def finished(self) -> RunStatus:
        """The status with all changes, and the commands in its outbox."""
        new = {entry.id: entry for entry in map(entry_of, self.commands)}
        outbox = [entry for entry in self.status.outbox if entry.id not in new]
        return self.status.model_copy(
            update={
                **self.fields,
                "stages": tuple(self.stages.values()),
                "events": tuple(self.events.values()),
                "pending_ends": tuple(self.pending),
                "variables": self.variables,
                "outbox": (*outbox, *new.values()),
            }
        )


def bound_resources(binding: StageBinding, variables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The stage's `input` and `output` with the values that are bound to them."""
    return {
        side: {
            each.stage_variable: variables.get(each.strategy_variable)
            for each in getattr(binding.resource_bindings, side)
        }
        for side in ("input", "output")
    }
