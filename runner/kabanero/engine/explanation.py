"""The shapes of an explanation: what `explain` finds out about a run, in fields for programs and sentences for people.

Made by `explain` and `objections`; the command line prints them, or hands them out as JSON with camelCase names.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kabanero.model.kinds.base import Model
from kabanero.model.kinds.runs import RunPhase, StagePhase, WaitsOn


class EventNote(Model):
    """An event of the run and what it led to."""

    id: str = Field(description="Identity in the run.")
    text: str = Field(description="In words: `FVT with status Failed`.")
    time: str = Field(default="", description="When it happened (RFC 3339); empty when it is not recorded any more.")
    stage: str = Field(default="", description="Stage that sent it; empty for one from outside.")
    attempt: int = Field(default=0, description="Attempt of that stage.")
    event: str = Field(default="", description="`source#id` on the bus.")
    forgotten: bool = Field(default=False, description="A later attempt of its stage speaks instead.")
    triggered: tuple[str, ...] = Field(default=(), description="Stages that it helped to trigger.")


class Obstacle(Model):
    """One reason why a wanted event has not happened, or who may still send it."""

    text: str = Field(description="A sentence.")
    possible: bool = Field(default=False, description="The event can still come this way.")


class MatchNote(Model):
    """One match of a trigger entry: met, or the obstacles."""

    wanted: dict[str, str] = Field(description="The attributes that the event must have.")
    text: str = Field(description="In words.")
    met_by: EventNote | None = Field(default=None, description="The event that met it.")
    obstacles: tuple[Obstacle, ...] = Field(default=(), description="Why none did.")

    @property
    def possible(self) -> bool:
        """Whether an event can still meet it."""
        return any(each.possible for each in self.obstacles)


class ClauseNote(Model):
    """One entry of a stage's triggers: all entries must be met, of each one alternative."""

    text: str = Field(description="In words, alternatives joined by `or`.")
    met: bool = Field(description="One alternative is met.")
    met_by: EventNote | None = Field(default=None, description="The event that counts.")
    possible: bool = Field(default=False, description="It is not met and still can be.")
    alternatives: tuple[MatchNote, ...] = Field(description="The matches of which one is enough.")


class StageNote(Model):
    """Everything about one stage: why it is where it is, what it did and what that led to."""

    name: str = Field(description="stageName.")
    stage_run: str = Field(description="metadata.name of its StageRun.")
    phase: StagePhase = Field(description="Where it stands.")
    why: str = Field(description="Why it stands there, in one sentence.")
    can_still_run: bool = Field(default=False, description="It waits and can still be triggered.")
    attempt: int = Field(default=0, description="Attempts started so far.")
    interruptions: int = Field(default=0, description="Attempts that were interrupted.")
    reason: str = Field(default="", description="One CamelCase word.")
    message: str = Field(default="", description="A sentence for a person.")
    waits_on: WaitsOn | None = Field(default=None, description="What will end it.")
    doing: str = Field(default="", description="What its work does now.")
    start_time: str | None = Field(default=None, description="When it was triggered.")
    completion_time: str | None = Field(default=None, description="When it ended.")
    clauses: tuple[ClauseNote, ...] = Field(default=(), description="Its triggers, entry by entry.")
    emitted: tuple[EventNote, ...] = Field(default=(), description="Events that its last attempt sent into the run.")
    sets: dict[str, Any] = Field(default={}, description="Strategy variables that it set, as they are now.")
    outputs: dict[str, Any] = Field(default={}, description="What its work handed back, by output resource.")
    links: dict[str, str] = Field(default={}, description="Where to look.")


class WaitNote(Model):
    """One thing that the run waits for."""

    kind: str = Field(description="Playbook, Approval, Object, External, Start or Event.")
    stage: str = Field(description="The stage that is held up by it.")
    text: str = Field(description="In words.")


class RunNote(Model):
    """The run as a whole."""

    phase: RunPhase = Field(description="Where it stands.")
    why: str = Field(description="Why it stands there, in one sentence.")
    context_id: str = Field(default="", alias="contextID", description="Identity of the run.")
    start_time: str | None = Field(default=None, description="When it started.")
    completion_time: str | None = Field(default=None, description="When it ended.")
    waits: tuple[WaitNote, ...] = Field(default=(), description="What it waits for.")
    next: tuple[str, ...] = Field(default=(), description="What happens next, and upon what.")
    stages: tuple[StageNote, ...] = Field(default=(), description="Every stage, in the order of the definition.")
    events: tuple[EventNote, ...] = Field(default=(), description="Every event of the run, oldest first.")
