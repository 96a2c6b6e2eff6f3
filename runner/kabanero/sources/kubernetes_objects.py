"""What is remembered of an object that is watched, and what changed between two states of it. Pure.

Remembered so that a `modify` has its oldResource: as compressed JSON that is free of secrets already, a tenth to a
quarter of the object's size, as long as the budget has room; without room the object is known, but not what it was.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from kabanero.model.resource import Resource, ResourceType
from kabanero.sources.kubernetes_redacted import TooDeepError, is_secret, redacted

MAX_FIELDS = 100
"""Fields named in changedFields."""
_MAX_STEPS = 16
_NOT_CONTENT = ("apiVersion", "kind", "metadata", "status")
_STAMPS = ("resourceVersion", "generation", "managedFields")
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Seen:
    """One state of an object. `digest` is over all but metadata and status, empty when it isn't known.

    `body` is the object itself, compressed; None for a Secret, one too deep, and where nothing more can be remembered.
    """

    uid: str
    namespace: str
    name: str
    version: str
    generation: int = 0
    digest: bytes = b""
    body: bytes | None = None

    def without_body(self) -> Seen:
        """The same, without what the object was."""
        return Seen(self.uid, self.namespace, self.name, self.version, self.generation, self.digest)

    @property
    def resource(self) -> Resource | None:
        """The object, without secrets."""
        return None if self.body is None else orjson.loads(zlib.decompress(self.body))

    @property
    def number(self) -> int:
        """The version as a number: later states of all objects of a kind have greater ones."""
        return int(self.version) if self.version.isdecimal() else 0


def seen(type: ResourceType, resource: Resource, *, with_body: bool = True) -> Seen:
    """The state of an object."""
    metadata = resource["metadata"]
    return Seen(
        str(metadata.get("uid", "")),
        str(metadata.get("namespace", "")),
        str(metadata.get("name", "")),
        str(metadata.get("resourceVersion", "")),
        int(metadata.get("generation") or 0),
        _digest(resource),
        _body(resource) if with_body and not is_secret(type) else None,
    )


def _digest(resource: Resource) -> bytes:
    content = {name: value for name, value in resource.items() if name not in _NOT_CONTENT}
    try:
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
    except TypeError:  # Nested too deep.
        return b""


def _body(resource: Resource) -> bytes | None:
    try:
        return zlib.compress(orjson.dumps(redacted(resource)), 1)
    except (TooDeepError, TypeError):
        return None


def spec_changed(before: Seen | None, now: Seen) -> bool:
    """Whether anything but metadata and status differs; True where that can't be known any more."""
    if before and before.digest and now.digest:
        return before.digest != now.digest
    if before and before.generation and now.generation:
        return before.generation != now.generation
    return now.generation != 1


def changed_fields(before: Seen | None, now: Seen) -> str:
    """Paths of the fields that differ, separated by blanks: `spec.replicas spec.template.spec.containers[0].image`."""
    old, new = before.resource if before else None, now.resource
    if old is None or new is None:
        return ""
    found: list[str] = []
    for path in _differences(old, new, "", 0):
        found.append(path.replace(" ", "_"))
        if len(found) == MAX_FIELDS:
            break
    return " ".join(found)


def _differences(old: Any, new: Any, path: str, steps: int) -> Iterator[str]:
    if old == new:
        return
    if steps < _MAX_STEPS and isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            if path != "metadata" or name not in _STAMPS:
                here = f"{path}.{name}" if path else str(name)
                yield from _differences(old.get(name, _ABSENT), new.get(name, _ABSENT), here, steps + 1)
    elif steps < _MAX_STEPS and isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            was, now = (each[index] if index < len(each) else _ABSENT for each in (old, new))
            yield from _differences(was, now, f"{path}[{index}]", steps + 1)
    else:
        yield path


class Budget:
    """How many bytes may be remembered in all; shared by all watches."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def taken(self, state: Seen) -> Seen:
        """The state as it may be remembered: with its body where there is room."""
        size = len(state.body or b"")
        if size > self._left:
            return state.without_body()
        self._left -= size
        return state

    def give_back(self, state: Seen | None) -> None:
        """The state is forgotten."""
        self._left += len(state.body or b"") if state else 0


class Remembered:
    """The objects of one watch, by uid."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._objects: dict[str, Seen] = {}

    @property
    def objects(self) -> Mapping[str, Seen]:
        """All of them."""
        return self._objects

    def put(self, state: Seen) -> Seen | None:
        """Remembers a state; returns the one before."""
        before = self.drop(state.uid)
        self._objects[state.uid] = self._budget.taken(state)
        return before

    def drop(self, uid: str) -> Seen | None:
        """Forgets an object; returns what was remembered."""
        before = self._objects.pop(uid, None)
        self._budget.give_back(before)
        return before

    def clear(self) -> None:
        """Forgets all."""
        for uid in list(self._objects):
            self.drop(uid)
