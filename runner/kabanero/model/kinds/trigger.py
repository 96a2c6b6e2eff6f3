"""StrategyTrigger: which outside events start a run of a strategy, and what the run's variables get from them.

VariableValue and FirstEvent are shared with StrategyRun, which a trigger makes.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from kabanero.model.errors import InvalidError
from kabanero.model.jsonpath import read_json_path
from kabanero.model.kinds.base import Condition, Model, OpenModel, Text, rule


class VariableValue(OpenModel):
    """The value of one strategy variable: either `value`, or fields such as location, branch and commit."""

    name: Text = Field(description="Name of the strategy's variable.")
    value: Any = Field(default=None, description="A plain value.")
    location: str | None = Field(default=None, description="URL of a repository, or name of an image.")
    branch: str | None = Field(default=None, description="Branch of the repository.")
    commit: str | None = Field(default=None, description="Commit of the repository.")

    def content(self) -> Any:
        """What a playbook sees: the plain value, or the object of all other fields."""
        fields = self.model_dump(exclude={"name"}, exclude_none=True)
        return fields["value"] if set(fields) == {"value"} else (fields or None)


class FirstEvent(OpenModel):
    """The strategy's event that a run starts with."""

    name: Text = Field(description="Name of the event, for example Start_build.")


class EventFilter(Model):
    """Lets an event pass by the value of one attribute or JSONPath; globs are `*`, `?` and `[...]`."""

    model_config = rule("has(self.attribute) != has(self.jsonPath)", "write either attribute or jsonPath")

    attribute: str | None = Field(default=None, description="Attribute of the event's data, dots for nested ones.")
    json_path: str | None = Field(default=None, description="JSONPath over the event's whole data.")
    allowed: tuple[str, ...] | None = Field(default=None, description="Globs; one must match. Absent: all pass.")
    disallowed: tuple[str, ...] = Field(default=(), description="Globs; none may match.")

    @model_validator(mode="after")
    def _one_place(self) -> EventFilter:
        if (self.attribute is None) == (self.json_path is None):
            raise ValueError("write either attribute or jsonPath")
        if self.json_path is not None:
            _check_json_path(self.json_path)
        return self


def _check_json_path(path: str) -> None:
    try:
        read_json_path(path)
    except InvalidError as error:
        raise ValueError(str(error.problems[0])) from None


class TriggerRule(Model):
    """One outside event that starts a run."""

    topic: Text = Field(default="SourceRepository", description="Topic on which the event arrives.")
    match: dict[str, str] = Field(default={}, description="Attributes that must be equal, such as `eventName: Push`.")
    filter: tuple[EventFilter, ...] = Field(default=(), description="Each must let the event pass.")
    variable_bindings: tuple[VariableValue, ...] = Field(
        default=(),
        description="Values of the run's variables; `${event.ATTRIBUTE}`, `${contextID}` and settings are put in as "
        "plain values.",
    )
    emit: FirstEvent | None = Field(default=None, description="First event; optional when only one is possible.")


class StrategyTriggerSpec(Model):
    """Which strategy is started, by which events."""

    strategy: Text = Field(description="metadata.name of the StrategyDefinition in the same namespace.")
    events: tuple[TriggerRule, ...] = Field(description="Each entry may start a run by itself.", min_length=1)
    suspended: bool = Field(default=False, description="True: matches nothing; events are recorded all the same.")


class StrategyTriggerStatus(Model):
    """What the runner made of the trigger."""

    observed_generation: int | None = Field(default=None, description="Generation that is in force.")
    conditions: tuple[Condition, ...] = Field(default=(), description="`Ready`: it can match events.")
