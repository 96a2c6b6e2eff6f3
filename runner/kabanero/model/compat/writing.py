"""Writes resources as YAML that people like to read: canonical, in a fixed order, small maps on a line, no aliases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from kabanero.model.resource import Resource

_ORDER = ("apiVersion", "kind", "metadata", "type", "data", "stringData", "spec", "status")
_METADATA_ORDER = ("name", "generateName", "namespace", "labels", "annotations")
_FIRST = ("kind", "name", "stageName", "stageRef", "topic", "match", "attribute", "jsonPath", "stageVariable")
_LINE = 110
_AWKWARD = "{}[],\n#"
_SHORT = 76
"""A map or list inside the spec of single values stands on one line up to this many characters."""


class _Short(dict[str, Any]):
    """A map that is written on one line."""


class _ShortList(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Lists are indented, nothing is shared, and text of several lines stays text of several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _looks_otherwise(text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    several = "\n" in text.strip("\n") and all(line == line.rstrip() for line in text.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if several else None)


def _looks_otherwise(text: str) -> bool:
    """Whether some reader might take it for a number."""
    return text[:1] in tuple("+-.0123456789") and text.replace("_", "").replace(".", "").lstrip("+-").isalnum()


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    _Short, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)
)
_Dumper.add_representer(
    _ShortList, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)


def to_yaml(resources: Iterable[Resource]) -> str:
    """One YAML document a resource. Reading it again gives the same resources, without a repair."""
    return "---\n".join(_document(resource) for resource in resources)


def _document(resource: Resource) -> str:
    parts = {key: _part(key, resource[key]) for key in _sorted(resource, _ORDER)}
    return yaml.dump(parts, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=_LINE)


def _part(key: str, value: Any) -> Any:
    if key == "metadata" and isinstance(value, dict):
        return {name: value[name] for name in _sorted(value, _METADATA_ORDER)}
    if key in ("spec", "status") and isinstance(value, dict):
        return {name: _arranged(value[name]) for name in _sorted(value, ("strategy", "stageName", "stageRef"))}
    return value


def _arranged(value: Any) -> Any:
    if isinstance(value, list):
        entries = [_arranged(entry) for entry in value]
        return _ShortList(entries) if _is_short(entries, value) else entries
    if isinstance(value, dict):
        fields = {key: _arranged(value[key]) for key in _sorted(value, _FIRST)}
        return _Short(fields) if _is_short(list(value.values()), value) else fields
    return value


def _is_short(values: list[Any], whole: Any) -> bool:
    plain = all(isinstance(value, str | int | float | None) for value in values)
    return plain and len(str(whole)) < _SHORT and not any(set(_AWKWARD) & set(str(value)) for value in values)


def _sorted(value: dict[str, Any], order: tuple[str, ...]) -> list[str]:
    return [key for key in order if key in value] + [key for key in value if key not in order]
