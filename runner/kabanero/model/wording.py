"""Says in plain words what pydantic found: where, why, and what would mend it. Used by `validation` only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from kabanero.model.errors import Problem
from kabanero.model.kinds.base import PATTERN_WORDS
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.shapes import Shape, info_of, shape_at

Steps = tuple[str | int, ...]
_SHOWN = 60

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 64 bits",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}


def field_path(base: str, steps: Sequence[str | int]) -> str:
    """`spec` and `("triggers", 0, "match")` become `spec.triggers[0].match`; keys with dots stand in brackets."""
    path = base
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step and all(part not in step for part in ".[]/ "):
            path += f".{step}" if path else step
        else:
            path += f'["{shortened(step)}"]'
    return path


def shortened(text: str) -> str:
    """The text as it may be shown: printable, at most 60 characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN + 1])
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."


def found(value: Any) -> str:  # noqa: PLR0911 one answer per type
    """What a value is, for a person."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return f"the number {shortened(str(value) if abs(value) < 1e20 else 'with very many digits')}"
        case str():
            return f'the text "{shortened(value)}"' if value else "empty text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a map"
        case _:
            return f"a value of type {type(value).__name__}"


def problems_of(errors: Sequence[ErrorDetails], root: Shape, base: str) -> list[Problem]:
    """All of pydantic's errors about one part of a resource as problems, in its order."""
    meant = _meant_by_unknown(errors, root)
    return [_problem(error, root, base) for error in errors if not _is_consequence(error, meant)]


def _meant_by_unknown(errors: Sequence[ErrorDetails], root: Shape) -> set[Steps]:
    unknown = (error["loc"] for error in errors if error["type"] == "extra_forbidden")
    return {(*loc[:-1], near_miss(str(loc[-1]), _possible(root, loc)) or "") for loc in unknown}


def _is_consequence(error: ErrorDetails, meant: set[Steps]) -> bool:
    """Missing because its name is mistyped, or too short because its entries are wrong: named there already."""
    if error["type"] == "too_short":
        return bool(error["input"])
    return error["type"] == "missing" and error["loc"] in meant


def _possible(root: Shape, loc: Steps) -> list[str]:
    around = shape_at(root, loc[:-1])
    return list(around.fields) if around else []


def _problem(error: ErrorDetails, root: Shape, base: str) -> Problem:
    kind, loc = error["type"], tuple(step for step in error["loc"] if step != "[key]")
    path = field_path(base, loc)
    if kind == "missing":
        return Problem(path, "is missing", _description(root, loc))
    if kind == "extra_forbidden":
        return Problem(path, "is not a field that is known here", did_you_mean(str(loc[-1]), _possible(root, loc)))
    if wanted := _WANTED.get(kind):
        return Problem(path, f"must be {wanted}, but is {found(error['input'])}", _other_form(kind, error["input"]))
    return Problem(path, *_VALUES.get(kind, _as_pydantic_says)(error, shape_at(root, loc)))


def _description(root: Shape, loc: Steps) -> str:
    around = shape_at(root, loc[:-1])
    model: type[BaseModel] | None = around.model if around else None
    text = info_of(model, str(loc[-1])).description if model else None
    return f"add {loc[-1]}: {text}" if text else f"add {loc[-1]}"


def _other_form(kind: str, value: Any) -> str:
    wanted = _WANTED[kind]
    if wanted == "text" and isinstance(value, int | float):
        return f'write it in quotes: "{str(value).lower() if isinstance(value, bool) else value}"'
    if wanted == "a list":
        return "begin each entry with `- `"
    if wanted == "a map" and isinstance(value, list):
        return "write its fields without `- ` before them"
    if wanted == "true or false":
        return "write true or false, without quotes"
    if wanted.startswith("a whole number") and isinstance(value, str) and value.isdecimal():
        return f"write it without quotes: {shortened(value)}"
    return "give it a value or remove the field" if value is None else ""


Words = tuple[str, str]


def _choice(error: ErrorDetails, shape: Shape | None) -> Words:
    choices = shape.choices if shape else ()
    listed = ", ".join(choices)
    meant = near_miss(error["input"], choices) if isinstance(error["input"], str) else None
    return f"must be one of {listed}, but is {found(error['input'])}", f"did you mean {meant}?" if meant else ""


def _pattern(error: ErrorDetails, _: Shape | None) -> Words:
    pattern = str(error["ctx"]["pattern"])
    return f"{PATTERN_WORDS.get(pattern, f'does not match {pattern}')}: it is {found(error['input'])}", ""


def _bound(error: ErrorDetails, _: Shape | None) -> Words:
    context = error["ctx"]
    limit = f"at least {context['ge']}" if "ge" in context else f"at most {context.get('le')}"
    return f"must be {limit}, but is {found(error['input'])}", ""


def _says(reason: str, fix: str = "") -> Callable[[ErrorDetails, Shape | None], Words]:
    return lambda _error, _shape: (reason, fix)


def _too_long(error: ErrorDetails, _: Shape | None) -> Words:
    return f"has too many entries: {error['ctx'].get('max_length')} is the most", ""


def _rule(error: ErrorDetails, _: Shape | None) -> Words:
    return str(error["ctx"]["error"]), ""


def _as_pydantic_says(error: ErrorDetails, _: Shape | None) -> Words:
    return error["msg"][:1].lower() + error["msg"][1:], ""


_VALUES: dict[str, Callable[[ErrorDetails, Shape | None], Words]] = {
    "literal_error": _choice,
    "enum": _choice,
    "string_pattern_mismatch": _pattern,
    "string_too_short": _says("must not be empty"),
    "too_short": _says("must have at least one entry"),
    "too_long": _too_long,
    "greater_than_equal": _bound,
    "less_than_equal": _bound,
    "value_error": _rule,
    "json_invalid": _says("is nested too deeply, or holds what JSON can't carry"),
}
