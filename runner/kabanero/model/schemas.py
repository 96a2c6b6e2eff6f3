"""Makes Kubernetes' schemas from the kinds: structural OpenAPI v3 schemas and whole CustomResourceDefinitions.

Used by the OpenAPI documents of the API server, `config/crds/` and the installer. Source of the rules: Kubernetes
documentation, "Extend the Kubernetes API with CustomResourceDefinitions" (structural schemas).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from kabanero.model.kinds.registry import INTERNAL_KINDS, KINDS, Column, Kind
from kabanero.model.resource import Resource

Schema = dict[str, Any]
PRESERVE = "x-kubernetes-preserve-unknown-fields"
LIST_KEYS = "x-kubernetes-list-map-keys"
_PATCH_HINTS = ("x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key")
_KEPT = (
    *_PATCH_HINTS,
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "enum",
)
_VALIDATIONS = "x-kubernetes-validations"


@cache
def structural_schema(model: type[BaseModel]) -> Schema:
    """The model as a structural schema: everything inline, no titles, no defaults. Treat it as read-only.

    A field that may be absent is just not required; where null is as good as absent it is `nullable` too. Objects that
    take the user's own fields, and values of any form, keep unknown fields.
    """
    raw = model.model_json_schema(by_alias=True)
    return _node(raw, raw.get("$defs", {}))


def _node(raw: Schema, definitions: Schema) -> Schema:
    raw = _resolved(raw, definitions)
    node: Schema = {"description": raw["description"]} if raw.get("description") else {}
    if raw.get("nullable"):
        node["nullable"] = True
    if raw.get(PRESERVE):
        return node | {"type": "object", PRESERVE: True}
    if "type" not in raw and "enum" not in raw:
        return node | {PRESERVE: True, "nullable": True}
    node["type"] = raw.get("type", "string")
    node |= {key: raw[key] for key in _KEPT if key in raw}
    return node | _inner(raw, definitions)


def _resolved(raw: Schema, definitions: Schema) -> Schema:
    """Puts what a reference names, or the one real alternative of `X or null`, in its place."""
    around = {key: value for key, value in raw.items() if key not in ("$ref", "anyOf", "const")}
    if "$ref" in raw:
        name = raw["$ref"].rpartition("/")[2]
        return _resolved(definitions[name], definitions) | around
    if "anyOf" in raw:
        real = next(alternative for alternative in raw["anyOf"] if alternative.get("type") != "null")
        return _resolved(real, definitions) | around | {"nullable": True}
    return around | ({"enum": [raw["const"]]} if "const" in raw else {})


def _inner(raw: Schema, definitions: Schema) -> Schema:
    if raw.get("type") == "array":
        return _list(raw, definitions)
    if raw.get("type") == "object":
        return _object(raw, definitions)
    return {"format": "int64"} if raw.get("type") == "integer" else {}


def _list(raw: Schema, definitions: Schema) -> Schema:
    keys = _resolved(raw["items"], definitions).get(LIST_KEYS)
    kind = {"x-kubernetes-list-type": "map", LIST_KEYS: keys} if keys else {"x-kubernetes-list-type": "atomic"}
    return {"items": _node(raw["items"], definitions)} | kind


def _object(raw: Schema, definitions: Schema) -> Schema:
    node: Schema = {}
    if "properties" in raw:
        node["properties"] = {name: _node(inner, definitions) for name, inner in raw["properties"].items()}
    if raw.get("required"):
        node["required"] = list(raw["required"])
    if _VALIDATIONS in raw:
        node[_VALIDATIONS] = raw[_VALIDATIONS]
    return node | _further(raw.get("additionalProperties"), definitions)


def _further(additional: Any, definitions: Schema) -> Schema:
    if isinstance(additional, dict) and additional:
        return {"additionalProperties": _node(additional, definitions)}
    return {PRESERVE: True} if additional in (True, {}) else {}


@cache
def object_schema(kind: Kind) -> Schema:
    """The whole object of a kind, its metadata left open as CustomResourceDefinitions want it."""
    rules = [change.as_validation() for change in kind.changes]
    return {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        **({_VALIDATIONS: rules} if rules else {}),
        "properties": {
            "apiVersion": {"type": "string", "description": f"Always {kind.type.api_version}."},
            "kind": {"type": "string", "description": f"Always {kind.type.kind}."},
            "metadata": {"type": "object"},
            "spec": structural_schema(kind.spec),
            "status": structural_schema(kind.status),
        },
    }


def crd(kind: Kind) -> Resource:
    """The CustomResourceDefinition by which a cluster serves the kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.type.plural}.{kind.type.group}"},
        "spec": {
            "group": kind.type.group,
            "scope": "Namespaced" if kind.type.namespaced else "Cluster",
            "names": _names(kind),
            "versions": [_version(kind)],
        },
    }


def crds() -> list[Resource]:
    """The CustomResourceDefinitions of all kinds."""
    return [crd(kind) for kind in (*KINDS, *INTERNAL_KINDS)]


def _names(kind: Kind) -> Schema:
    names: Schema = {
        "kind": kind.type.kind,
        "listKind": f"{kind.type.kind}List",
        "plural": kind.type.plural,
        "singular": kind.type.singular,
    }
    if kind.type.short_names:
        names["shortNames"] = list(kind.type.short_names)
    if kind.type.categories:
        names["categories"] = list(kind.type.categories)
    return names


def _version(kind: Kind) -> Schema:
    version: Schema = {
        "name": kind.type.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": object_schema(kind)},
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
    }
    if kind.type.has_status:
        version["subresources"] = {"status": {}}
    if kind.type.selectable:
        version["selectableFields"] = [{"jsonPath": f".{path}"} for path in kind.type.selectable]
    return version


def _column(column: Column) -> Schema:
    shown: Schema = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        shown["description"] = column.description
    if column.priority:
        shown["priority"] = column.priority
    return shown
