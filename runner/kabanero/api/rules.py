"""Rules between an old and a new version of a resource, and what core kinds are stored as.

Validation (`model.validation`) looks at one resource alone. What may change in kinds of our own is said in
`model.kinds.changes`, for clusters too.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from kabanero.api.jsonpath import compile_path
from kabanero.model.errors import Problem
from kabanero.model.kinds.core import CONFIG_MAP, NAMESPACE, SECRET
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.resource import Resource, ResourceType

# A namespace is removed by its finalizer: when all that lives in it is gone.
CONTENTS_FINALIZER = "kabanero.io/contents"
NAME_LABEL = "kubernetes.io/metadata.name"
_FIXED = {SECRET: ((".type", "delete it and create it again"),)}
_CONTENT = {SECRET: (".data",), CONFIG_MAP: (".data", ".binaryData")}


def change_problems(type: ResourceType, old: Resource, new: Resource) -> Iterator[Problem]:
    """Changes that the type does not allow."""
    for path, fix in _FIXED.get(type, ()):
        if _at(old, path) != _at(new, path):
            yield Problem(path[1:], "can't be changed", fix)
    for rule in BY_KIND[type.kind].changes if type.kind in BY_KIND else ():
        if rule.broken(old, new):
            yield rule.problem(new)
    if old.get("immutable") is True:
        yield from _content_problems(type, old, new)


def _content_problems(type: ResourceType, old: Resource, new: Resource) -> Iterator[Problem]:
    for path in (*_CONTENT.get(type, ()), ".immutable"):
        if _at(old, path) != _at(new, path):
            yield Problem(path[1:], "can't be changed, since immutable is true", "delete it and create it again")


def _at(resource: Resource, path: str) -> Any:
    return compile_path(path)(resource) or None


def as_stored(type: ResourceType, resource: Resource) -> Resource:
    """A core resource as it is stored: stringData folded in, defaults set. Others stay as they were written."""
    if type == SECRET:
        return _secret(resource)
    return _namespace(resource) if type == NAMESPACE else resource


def _secret(resource: Resource) -> Resource:
    texts = resource.get("stringData") or {}
    encoded = {key: base64.b64encode((text or "").encode()).decode() for key, text in texts.items()}
    data = {key: value or "" for key, value in (resource.get("data") or {}).items()} | encoded
    stored = {key: value for key, value in resource.items() if key != "stringData"}
    stored["type"] = stored.get("type") or "Opaque"
    return stored | ({"data": data} if data else {})


def _namespace(resource: Resource) -> Resource:
    meta = resource["metadata"]
    finalizers = meta.get("finalizers") or []
    if not meta.get("deletionTimestamp") and CONTENTS_FINALIZER not in finalizers:
        finalizers = [*finalizers, CONTENTS_FINALIZER]
    labels = (meta.get("labels") or {}) | ({NAME_LABEL: meta["name"]} if meta.get("name") else {})
    return resource | {"metadata": meta | {"finalizers": finalizers, "labels": labels}}
