"""The reference of the settings, made from their models and from `serve`'s options: docs/reference/settings.md.

Written by `make docs`; a test says when it is out of date.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from kabanero.cli.serve import OPTIONS, serve
from kabanero.settings import Settings

HEAD = """# Settings

<!-- Made by `make docs` from runner/kabanero/settings.py. Edit the descriptions there. -->

`kabanero serve --config FILE` reads them from a YAML file; an option of `serve` wins over the file. Names in the table
are paths in that file: `webhook.bodyLimit` is `bodyLimit` below `webhook`. All may be left out. A name that is no
setting is refused, with the one that was probably meant. Settings are read once, at the start.

*Off* is the value that switches off what the setting limits or does; a dash means that it can't be switched off.

| Setting | Type | Default | Unit | Off | Option of `serve` | Meaning |
| --- | --- | --- | --- | --- | --- | --- |
"""
EXAMPLE_HEAD = "\n## All of them, with their defaults\n\nSettings without a default stand in comments.\n"
_NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}


def page() -> str:
    """The whole page, in Markdown."""
    rows = "\n".join(_row(path, info) for path, info in settings_of(Settings))
    return f"{HEAD}{rows}\n{EXAMPLE_HEAD}\n```yaml\n{_example()}```\n"


def settings_of(section: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Path and field of every setting below a section, in order; a section has no row of its own."""
    for name, info in section.model_fields.items():
        path = before + to_camel(name)
        inner = _section(info.annotation)
        if inner is None:
            yield path, info
        else:
            yield from settings_of(inner, f"{path}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    parts = [annotation, *typing.get_args(annotation)]
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


def _row(path: str, info: FieldInfo) -> str:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    off = f"`{extra['off']}`" if extra.get("off") else _off(info)
    cells = (f"`{path}`", _type(info.annotation), _default(path, info), str(extra.get("unit", "")), off, _option(path))
    return "| " + " | ".join((*cells, (info.description or "").replace("|", "\\|"))) + " |"


def _off(info: FieldInfo) -> str:
    """Truths are their own switch, and what may be absent is off without a value."""
    if info.annotation is bool:
        return "`false`"
    return "absent" if info.default is None else "–"


def _type(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in typing.get_args(annotation))
    if many := {dict: "map of text", list: "list of text"}.get(typing.get_origin(annotation)):
        return many
    if isinstance(annotation, types.UnionType):
        return " or ".join(_type(part) for part in typing.get_args(annotation) if part is not types.NoneType)
    return _NAMES[annotation]


def _default(path: str, info: FieldInfo) -> str:
    if path == "webhook.listener.listen":
        return ""  # Nothing of this section counts while the section is absent.
    value = _plain(info.default)
    return "" if value in (None, "", {}, []) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, Path) else value


def _option(path: str) -> str:
    for parameter in serve.params:
        if isinstance(parameter, click.Option) and OPTIONS.get(parameter.name or "") == path:
            return f"`{parameter.opts[0]}`"
    return ""


def _example() -> str:
    return "".join(_lines(Settings, ""))


def _lines(section: type[BaseModel], indent: str) -> Iterator[str]:
    for name, info in section.model_fields.items():
        inner, key = _section(info.annotation), to_camel(name)
        if inner is None or info.default is None:
            value = yaml.safe_dump(_plain(info.default), default_flow_style=True).removesuffix("...\n").strip()
            yield f"{indent}# {key}:\n" if info.default is None else f"{indent}{key}: {value}\n"
        else:
            yield f"{indent}{key}:\n"
            yield from _lines(inner, indent + "  ")
