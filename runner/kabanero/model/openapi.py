"""The OpenAPI documents of the API server, made from the kinds: `kubectl explain`, `apply` and validation read them.

`custom` are the kinds that StageKind resources declare (`kinds.custom.custom_kind`). Documents are plain JSON objects;
treat them as read-only. Source of their form: Kubernetes' own `/openapi/v2` and `/openapi/v3`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import orjson

from kabanero import __version__
from kabanero.model.kinds import meta
from kabanero.model.kinds.core import CORE_KINDS, CoreKind
from kabanero.model.kinds.registry import KINDS, Kind
from kabanero.model.openapi_paths import V2, V3, Document, Style, paths_of
from kabanero.model.resource import GROUP, VERSION, ResourceType
from kabanero.model.schemas import Schema, object_schema, structural_schema

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_INFO = {"title": "Kabanero", "version": __version__}
_PROTOCOL = (meta.ObjectMeta, meta.ListMeta, meta.Status, meta.DeleteOptions, meta.Patch)


def openapi_v2(custom: Sequence[Kind] = ()) -> Document:
    """The whole API as Swagger 2.0. Custom resources keep their structural schemas, as on a cluster."""
    kinds: list[Kind | CoreKind] = [*CORE_KINDS, *KINDS, *custom]
    return {
        "swagger": "2.0",
        "info": _INFO,
        "paths": paths_of(((kind.type, _name(kind.type)) for kind in kinds), V2),
        "definitions": _definitions(kinds, V2),
    }


def openapi_v3_index(custom: Sequence[Kind] = ()) -> Document:
    """`/openapi/v3`: where each group's document is; its hash lets clients keep it for ever."""
    places = {"api/v1": ("", "v1"), f"apis/{GROUP}/{VERSION}": (GROUP, VERSION)}
    return {
        "paths": {
            place: {"serverRelativeURL": f"/openapi/v3/{place}?hash={_hash(openapi_v3(*of, custom))}"}
            for place, of in places.items()
        }
    }


def openapi_v3(group: str, version: str, custom: Sequence[Kind] = ()) -> Document:
    """One group's document. `group` is empty for the core group."""
    everything: list[Kind | CoreKind] = [*CORE_KINDS, *KINDS, *custom]
    kinds = [kind for kind in everything if (kind.type.group, kind.type.version) == (group, version)]
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": paths_of(((kind.type, _name(kind.type)) for kind in kinds), V3),
        "components": {"schemas": _definitions(kinds, V3)},
    }


def _hash(document: Document) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32].upper()


def _definitions(kinds: Iterable[Kind | CoreKind], style: Style) -> Schema:
    definitions = {f"{_META}.{model.__name__}": _protocol_schema(model.__name__) for model in _PROTOCOL}
    for kind in kinds:
        definitions.update(_kind_definitions(kind, style))
    return definitions


def _protocol_schema(name: str) -> Schema:
    model = next(model for model in _PROTOCOL if model.__name__ == name)
    schema = structural_schema(model)
    identified = name in ("Status", "DeleteOptions")
    return schema | {"x-kubernetes-group-version-kind": _gvk("", "v1", name)} if identified else schema


def _kind_definitions(kind: Kind | CoreKind, style: Style) -> Iterator[tuple[str, Schema]]:
    name, type = _name(kind.type), kind.type
    yield name, _object(kind, style)
    yield (
        f"{name}List",
        {
            "type": "object",
            "description": f"A list of {type.kind}.",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": style.reference(f"{_META}.ListMeta"),
                "items": {"type": "array", "items": style.reference(name)},
            },
            "x-kubernetes-group-version-kind": _gvk(type.group, type.version, f"{type.kind}List"),
        },
    )


def _object(kind: Kind | CoreKind, style: Style) -> Schema:
    schema = object_schema(kind) if isinstance(kind, Kind) else _core_schema(kind)
    metadata = {"metadata": style.reference(f"{_META}.ObjectMeta", "Name, namespace, labels and the like.")}
    return schema | {
        "properties": schema["properties"] | metadata,
        "x-kubernetes-group-version-kind": _gvk(kind.type.group, kind.type.version, kind.type.kind),
    }


def _core_schema(kind: CoreKind) -> Schema:
    body = structural_schema(kind.body)
    top = {
        "apiVersion": {"type": "string", "description": f"Always {kind.type.api_version}."},
        "kind": {"type": "string", "description": f"Always {kind.type.kind}."},
    }
    return body | {"description": kind.description, "properties": top | body["properties"]}


def _gvk(group: str, version: str, kind: str) -> list[dict[str, str]]:
    return [{"group": group, "version": version, "kind": kind}]


def _name(type: ResourceType) -> str:
    """`io.kabanero.v1alpha1.StrategyRun`, `io.k8s.api.core.v1.Secret`."""
    if not type.group:
        return f"io.k8s.api.core.{type.version}.{type.kind}"
    return f"{'.'.join(reversed(type.group.split('.')))}.{type.version}.{type.kind}"
