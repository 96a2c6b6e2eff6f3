"""Reads the Kubernetes protobuf bodies that kubectl sends for core kinds (`kubectl create secret`, `auth can-i`).

kubectl writes core kinds in this form without asking what the server takes, and everything else as JSON; so only the
few messages below are known, and answers are always JSON. Source of the field numbers: `generated.proto` of k8s.io/api
and k8s.io/apimachinery.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from kabanero.api.status import unsupported_media

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 16
Scalar = Literal["text", "whole", "truth", "time", "bytes"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its JSON name, its type, and whether it is a list or a map of text to that type."""

    name: str
    type: Scalar | Fields
    form: Literal["one", "list", "map"] = "one"


Fields = dict[int, Field]


def _texts(*names: str, first: int = 1) -> Fields:
    return {number: Field(name, "text") for number, name in enumerate(names, first)}


_OWNER: Fields = {
    1: Field("kind", "text"),
    3: Field("name", "text"),
    4: Field("uid", "text"),
    5: Field("apiVersion", "text"),
    6: Field("controller", "truth"),
    7: Field("blockOwnerDeletion", "truth"),
}
_META: Fields = _texts("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion") | {
    7: Field("generation", "whole"),
    8: Field("creationTimestamp", "time"),
    9: Field("deletionTimestamp", "time"),
    10: Field("deletionGracePeriodSeconds", "whole"),
    11: Field("labels", "text", "map"),
    12: Field("annotations", "text", "map"),
    13: Field("ownerReferences", _OWNER, "list"),
    14: Field("finalizers", "text", "list"),
}
_OBJECT: Fields = {1: Field("metadata", _META)}
_REFERENCE = _texts("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_SERIES: Fields = {1: Field("count", "whole"), 2: Field("lastObservedTime", "time")}
_RESOURCE = _texts("namespace", "verb", "group", "version", "resource", "subresource", "name")
_ACCESS: Fields = {
    1: Field("resourceAttributes", _RESOURCE),
    2: Field("nonResourceAttributes", _texts("path", "verb")),
}
MESSAGES: dict[str, Fields] = {
    "Namespace": _OBJECT
    | {
        2: Field("spec", {1: Field("finalizers", "text", "list")}),
        3: Field("status", _texts("phase")),
    },
    "Secret": _OBJECT
    | {
        2: Field("data", "bytes", "map"),
        3: Field("type", "text"),
        4: Field("stringData", "text", "map"),
        5: Field("immutable", "truth"),
    },
    "ConfigMap": _OBJECT
    | {
        2: Field("data", "text", "map"),
        3: Field("binaryData", "bytes", "map"),
        4: Field("immutable", "truth"),
    },
    "Event": _OBJECT
    | {
        2: Field("involvedObject", _REFERENCE),
        3: Field("reason", "text"),
        4: Field("message", "text"),
        5: Field("source", _texts("component", "host")),
        6: Field("firstTimestamp", "time"),
        7: Field("lastTimestamp", "time"),
        8: Field("count", "whole"),
        9: Field("type", "text"),
        10: Field("eventTime", "time"),
        11: Field("series", _SERIES),
        12: Field("action", "text"),
        13: Field("related", _REFERENCE),
        14: Field("reportingComponent", "text"),
        15: Field("reportingInstance", "text"),
    },
    "DeleteOptions": {
        1: Field("gracePeriodSeconds", "whole"),
        2: Field("preconditions", _texts("uid", "resourceVersion")),
        3: Field("orphanDependents", "truth"),
        4: Field("propagationPolicy", "text"),
        5: Field("dryRun", "text", "list"),
    },
    "SelfSubjectReview": _OBJECT,
    "SelfSubjectAccessReview": _OBJECT | {2: Field("spec", _ACCESS)},
    "SelfSubjectRulesReview": _OBJECT | {2: Field("spec", _texts("namespace"))},
}
_UNKNOWN: Fields = {1: Field("typeMeta", _texts("apiVersion", "kind")), 2: Field("raw", "bytes")}


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object that the body stands for. Raises ApiError 415 for one that can't be read."""
    if not body.startswith(_MAGIC):
        raise unsupported_media("the body is no Kubernetes protobuf: send application/json")
    try:
        envelope = _message(body[len(_MAGIC) :], _UNKNOWN, 0)
        identity = envelope.get("typeMeta", {})
        fields = MESSAGES.get(identity.get("kind", ""))
        if fields is None:
            raise unsupported_media(f"{identity.get('kind')!r:.80} can't be read as protobuf: send application/json")
        return {**identity, **_message(base64.b64decode(envelope.get("raw", "")), fields, 0)}
    except (ValueError, IndexError, OverflowError) as error:
        raise unsupported_media(f"the protobuf body is broken: {error}") from error


def _message(data: bytes, fields: Fields, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    result: dict[str, Any] = {}
    for number, value in _pairs(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.form == "map":
            key, entry = _entry(value, field, depth)
            result.setdefault(field.name, {})[key] = entry
        elif field.form == "list":
            result.setdefault(field.name, []).append(_value(value, field.type, depth))
        elif (single := _value(value, field.type, depth)) not in ("", None):
            result[field.name] = single
    return result


def _entry(value: int | bytes, field: Field, depth: int) -> tuple[str, Any]:
    pair = _message(_bytes(value), {1: Field("key", "text"), 2: Field("value", field.type)}, depth + 1)
    return pair.get("key", ""), pair.get("value", "")


def _value(value: int | bytes, type: Scalar | Fields, depth: int) -> Any:
    if isinstance(type, dict):
        return _message(_bytes(value), type, depth + 1)
    return _SCALARS[type](value)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where text was expected")
    return value


def _whole(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise ValueError("text stands where a number was expected")
    return value - (1 << 64) if value >> 63 else value


def _time(value: int | bytes) -> str | None:
    parts = _message(_bytes(value), {1: Field("seconds", "whole"), 2: Field("nanos", "whole")}, 0)
    if not parts.get("seconds"):
        return None
    moment = datetime.fromtimestamp(parts["seconds"], UTC).replace(microsecond=parts.get("nanos", 0) // 1000)
    return moment.isoformat().replace("+00:00", "Z")


_SCALARS: dict[Scalar, Callable[[int | bytes], Any]] = {
    "text": lambda value: _bytes(value).decode("utf-8"),
    "whole": _whole,
    "truth": lambda value: bool(_whole(value)),
    "time": _time,
    "bytes": lambda value: base64.b64encode(_bytes(value)).decode(),
}


def _pairs(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and raw values. Raises ValueError and IndexError for what is cut off."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, place = _varint(data, place)
            yield number, value
        elif wire in (_BYTES, _FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            if wire == _BYTES:
                size, place = _varint(data, place)
            if place + size > len(data):
                raise ValueError("it is cut off")
            yield number, data[place : place + size]
            place += size
        else:
            raise ValueError(f"wire type {wire} is not used")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), place
    raise ValueError("a number is too long")
