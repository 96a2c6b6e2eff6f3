"""What is served: the core kinds, our kinds, and kinds that StageKind resources declare while the server runs.

Discovery, OpenAPI, tables and the resource handlers all ask here. `generation` counts changes, for caches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kabanero.model.kinds.core import CORE_BY_KIND, CORE_TYPES
from kabanero.model.kinds.custom import custom_kind
from kabanero.model.kinds.registry import BY_KIND, KINDS, STAGE_KIND, Column, Kind
from kabanero.model.resource import Resource, ResourceType

Place = tuple[str, str, str]
_RESERVED = {name for kind in KINDS for name in (kind.type.plural, kind.type.singular, *kind.type.short_names)}


def declared_kind(stage_kind: Resource) -> Kind | None:
    """The kind that a valid StageKind declares; None when it only exchanges the playbook of a built-in kind."""
    name = stage_kind["spec"]["kind"]
    if name in BY_KIND or name in CORE_BY_KIND:
        return None
    kind = custom_kind(stage_kind)
    return None if kind.type.plural in _RESERVED else kind


@dataclass(slots=True)
class Catalog:
    """All served types. StageKinds come and go by `put` and `drop`; the oldest declaration of a kind counts.

    `declared` are the StageKinds by the kind that they declare, as validation wants them; `kinds` those kinds.
    """

    generation: int = 0
    declared: dict[str, Resource] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    _types: dict[Place, ResourceType] = field(default_factory=dict)
    _stage_kinds: dict[str, Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rebuild()

    def find(self, group: str, version: str, plural: str) -> ResourceType | None:
        """The type served at this place of the URL."""
        return self._types.get((group, version, plural))

    def types(self, group: str | None = None) -> Iterator[ResourceType]:
        """All types, or those of one group."""
        return (type for type in list(self._types.values()) if group is None or type.group == group)

    def columns(self, type: ResourceType) -> tuple[Column, ...]:
        """Columns of `kubectl get` beside the name."""
        known = BY_KIND.get(type.kind) or self.kinds.get(type.kind)
        return known.columns if known else ()

    def put(self, stage_kind: Resource) -> None:
        """Takes a StageKind in, or a newer version of it."""
        self._stage_kinds[_identity(stage_kind)] = stage_kind
        self._rebuild()

    def drop(self, stage_kind: Resource) -> None:
        """Forgets a StageKind; its kind is served no longer, the resources of that kind stay stored."""
        if self._stage_kinds.pop(_identity(stage_kind), None) is not None:
            self._rebuild()

    def replace(self, stage_kinds: Iterable[Resource]) -> None:
        """Takes in the whole list of StageKinds."""
        self._stage_kinds = {_identity(stage_kind): stage_kind for stage_kind in stage_kinds}
        self._rebuild()

    def places(self) -> list[tuple[str, str]]:
        """Namespace and name of all StageKinds that it holds."""
        return [
            (each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in self._stage_kinds.values()
        ]

    def _rebuild(self) -> None:
        types = {_place(type): type for type in (*CORE_TYPES, *(kind.type for kind in KINDS))}
        declared: dict[str, Resource] = {}
        kinds: dict[str, Kind] = {}
        for stage_kind in self._oldest_first():
            kind = declared_kind(stage_kind)
            if kind and kind.type.kind not in kinds and _place(kind.type) not in types:
                declared[kind.type.kind], kinds[kind.type.kind] = stage_kind, kind
                types[_place(kind.type)] = kind.type
        if types != self._types:
            self.generation += 1
        self.declared, self.kinds, self._types = declared, kinds, types

    def _oldest_first(self) -> list[Resource]:
        return sorted(self._stage_kinds.values(), key=_age)


def is_stage_kind(type: ResourceType) -> bool:
    """Whether writes of this type change the catalog."""
    return type == STAGE_KIND.type


def _place(type: ResourceType) -> Place:
    return (type.group, type.version, type.plural)


def _identity(resource: Resource) -> str:
    meta: dict[str, Any] = resource["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def _age(resource: Resource) -> tuple[str, str]:
    return (resource["metadata"].get("creationTimestamp", ""), _identity(resource))
