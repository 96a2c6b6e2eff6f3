"""StrategyDefinition: stages, the events that link them, and the variables bound to their inputs and outputs."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from kabanero.model.kinds.base import Condition, Duration, EmittedEvent, Model, Text, VariableType, rule


class StrategyVariable(Model):
    """A variable of the whole strategy."""

    name: Text = Field(description="Name by which bindings and playbooks refer to it.")
    type: VariableType = Field(
        default="string",
        description="What it holds. `docker` and `image` are the same; both have a `location`. `github` has a "
        "`location` and usually `branch` and `commit`.",
    )
    description: str = Field(default="", description="For people.")
    required: bool = Field(default=False, description="A run without a value for it is refused.")
    default: Any = Field(default=None, description="Value of a run that gives none.")


class StageRef(Model):
    """Names the stage resource (of a built-in kind, or of one declared by a StageKind) in the same namespace."""

    kind: Text = Field(description="Kind of the stage, for example TektonStage or PlaybookStage.")
    name: Text = Field(description="metadata.name of the stage.")


class ResourceBinding(Model):
    """Binds one variable of the strategy to one resource of the stage."""

    stage_variable: Text = Field(description="Name of the stage's input or output resource.")
    strategy_variable: Text = Field(description="Name of the strategy's variable.")


class ResourceBindings(Model):
    """Which variables a stage reads and which it sets."""

    input: tuple[ResourceBinding, ...] = Field(default=(), description="Resources that the stage reads.")
    output: tuple[ResourceBinding, ...] = Field(default=(), description="Resources that the stage's results set.")


class EventMatch(Model):
    """Matches one event by its attributes: each must be equal."""

    match: dict[str, str] = Field(description="Attributes of the event; `name` is usual, then `status`.", min_length=1)


class Trigger(Model):
    """One entry of a stage's `triggers`: one event (`match`), or one of several (`anyOf`)."""

    model_config = rule(
        "has(self.match) ? !has(self.anyOf) && size(self.match) > 0 : has(self.anyOf) && size(self.anyOf) > 0",
        "write either match or anyOf, with at least one attribute",
    )

    match: dict[str, str] | None = Field(default=None, description="Attributes that one event must have.")
    any_of: tuple[EventMatch, ...] | None = Field(default=None, description="One of these is enough (OR).")

    @model_validator(mode="after")
    def _one_form(self) -> Trigger:
        if (self.match is None) == (self.any_of is None):
            raise ValueError("write either match or anyOf")
        if not (self.match or self.any_of):
            raise ValueError("is empty: name at least one attribute of the event")
        return self

    @property
    def alternatives(self) -> tuple[dict[str, str], ...]:
        """The matches of which one is enough."""
        return (self.match,) if self.match is not None else tuple(entry.match for entry in self.any_of or ())


class StageBinding(Model):
    """One stage of the strategy: what it is, what it reads and sets, what starts it and what it tells."""

    stage_name: Text = Field(description="Name in status, events and playbooks; free text, unique in the strategy.")
    stage_ref: StageRef = Field(description="The stage that does the work.")
    resource_bindings: ResourceBindings = Field(
        default_factory=ResourceBindings, description="Strategy variables bound to the stage's resources."
    )
    triggers: tuple[Trigger, ...] = Field(
        default=(), description="Events that start the stage: every entry must have happened (AND)."
    )
    emit: tuple[EmittedEvent, ...] = Field(
        default=(),
        description="Events sent when the stage has ended. Each needs a `name`; `$stage_status` becomes Success, "
        "Failed, Errored, Cancelled or TimedOut. An entry with a `topic` goes out on that topic for other strategies.",
    )
    timeout: Duration | None = Field(default=None, description="Longest time for the stage; overrides the stage's own.")
    retries: int | None = Field(
        default=None, ge=0, description="Further attempts after Failed or TimedOut; overrides the stage's own."
    )


class StrategySpec(Model):
    """What a strategy consists of."""

    strategy_variables: tuple[StrategyVariable, ...] = Field(default=(), description="Variables of the whole strategy.")
    stage_bindings: tuple[StageBinding, ...] = Field(description="The stages.", min_length=1)
    first_stage: str | None = Field(
        default=None, description="Stage that starts a run when the run names no first event and several could."
    )
    external_events: tuple[str, ...] = Field(
        default=(),
        description="Names of events that people or other systems may send into a run. A run stays open for a stage "
        "that still waits for one of them.",
    )


class StrategyStatus(Model):
    """What the runner found when it verified the strategy."""

    observed_generation: int | None = Field(default=None, description="Generation that was verified.")
    digest: str = Field(default="", description="Digest of the spec, as runs record it.")
    conditions: tuple[Condition, ...] = Field(default=(), description="`Ready`: no mistake was found.")
    problems: tuple[str, ...] = Field(default=(), description="Every mistake found, with its place and likely fix.")
