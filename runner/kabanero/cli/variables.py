"""Values of a run's variables from the command line and from a file, checked against what the strategy declares.

Used by `submit`; a wrong name is answered here, with the one that was probably meant, before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kabanero.cli.errors import UsageError
from kabanero.cli.text import safe

Json = dict[str, Any]
_JSON_TYPES = ("number", "boolean", "object", "list")
_LOCATED = {"github": ("location", "branch", "commit"), "image": ("location",), "docker": ("location",)}
"""Types whose values have fields, and the usual ones."""


def read_values(file: str | None) -> Json:
    """The spec that a file begins with: of a StrategyRun, or made from a map of values by variable."""
    if not file:
        return {}
    content = _yaml(file)
    if content.get("kind") == "StrategyRun":
        return dict(content.get("spec") or {})
    if "kind" in content:
        raise UsageError(f"{file} holds a {safe(content['kind'])}, not a StrategyRun or values by variable")
    return {"variables": [_entry(str(name), value) for name, value in content.items()]}


def _yaml(file: str) -> Json:
    import sys

    import yaml

    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{file} holds no map of values by variable")
    return content


def _entry(name: str, value: Any) -> Json:
    return {"name": name, **value} if isinstance(value, dict) else {"name": name, "value": value}


def merged(base: Iterable[Json], values: Sequence[str], declared: Sequence[Json]) -> list[Json]:
    """`spec.variables` from those of a file with `NAME=VALUE` and `NAME.FIELD=VALUE` on top. Raises UsageError."""
    types = {str(variable["name"]): str(variable.get("type") or "string") for variable in declared}
    found: dict[str, Json] = {str(entry["name"]): dict(entry) for entry in base}
    for text in values:
        name, field, value = _parts(text)
        _check(name, types)
        _check_field(name, field, value, types[name])
        _put(found.setdefault(name, {"name": name}), field, _typed(text, value, "" if field else types[name]))
    return list(found.values())


def _parts(text: str) -> tuple[str, str, str]:
    place, equals, value = text.partition("=")
    if not equals or not place:
        raise UsageError(f"--var {safe(text)!r} is not NAME=VALUE or NAME.FIELD=VALUE")
    name, _, field = place.partition(".")
    return name, field, value


def _check(name: str, types: Json) -> None:
    from kabanero.model.nearmiss import did_you_mean

    if name not in types:
        raise UsageError(f"the strategy has no variable {safe(name)!r}", [did_you_mean(name, types)])


def how_to_give(variable: Json) -> str:
    """The option that gives a variable its value."""
    fields = _LOCATED.get(str(variable.get("type")))
    return f"--var {safe(variable['name'])}{'.' + fields[0] if fields else ''}=VALUE"


def _check_field(name: str, field: str, value: str, type: str) -> None:
    """Refuses here what a stage would stumble over later."""
    from kabanero.model.nearmiss import near_miss

    what, fields = f"{safe(name)} is of type {safe(type)}", _LOCATED.get(type)
    if fields and not field:
        if isinstance(_json(value), dict):
            return
        wanted = [f"--var {safe(name)}.{each}={safe(value) if each == fields[0] else '...'}" for each in fields]
        raise UsageError(f"{what}: say its {' and '.join(fields[:2])}", [" ".join(wanted)])
    if fields and (meant := near_miss(field, fields)) and meant != field:
        raise UsageError(f"{what}, which has no {safe(field)}", [f"did you mean {safe(name)}.{meant}?"])
    if field and not fields and type != "object":
        raise UsageError(f"{what} and has no fields", [f"--var {safe(name)}=VALUE"])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _typed(text: str, value: str, type: str) -> Any:
    if type in _LOCATED:
        return _json(value)
    if type not in _JSON_TYPES:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise UsageError(f"--var {safe(text)}: the variable is a {type}, and this is no JSON") from None


def _put(entry: Json, field: str, value: Any) -> None:
    if field:
        entry.pop("value", None)
        entry[field] = value
        return
    for other in [key for key in entry if key != "name"]:
        del entry[other]
    entry.update(value if isinstance(value, dict) else {"value": value})
