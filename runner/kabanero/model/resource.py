"""The shape that every stored object shares, and the identity by which stores and controllers speak of it.

Stores and the API server handle resources as plain JSON objects: what a client wrote comes back as it was written.
Typed views of the parts that the engine reads are in `model.kinds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]
GROUP = "kabanero.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind as the API serves it: `group/version`, its names, and which field paths can be selected by index.

    `selectable` are dotted paths such as `status.phase`; they answer `fieldSelector` beside `metadata.name` and
    `metadata.namespace` (Kubernetes: `selectableFields` of a CRD).
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    selectable: tuple[str, ...] = ()
    has_status: bool = True

    @property
    def api_version(self) -> str:
        """`v1` for the core group, else `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Key:
    """Names one resource. `namespace` is empty for cluster-wide kinds."""

    type: ResourceType
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.type.kind} {place}{self.name}"


def metadata(resource: Resource) -> dict[str, Any]:
    """The resource's metadata, made where it is missing."""
    found: dict[str, Any] = resource.setdefault("metadata", {})
    return found


def field_at(resource: Resource, path: str) -> str:
    """The value at a dotted path as a selector sees it: text, or empty where there is none."""
    value: Any = resource
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
