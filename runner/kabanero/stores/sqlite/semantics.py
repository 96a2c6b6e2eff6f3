"""What Kubernetes' API does to a resource when it is created, updated or deleted. Pure; called by `writing`.

Bodies here never hold a resourceVersion: the store adds it when it hands a resource out.
"""

from __future__ import annotations

import random
import uuid
from datetime import datetime
from typing import Any

from kabanero.model.errors import ConflictError, InvalidError, NotFoundError, Problem
from kabanero.model.resource import Key, Resource, ResourceType

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_GARBAGE_COLLECTION = (FOREGROUND, ORPHAN)
_OWNED_BY_STORE = (
    "name",
    "namespace",
    "generateName",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_DROPPED = ("resourceVersion", "selfLink")
_LEFT_OUT_WHEN_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences")
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_GENERATED_BASE = 58


def name_of(resource: Resource) -> str:
    """The name it asks for, or one made from its generateName. Raises InvalidError when it has neither."""
    metadata = resource.get("metadata") or {}
    if metadata.get("name"):
        return str(metadata["name"])
    if not metadata.get("generateName"):
        problem = Problem("metadata.name", "is missing", "give a name or a generateName")
        raise InvalidError(str(resource.get("kind", "resource")), [problem])
    suffix = "".join(random.choices(_SUFFIX_ALPHABET, k=_SUFFIX_LENGTH))
    return f"{metadata['generateName'][:_GENERATED_BASE]}{suffix}"


def is_generated(resource: Resource) -> bool:
    """Whether its name is drawn, so that another can be drawn when it is taken."""
    return not resource["metadata"].get("name")


def created(resource: Resource, key: Key, now: str) -> Resource:
    """The resource as it is first stored: stamped, and without a status where status is a subresource."""
    given = resource.get("metadata") or {}
    metadata = _clean(given)
    metadata.update(name=key.name, uid=str(uuid.uuid4()), creationTimestamp=now, generation=1)
    metadata.pop("deletionTimestamp", None)
    metadata.pop("deletionGracePeriodSeconds", None)
    metadata.pop("namespace", None)
    if key.namespace:
        metadata["namespace"] = key.namespace
    body = {"apiVersion": key.type.api_version, "kind": key.type.kind, **resource, "metadata": metadata}
    if key.type.has_status:
        body.pop("status", None)
    return body


def updated(old: Resource, new: Resource, type: ResourceType, *, status: bool) -> Resource:
    """The resource after an update of all but its status, or of its status alone; `old` itself when nothing changed.

    Raises InvalidError, NotFoundError.
    """
    body = _with_status(old, new, type) if status else _with_content(old, new, type)
    return old if body == old else body


def _with_status(old: Resource, new: Resource, type: ResourceType) -> Resource:
    if not type.has_status:
        raise NotFoundError(f"{type.kind} has no status of its own; update the whole resource")
    body = {key: value for key, value in old.items() if key != "status"}
    return {**body, "status": new["status"]} if new.get("status") is not None else body


def _with_content(old: Resource, new: Resource, type: ResourceType) -> Resource:
    body = {"apiVersion": old["apiVersion"], "kind": old["kind"], **new}
    body["metadata"] = _merged_metadata(old["metadata"], new.get("metadata") or {})
    if type.has_status:
        body.pop("status", None)
        if "status" in old:
            body["status"] = old["status"]
    if _content(body) != _content(old):
        body["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
    return body


def _merged_metadata(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    metadata = _clean(new)
    for name in _OWNED_BY_STORE:
        metadata.pop(name, None)
        if name in old:
            metadata[name] = old[name]
    added = set(metadata.get("finalizers", ())) - set(old.get("finalizers", ()))
    if added and "deletionTimestamp" in old:
        reason = f"can't get {', '.join(sorted(added))}: the resource is being deleted"
        raise InvalidError(old["name"], [Problem("metadata.finalizers", reason)])
    return metadata


def _clean(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in metadata.items()
        if key not in _DROPPED and (value or key not in _LEFT_OUT_WHEN_EMPTY)
    }


def _content(body: Resource) -> Resource:
    return {key: value for key, value in body.items() if key not in ("metadata", "status", "apiVersion", "kind")}


def deleting(old: Resource, propagation: str, now: str) -> Resource:
    """The resource once its deletion is asked for; it may go at once when no finalizer is left on it."""
    metadata = dict(old["metadata"])
    finalizers = [name for name in metadata.pop("finalizers", ()) if name not in _GARBAGE_COLLECTION]
    if propagation == "Foreground":
        finalizers.append(FOREGROUND)
    if propagation == "Orphan":
        finalizers.append(ORPHAN)
    metadata.update(deletionTimestamp=now, deletionGracePeriodSeconds=0)
    metadata["generation"] = metadata.get("generation", 0) + 1
    if finalizers:
        metadata["finalizers"] = finalizers
    return {**old, "metadata": metadata}


def without_finalizer(old: Resource, finalizer: str) -> Resource:
    """The resource with one finalizer less."""
    rest = [name for name in old["metadata"].get("finalizers", ()) if name != finalizer]
    return _with_metadata(old, "finalizers", rest)


def without_owners(old: Resource, uids: set[str]) -> Resource:
    """The resource with some ownerReferences less."""
    rest = [owner for owner in owners(old) if owner.get("uid") not in uids]
    return _with_metadata(old, "ownerReferences", rest)


def _with_metadata(old: Resource, name: str, value: list[Any]) -> Resource:
    metadata = {key: each for key, each in old["metadata"].items() if key != name}
    if value:
        metadata[name] = value
    return {**old, "metadata": metadata}


def owners(body: Resource) -> list[dict[str, Any]]:
    """Its ownerReferences."""
    return list(body["metadata"].get("ownerReferences") or ())


def is_deleting(body: Resource) -> bool:
    """Whether its deletion was asked for."""
    return "deletionTimestamp" in body["metadata"]


def may_go(body: Resource) -> bool:
    """Whether it is being deleted and nothing holds it any more."""
    return is_deleting(body) and not body["metadata"].get("finalizers")


def has_finalizer(body: Resource, finalizer: str) -> bool:
    """Whether this finalizer is on it."""
    return finalizer in (body["metadata"].get("finalizers") or ())


def check_uid(key: Key, body: Resource, uid: str) -> None:
    """Raises ConflictError when the caller means another resource of this name."""
    if uid and uid != body["metadata"]["uid"]:
        raise ConflictError(f"{key}: uid is {body['metadata']['uid']}, not {uid}: it was deleted and made anew")


def check_version(key: Key, current: int, wanted: str) -> None:
    """Raises ConflictError when the caller saw another version."""
    if wanted and wanted != str(current):
        reason = f"it has changed since version {wanted} (now {current}); read it again and redo the change"
        raise ConflictError(f"{key}: {reason}")


def timestamp(now: datetime) -> str:
    """RFC 3339 in seconds, as Kubernetes writes it."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
