"""What all kinds' fields share: camelCase outside, snake_case inside, unknown fields refused.

The description of a field is what a user reads in `kubectl explain` and in the reference.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
KIND_NAME = "^[A-Z][A-Za-z0-9]*$"
PATTERN_WORDS = {
    DURATION: "is not a length of time such as 90s, 10m or 1h30m",
    KIND_NAME: "is not the name of a kind: an upper-case letter, then letters and digits, such as LoadTest",
}

Text = Annotated[str, Field(min_length=1)]
Duration = Annotated[str, Field(pattern=DURATION, examples=["90s", "10m", "1h30m"])]
VariableType = Literal["github", "image", "docker", "string", "number", "boolean", "object", "list"]

_COMMON = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, defer_build=True)


def rule(cel: str, message: str) -> ConfigDict:
    """A rule across fields in CEL, for clusters (`x-kubernetes-validations`); a validator of the model says it here."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [{"rule": cel, "message": message}]})


def _named(event: dict[str, str]) -> dict[str, str]:
    if not event.get("name"):
        raise ValueError("needs a name: an event is known by it")
    return event


EmittedEvent = Annotated[
    dict[str, str],
    AfterValidator(_named),
    Field(json_schema_extra=rule("'name' in self && self['name'] != ''", "needs a name")["json_schema_extra"]),
]


class Model(BaseModel):
    """A part of a resource whose fields are all known."""

    model_config = ConfigDict(**_COMMON, extra="forbid")


class OpenModel(BaseModel):
    """A part of a resource that takes further fields of the user's own."""

    model_config = ConfigDict(**_COMMON, extra="allow")

    def extras(self) -> dict[str, Any]:
        """The user's own fields."""
        return dict(self.__pydantic_extra__ or {})


class Condition(Model):
    """One condition in Kubernetes' form, so that `kubectl wait --for=condition=...` works."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-list-map-keys": ["type"]})

    type: str = Field(description="Name of the condition, for example Succeeded.")
    status: Literal["True", "False", "Unknown"] = Field(description="Unknown while it is undecided.")
    reason: str = Field(default="", description="One CamelCase word.")
    message: str = Field(default="", description="A sentence for a person.")
    last_transition_time: str = Field(default="", description="When status last changed (RFC 3339).")
    observed_generation: int | None = Field(default=None, description="The generation of the spec that this is about.")
