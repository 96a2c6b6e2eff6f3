"""Changes of objects, and the events that tell of them. Pure.

Identity comes from the object alone, so that a replica that sees the same change, or the same runner after a restart,
adds nothing: an object is created and deleted once (its uid), and modified once for each of its versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from kabanero.model.events import Event
from kabanero.model.kubernetes_events import CREATE, DELETE, MODIFY, SOURCE
from kabanero.model.resource import Resource, ResourceType
from kabanero.model.topics import Topic
from kabanero.sources.kubernetes_objects import Seen, changed_fields, spec_changed
from kabanero.sources.kubernetes_redacted import is_secret

PAYLOAD_LIMIT = 512 * 1024
"""Bytes of JSON that resource and oldResource may have together; beyond, they are left out."""
NO_NAMESPACE = "-"
_KEPT_OF_HUGE = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")


@dataclass(frozen=True, slots=True)
class Changed:
    """What happened to one object. `now` of a deletion is its last state; `before` None: it isn't known."""

    event_type: str
    type: ResourceType
    now: Seen
    before: Seen | None = None

    @property
    def identity(self) -> str:
        """Names this change among all of the kind, whoever sees it."""
        version = f"/{self.now.version}" if self.event_type == MODIFY else ""
        return f"{self.now.uid}{version}/{self.event_type}"

    @property
    def spec_changed(self) -> bool:
        """Whether more than metadata and status was modified."""
        return self.event_type == MODIFY and spec_changed(self.before, self.now)

    def head(self) -> dict[str, str]:
        """The attributes that tell whether anybody could want the event."""
        found = {
            "eventType": self.event_type,
            "eventName": self.event_type,
            "apiVersion": self.type.api_version,
            "kind": self.type.kind,
            "namespace": self.now.namespace,
            "name": self.now.name,
        }
        if not self.type.namespaced:
            del found["namespace"]
        return found | ({"specChanged": str(self.spec_changed).lower()} if self.event_type == MODIFY else {})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a kind's objects as of a version; `complete`: an object that is not among them was not there.

    `time` (RFC 3339) is when it was known, for telling new objects from old ones where it is not complete.
    """

    objects: Mapping[str, Seen]
    number: int = 0
    time: str = ""
    complete: bool = True


def differences(type: ResourceType, known: Known, items: Iterable[tuple[Seen, str]]) -> list[Changed]:
    """What happened between what is known and what is there now (each with its creationTimestamp), oldest first.

    What was created and deleted in between is not among them, and of several changes of an object only one.
    """
    there = dict(items)
    uids = {state.uid for state in there}
    gone = [Changed(DELETE, type, state, state) for uid, state in known.objects.items() if uid not in uids]
    changed = [_change(type, known, *each) for each in there.items()]
    return gone + sorted(filter(None, changed), key=lambda each: each.now.number)


def _change(type: ResourceType, known: Known, now: Seen, created: str) -> Changed | None:
    before = known.objects.get(now.uid)
    if before is None and (known.complete or created >= known.time):
        return Changed(CREATE, type, now)
    same = now.version == before.version if before and before.version else now.number <= known.number
    return None if same else Changed(MODIFY, type, now, before)


# --- events ---


def event_of(changed: Changed, instance: str, now: datetime) -> Event:
    """The event that tells of a change."""
    attributes: dict[str, Any] = {**changed.head(), "uid": changed.now.uid}
    if changed.now.generation:
        attributes["generation"] = changed.now.generation
    bodies: dict[str, Resource | None] = {}
    if changed.event_type == MODIFY:
        attributes["changedFields"] = changed_fields(changed.before, changed.now)
    if not is_secret(changed.type):
        bodies = {"resource": changed.now.resource or cut(changed.type, changed.now)}
        if changed.event_type == MODIFY and changed.before and changed.before.body is not None:
            bodies["oldResource"] = changed.before.resource
        if changed.now.body is None:
            attributes["leftOut"] = "resource"
    return Event(
        id=changed.identity,
        source=f"{SOURCE}{group_kind(changed.type)}",
        type=f"io.kabanero.kubernetes.{changed.event_type}",
        topic=Topic.KUBERNETES_API,
        path=path_of(instance, changed.type, changed.now),
        time=now,
        payload=payload(attributes, bodies, cut(changed.type, changed.now)),
    )


def group_kind(type: ResourceType) -> str:
    """A kind with its group: `Deployment.apps`, `ConfigMap`."""
    return f"{type.kind}.{type.group}" if type.group else type.kind


def path_of(instance: str, type: ResourceType, state: Seen) -> str:
    """The topic path of an object; events of one object are delivered in order."""
    return f"/{instance}/kubernetes/{state.namespace or NO_NAMESPACE}/{group_kind(type)}/{state.name}"


def cut(type: ResourceType, state: Seen) -> Resource:
    """What stands in an event for an object that is too big."""
    metadata: dict[str, Any] = {"name": state.name, "uid": state.uid, "resourceVersion": state.version}
    if state.namespace:
        metadata["namespace"] = state.namespace
    if state.body is not None and (whole := state.resource):
        metadata = {name: whole["metadata"][name] for name in _KEPT_OF_HUGE if name in whole["metadata"]}
    return {"apiVersion": type.api_version, "kind": type.kind, "metadata": metadata}


def payload(attributes: Mapping[str, Any], bodies: Mapping[str, Resource | None], instead: Resource) -> bytes:
    """The event's data as JSON. Of bodies too big the old one is left out first; `leftOut` says what was."""
    kept = {name: orjson.dumps(body) for name, body in bodies.items() if body is not None}
    left_out = [str(attributes["leftOut"])] if "leftOut" in attributes else []
    for name in ("oldResource", "resource"):
        if name in kept and sum(map(len, kept.values())) > PAYLOAD_LIMIT:
            left_out.append(name)
            del kept[name]
            if name == "resource":
                kept[name] = orjson.dumps(instead)
    more = {"leftOut": " ".join(left_out)} if left_out else {}
    return b"".join(_joined(orjson.dumps({**attributes, **more}), kept))


def _joined(attributes: bytes, bodies: Mapping[str, bytes]) -> Iterator[bytes]:
    yield attributes[:-1]
    for name, body in bodies.items():
        yield b',"%s":' % name.encode()
        yield body
    yield b"}"
