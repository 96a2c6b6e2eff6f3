"""Resources as they go to the API server and as they come back. Pure; used by all parts of the store.

What comes back is left as the server has it, but for `managedFields`: they are longer than the rest, nobody here reads
them, and the server keeps them when an update comes without.
"""

from __future__ import annotations

from typing import Any

from kabanero.model.resource import Key, Resource, ResourceType

# The server stamps these itself, and takes it ill when they are changed.
_STAMPS = ("creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")

_TOLD_WITH_STATUS = ("name", "namespace", "uid", "labels", "annotations", "ownerReferences", "finalizers")


def received(type: ResourceType, body: dict[str, Any]) -> Resource:
    """A resource of the server's. In lists of its own kinds it leaves apiVersion and kind out."""
    body.setdefault("apiVersion", type.api_version)
    body.setdefault("kind", type.kind)
    body["metadata"].pop("managedFields", None)
    return body


def key_of(type: ResourceType, resource: Resource) -> Key:
    """The key that a resource names."""
    metadata = resource.get("metadata") or {}
    return Key(type, str(metadata.get("namespace") or "") if type.namespaced else "", str(metadata.get("name") or ""))


def version_of(resource: Resource) -> str:
    """Its resourceVersion; empty where it has none."""
    return str((resource.get("metadata") or {}).get("resourceVersion") or "")


def uid_of(resource: Resource) -> str:
    """Its uid; empty where it has none."""
    return str((resource.get("metadata") or {}).get("uid") or "")


def to_create(resource: Resource) -> Resource:
    """What is sent for a new resource."""
    return _without_stamps(resource, "uid", "resourceVersion")


def to_update(type: ResourceType, resource: Resource, version: str) -> Resource:
    """What is sent for all but the status, on top of a version."""
    body = _without_stamps(resource)
    if type.has_status:
        body.pop("status", None)
    body["metadata"]["resourceVersion"] = version
    return body


def to_update_status(type: ResourceType, resource: Resource, version: str) -> Resource:
    """What is sent for the status alone, on top of a version: the server takes the rest from what it has.

    Labels and their like are told all the same: what a write leaves out is no longer owned by whom applied it.
    """
    metadata = {name: resource["metadata"][name] for name in _TOLD_WITH_STATUS if resource["metadata"].get(name)}
    body = {"apiVersion": type.api_version, "kind": type.kind, "metadata": {**metadata, "resourceVersion": version}}
    return {**body, "status": resource["status"]} if resource.get("status") is not None else body


def _without_stamps(resource: Resource, *more: str) -> Resource:
    metadata = resource.get("metadata") or {}
    kept = {name: value for name, value in metadata.items() if name not in (*_STAMPS, *more)}
    return {**resource, "metadata": kept}
