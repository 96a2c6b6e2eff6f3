"""A Kubernetes object as it may stand in an event: without secrets, and without what only the API server reads. Pure.

What is secret is the data of a Secret, wherever it stands: the object itself, a List, an annotation that repeats what
was applied, a manifest inside a text. Used before anything is remembered or published.
"""

from __future__ import annotations

import re
from typing import Any

from kabanero.model.resource import Resource, ResourceType

MAX_DEPTH = 100
"""Levels of nesting that are looked through; the objects of a whole cluster have fewer than 30."""
SECRETS = ("Secret", "SecretList")
REMOVED = "(left out: it holds a Secret)"

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_DATA = ("data", "stringData", "binaryData", "items")
_MANIFEST = re.compile(r"""kind[\\"']{0,8}\s{0,8}:\s{0,8}[\\"']{0,8}Secret(?:List)?\b""")
_DATA = re.compile(r"""(?:data|stringData)[\\"']{0,8}\s{0,8}:""")


class TooDeepError(ValueError):
    """The object is nested deeper than is looked through."""


def is_secret(type: ResourceType) -> bool:
    """Whether objects of a kind are never in an event, whatever they hold. Whose group it is does not matter."""
    return type.kind in SECRETS


def redacted(resource: Resource) -> Resource:
    """A copy without secrets, managedFields and last-applied annotations. Raises TooDeepError."""
    found: Resource = _object(resource, 0)
    return found


def _value(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise TooDeepError
    if isinstance(value, dict):
        return _object(value, depth)
    if isinstance(value, list):
        return [_value(each, depth + 1) for each in value]
    return REMOVED if isinstance(value, str) and holds_secret(value) else value


def _object(value: dict[str, Any], depth: int) -> dict[str, Any]:
    left_out = _SECRET_DATA if value.get("kind") in SECRETS else ()
    found = {name: _value(each, depth + 1) for name, each in value.items() if name not in left_out}
    if isinstance(metadata := found.get("metadata"), dict):
        found["metadata"] = _metadata(metadata, of_secret=bool(left_out))
    return found


def _metadata(metadata: dict[str, Any], *, of_secret: bool) -> dict[str, Any]:
    metadata.pop("managedFields", None)
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict):
        return metadata
    kept = {} if of_secret else {name: text for name, text in annotations.items() if name != _LAST_APPLIED}
    return {**metadata, "annotations": kept} if kept else {k: v for k, v in metadata.items() if k != "annotations"}


def holds_secret(text: str) -> bool:
    """Whether a text has the manifest of a Secret with data in it, in YAML or JSON, also in JSON inside JSON."""
    return "Secret" in text and bool(_MANIFEST.search(text)) and bool(_DATA.search(text))
