"""Label and field selectors, in Kubernetes' syntax, for stores, the API server and the CLI.

Source of the rules: Kubernetes documentation, "Labels and Selectors" and "Field Selectors".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.resource import Resource, field_at

Operator = Literal["=", "!=", "in", "notin", "exists", "absent"]

_SET = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,()=!]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<bang>!?)\s*(?P<key>[^\s!=,()]+)\s*$")
MOST_CLAUSES = 100
_CLAUSES = re.compile(r",(?![^()]*\))")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One clause of a selector."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, value: str | None) -> bool:
        """Whether a value (None: the key is not there) meets this clause."""
        match self.operator:
            case "=" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "absent":
                return value is None


@dataclass(frozen=True, slots=True)
class Selector:
    """Clauses over labels and over fields; all of them must hold."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def matches(self, resource: Resource) -> bool:
        """Whether the resource is selected."""
        labels: dict[str, Any] = resource.get("metadata", {}).get("labels") or {}
        return all(r.holds(labels.get(r.key)) for r in self.labels) and all(
            r.holds(field_at(resource, r.key)) for r in self.fields
        )


EVERYTHING = Selector()


def parse_selector(labels: str = "", fields: str = "") -> Selector:
    """Reads `labelSelector` and `fieldSelector` as a client sends them. Raises InvalidError."""
    return Selector(_clauses(labels, "labelSelector"), _field_clauses(fields))


def _clauses(text: str, where: str) -> tuple[Requirement, ...]:
    parts = [part for part in _CLAUSES.split(text) if part.strip()]
    if len(parts) > MOST_CLAUSES:
        raise InvalidError(where, [Problem("", f"has {len(parts)} parts, more than {MOST_CLAUSES}", "list with fewer")])
    return tuple(_clause(part, where) for part in parts)


def _field_clauses(text: str) -> tuple[Requirement, ...]:
    clauses = _clauses(text, "fieldSelector")
    for clause in clauses:
        if clause.operator not in ("=", "!="):
            raise InvalidError("fieldSelector", [Problem(clause.key, "only =, == and != are possible on fields")])
    return clauses


def _clause(text: str, where: str) -> Requirement:
    if found := _SET.match(text):
        values = tuple(value.strip() for value in found["values"].split(","))
        return Requirement(found["key"], "in" if found["op"] == "in" else "notin", values)
    if found := _EQUAL.match(text):
        return Requirement(found["key"], "!=" if found["op"] == "!=" else "=", (found["value"],))
    if found := _EXISTS.match(text):
        return Requirement(found["key"], "absent" if found["bang"] else "exists")
    raise InvalidError(
        where, [Problem(text.strip(), "is not a selector", "write key=value, key!=value or key in (a,b)")]
    )
