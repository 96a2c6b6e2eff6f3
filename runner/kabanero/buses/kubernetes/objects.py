"""Events as objects and back. Pure; used by all of the bus.

An event's name is derived from its identity, so that the API server itself recognises a second one. Its place in the
bus is the resourceVersion with which it was made: it rises with every write to etcd and costs no counter. Since a later
write changes it, the first one notes it in the status.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from kabanero.buses.kubernetes.settings import BusSettings
from kabanero.model.errors import InvalidError, Problem
from kabanero.model.events import Event
from kabanero.model.kinds.registry import QUEUED_EVENT
from kabanero.model.resource import Resource

_FAST = 1
_DIGITS = 56


def name_of(event: Event) -> str:
    """The name of the object of this identity."""
    return f"e-{hashlib.sha256(event.identity.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"


def pack(payload: bytes) -> str:
    """Bytes as an object can hold them."""
    return base64.b64encode(gzip.compress(payload, _FAST, mtime=0)).decode()


def unpack(text: str) -> bytes:
    """The other way. Raises ValueError."""
    try:
        return gzip.decompress(base64.b64decode(text, validate=True))
    except (OSError, EOFError) as error:
        raise ValueError(f"its payload can't be read: {error}") from error


def objects_of(event: Event, not_before: datetime | None, settings: BusSettings) -> list[Resource]:
    """What has to be made, in order: parts of a large payload first, the event itself last, as only it counts.

    Raises InvalidError for text that is no text.
    """
    packed, name = pack(event.payload), name_of(event)
    pieces = _pieces(packed, settings.part) if len(packed) > settings.inline else []
    names = _part_names(name, len(pieces))
    spec = _spec(event, not_before, "" if pieces else packed, names)
    made = [_object(part, {"partOf": name, "payload": piece}) for part, piece in zip(names, pieces, strict=True)]
    made.append(_object(name, spec))
    _check(event, made[-1])
    return made


def _pieces(packed: str, size: int) -> list[str]:
    return [packed[start : start + size] for start in range(0, len(packed), size)]


def _part_names(name: str, count: int) -> list[str]:
    """Drawn anew each time: nobody else's leftovers are ever mistaken for ours."""
    drawn = uuid.uuid4().hex[:12]
    return [f"{name}.{drawn}.{number}" for number in range(count)]


def _spec(event: Event, not_before: datetime | None, payload: str, parts: Sequence[str]) -> dict[str, Any]:
    spec = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "topic": event.topic,
        "path": event.path,
        "context": event.context,
        "time": event.time.isoformat(),
        "causes": list(event.causes),
        "notBefore": not_before.isoformat() if not_before else "",
        "size": len(event.payload),
        "payload": payload,
        "parts": list(parts),
    }
    return {key: value for key, value in spec.items() if value}


def _object(name: str, spec: Mapping[str, Any]) -> Resource:
    type = QUEUED_EVENT.type
    return {"apiVersion": type.api_version, "kind": type.kind, "metadata": {"name": name}, "spec": dict(spec)}


def _check(event: Event, made: Resource) -> None:
    try:
        orjson.dumps(made)
    except TypeError as error:
        raise InvalidError(f"event {event.identity!a}", [Problem("", f"can't be stored: {error}")]) from error


def event_of(spec: Mapping[str, Any], packed: str) -> Event:
    """The event of an object. Raises ValueError for an object that is none."""
    return Event(
        id=spec.get("id", ""),
        source=spec.get("source", ""),
        type=spec.get("type", ""),
        topic=spec.get("topic", ""),
        path=spec.get("path", ""),
        time=_time(spec),
        payload=unpack(packed),
        context=spec.get("context", ""),
        causes=tuple(spec.get("causes", ())),
    )


def _time(spec: Mapping[str, Any]) -> datetime:
    time = time_of(spec.get("time", ""))
    if time is None:
        raise ValueError(f"its time can't be read: {spec.get('time', '')!r}")
    return time


def name_in(body: Resource) -> str:
    """The object's name."""
    return str(body["metadata"]["name"])


def version_of(body: Resource) -> int:
    """The version of the object as it is."""
    return int(body["metadata"]["resourceVersion"])


def sequence_of(body: Resource) -> int:
    """The event's place in the bus."""
    return int((body.get("status") or {}).get("sequence") or version_of(body))


def handlings_of(body: Resource) -> dict[str, dict[str, Any]]:
    """What is written of each consumer."""
    return dict((body.get("status") or {}).get("handlings") or {})


def time_of(text: str) -> datetime | None:
    """A time as objects hold it, in UTC where it names no zone; None where it is empty or unreadable."""
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
