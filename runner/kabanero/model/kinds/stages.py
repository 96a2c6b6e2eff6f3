"""The stage kinds: what a stage reads and sets, and the playbook that does its work.

The playbook of every kind can be exchanged: by `spec.playbook` of the one stage, or by a StageKind for all of them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from kabanero.model.kinds.base import KIND_NAME, Condition, Duration, EmittedEvent, Model, Text, VariableType, rule
from kabanero.model.kinds.strategy import Trigger


class StageResource(Model):
    """One input or output of a stage."""

    name: Text = Field(description="Name by which bindings and the playbook refer to it.")
    type: VariableType = Field(default="string", description="What it holds.")
    description: str = Field(default="", description="For people.")
    optional: bool = Field(default=False, description="An input that may be left unbound.")


class StageResources(Model):
    """The inputs and outputs of a stage."""

    input: tuple[StageResource, ...] = Field(default=(), description="What the stage reads.")
    output: tuple[StageResource, ...] = Field(default=(), description="What the stage hands back.")


class StageSpec(Model):
    """What all stage kinds have."""

    resources: StageResources = Field(default_factory=StageResources, description="Inputs and outputs.")
    triggers: tuple[Trigger, ...] = Field(
        default=(), description="Events that start the stage where the strategy's binding names none."
    )
    emit: tuple[EmittedEvent, ...] = Field(
        default=(), description="Events sent at its end where the strategy's binding names none."
    )
    timeout: Duration | None = Field(default=None, description="Longest time; absent: the runner's setting.")
    retries: int = Field(default=0, ge=0, description="Further attempts after Failed or TimedOut.")
    on_interrupted: Literal["Error", "Retry"] = Field(
        default="Error",
        description="What to do when the machine died under the work and nobody knows how far it came. Retry only "
        "work that may be done twice.",
    )
    playbook: str | None = Field(
        default=None, description="FQCN, or path inside the project folder; absent: the kind's own playbook."
    )
    parameters: dict[str, Any] = Field(default={}, description="Further values for the playbook, as `parameters`.")


class PlaybookStageSpec(StageSpec):
    """A stage whose work is one Ansible playbook."""

    playbook: Text = Field(description="FQCN such as acme.shop.build, or path inside the project folder.")


class AppsodyBuildSpec(StageSpec):
    """A stage that builds an application by the stack that its repository names, by a playbook of your own."""

    pipeline: str = Field(default="", description="Build pipeline of the stack; empty: the stack's first.")


class EmailApprovalStageSpec(StageSpec):
    """A stage that waits until somebody approves or rejects."""

    message: str = Field(default="", description="What the approvers are asked.")


class CustomStageSpec(StageSpec):
    """A stage of a kind that a StageKind declares: what all stages have, and fields of its own."""

    model_config = ConfigDict(extra="allow")


class StageKindSpec(Model):
    """Declares a kind of stage: who carries it out, and what it reads and sets."""

    model_config = rule(
        "has(self.controller) && self.controller != 'playbook' || has(self.playbook) && self.playbook != ''",
        "a kind carried out by a playbook must name it in playbook",
    )

    kind: str = Field(description="The kind that it declares or whose playbook it exchanges.", pattern=KIND_NAME)
    plural: str = Field(default="", description="Plural in URLs; empty: the kind in lower case with an s.")
    playbook: str | None = Field(default=None, description="Playbook that does the work.")
    controller: Literal["playbook", "external", "approval"] = Field(
        default="playbook",
        description="`playbook`: the runner runs it. `external`: somebody who watches StageRuns. `approval`: a person.",
    )
    resources: StageResources = Field(
        default_factory=StageResources, description="Inputs and outputs of all such stages."
    )

    @model_validator(mode="after")
    def _has_playbook(self) -> StageKindSpec:
        if self.controller == "playbook" and not self.playbook:
            raise ValueError("a kind carried out by a playbook must name it in playbook")
        return self


class StageStatus(Model):
    """What the runner found when it looked at the stage."""

    observed_generation: int | None = Field(default=None, description="Generation that was looked at.")
    conditions: tuple[Condition, ...] = Field(default=(), description="`Ready`: it can be carried out.")
