"""Checks names, labels and annotations by Kubernetes' rules and names the legal form. Used by `validation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kabanero.model.errors import Problem
from kabanero.model.names import is_label, is_label_key, is_label_value, is_subdomain, legal_name
from kabanero.model.wording import field_path, found

_ANNOTATION_BYTES = 256 * 1024
_CHARACTERS = "lower-case letters, digits, - and ., a letter or digit at both ends, 253 characters at most"
_LABEL_CHARACTERS = "lower-case letters, digits and -, a letter or digit at both ends, 63 characters at most"
_VALUE_CHARACTERS = "letters, digits, -, _ and ., a letter or digit at both ends, 63 characters at most"


def metadata_problems(kind: str, about: Mapping[str, Any]) -> list[Problem]:
    """Problems of an object's metadata whose types are right already."""
    return [*_names(kind, about), *_labels(about.get("labels") or {}), *_annotations(about.get("annotations") or {})]


def _names(kind: str, about: Mapping[str, Any]) -> Iterator[Problem]:
    name, prefix, namespace = (str(about.get(key) or "") for key in ("name", "generateName", "namespace"))
    plain = kind == "Namespace"
    if not name and not prefix:
        yield Problem("metadata.name", "is missing", "add a name, or generateName for a name made by the server")
    if name and not (is_label(name) if plain else is_subdomain(name)):
        yield _illegal("metadata.name", name, plain)
    if prefix and not is_subdomain(prefix.rstrip("-.")):
        yield _illegal("metadata.generateName", prefix, plain)
    if namespace and plain:
        yield Problem("metadata.namespace", "a Namespace lives in no namespace", "remove it")
    elif namespace and not is_label(namespace):
        yield _illegal("metadata.namespace", namespace, True)


def _illegal(path: str, name: str, plain: bool) -> Problem:
    allowed = _LABEL_CHARACTERS if plain else _CHARACTERS
    legal = legal_name(name, dots=not plain)
    return Problem(path, f"may hold only {allowed}: it is {found(name)}", f"{legal} would do" if legal else "")


def _labels(labels: Mapping[str, str]) -> Iterator[Problem]:
    for key, value in labels.items():
        path = field_path("metadata.labels", (key,))
        if not is_label_key(key):
            yield Problem(path, f"is no legal key: [prefix/]name, where the name may hold {_VALUE_CHARACTERS}")
        if not is_label_value(value):
            legal = legal_name(value, dots=False)
            yield Problem(path, f"may hold only {_VALUE_CHARACTERS}: it is {found(value)}", f"{legal} would do")


def _annotations(annotations: Mapping[str, str]) -> Iterator[Problem]:
    for key in annotations:
        if not is_label_key(key):
            path = field_path("metadata.annotations", (key,))
            yield Problem(path, f"is no legal key: [prefix/]name, where the name may hold {_VALUE_CHARACTERS}")
    size = sum(len(key) + len(value.encode()) for key, value in annotations.items())
    if size > _ANNOTATION_BYTES:
        yield Problem("metadata.annotations", f"are {size} bytes long, {_ANNOTATION_BYTES} are possible")
