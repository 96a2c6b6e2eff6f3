"""What may stand where in a kind, read from its pydantic model.

Everything that walks an input beside its kind uses it: validation (which fields are possible here?), pruning, the
compatibility loader (which field was probably meant?), schemas and the reference docs.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Form = Literal["object", "list", "map", "text", "number", "whole", "truth", "any"]
_SCALARS: dict[type, Form] = {str: "text", int: "whole", float: "number", bool: "truth"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value must look like. `item` is the shape of a list's entries or a map's values.

    `choices` are the only texts allowed, empty when any is. `nullable`: null stands for "not given".
    """

    form: Form
    model: type[BaseModel] | None = None
    item: Shape | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def fields(self) -> dict[str, Shape]:
        """The known fields of an object by the name that users write; empty for any other form."""
        return fields_of(self.model) if self.model else {}

    @property
    def is_open(self) -> bool:
        """Whether further fields of the user's own are taken."""
        return self.model is None or self.model.model_config.get("extra") == "allow"

    def inside(self, step: str | int) -> Shape | None:
        """The shape one step further in, None where nothing is known."""
        if self.form == "object":
            return self.fields.get(str(step))
        return self.item


ANY = Shape("any")


def shape_of(annotation: Any) -> Shape:
    """The shape that a type annotation of a kind's field stands for."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Union or origin is types.UnionType:
        return _optional(arguments)
    if origin is Literal:
        return Shape("text", choices=tuple(str(argument) for argument in arguments))
    if origin is tuple:
        return Shape("list", item=shape_of(arguments[0]))
    if origin is dict:
        return Shape("map", item=shape_of(arguments[1]))
    if arguments and origin is not None:
        return shape_of(arguments[0])
    return _plain(annotation)


def _optional(arguments: Sequence[Any]) -> Shape:
    inner = shape_of(next(argument for argument in arguments if argument is not type(None)))
    return Shape(inner.form, inner.model, inner.item, inner.choices, nullable=True)


def _plain(annotation: Any) -> Shape:
    if not isinstance(annotation, type):
        return ANY
    if issubclass(annotation, BaseModel):
        return Shape("object", model=annotation)
    if issubclass(annotation, enum.Enum):
        return Shape("text", choices=tuple(str(member.value) for member in annotation))
    return Shape(_SCALARS.get(annotation, "any"))


@cache
def fields_of(model: type[BaseModel]) -> dict[str, Shape]:
    """The fields of a model by the name that users write."""
    return {written(name, info): shape_of(info.annotation) for name, info in model.model_fields.items()}


def info_of(model: type[BaseModel], field: str) -> FieldInfo:
    """All that the model says about the field of this written name. Raises KeyError."""
    return next(info for name, info in model.model_fields.items() if written(name, info) == field)


def written(name: str, info: FieldInfo) -> str:
    """The name by which users write a field."""
    return info.alias or name


def shape_at(shape: Shape, steps: Sequence[str | int]) -> Shape | None:
    """The shape at the end of a path."""
    found: Shape | None = shape
    for step in steps:
        found = found.inside(step) if found else None
    return found


def prune(value: Any, shape: Shape) -> Any:
    """The value without fields that its shape does not know. What has the wrong form is left for validation."""
    if shape.form == "object" and isinstance(value, dict):
        fields = shape.fields
        known = {key: prune(entry, fields[key]) if key in fields else entry for key, entry in value.items()}
        return known if shape.is_open else {key: entry for key, entry in known.items() if key in fields}
    if shape.item is None or shape.item.form not in ("object", "list", "map"):
        return value
    if shape.form == "list" and isinstance(value, list):
        return [prune(entry, shape.item) for entry in value]
    if shape.form == "map" and isinstance(value, dict):
        return {key: prune(entry, shape.item) for key, entry in value.items()}
    return value
