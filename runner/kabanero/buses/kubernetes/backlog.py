"""What is known of events that somebody has still to handle. Filled by `feed`; read by `consuming` and `ledger`.

An event costs a few hundred bytes here. Its packed payload stays only while there is room for it: who delivers it
later asks the API server again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from kabanero.buses.kubernetes.objects import handlings_of, name_in, sequence_of, version_of
from kabanero.model.resource import Resource


@dataclass(slots=True, eq=False)
class Entry:
    """One event: its place, and what is written of its consumers."""

    name: str
    sequence: int
    version: int
    topic: str
    key: str
    size: int
    not_before: str
    parts: tuple[str, ...]
    handlings: dict[str, dict[str, Any]]


def entry_of(body: Resource) -> Entry:
    """What is kept of an object."""
    spec = body["spec"]
    return Entry(
        name_in(body),
        sequence_of(body),
        version_of(body),
        spec.get("topic", ""),
        spec.get("context") or spec.get("path", ""),
        int(spec.get("size", 0)),
        spec.get("notBefore", ""),
        tuple(spec.get("parts", ())),
        handlings_of(body),
    )


class Backlog:
    """All events that are not handled by all who want them. `room` is for packed payloads, in bytes."""

    def __init__(self, room: int) -> None:
        self.entries: dict[str, Entry] = {}
        self._room, self._held = room, 0
        self._specs: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._own: dict[str, int] = {}

    def take_in(self, body: Resource) -> Entry | None:
        """What was heard; None when we have written something newer since."""
        entry = entry_of(body)
        if entry.version < self._own.get(entry.name, 0):
            return None
        self._own.pop(entry.name, None)
        self.entries[entry.name] = entry
        self._hold(entry.name, body["spec"])
        return entry

    def drop(self, name: str) -> None:
        """It is handled by all, or gone."""
        self.entries.pop(name, None)
        self._own.pop(name, None)
        self._let_go(name)

    def wrote(self, entry: Entry, version: int) -> None:
        """What is heard of it from before this version is old."""
        if entry.name in self.entries:
            self._own[entry.name] = version

    def spec(self, name: str) -> dict[str, Any] | None:
        """The event itself, if it is still in memory; it is let go, as it is delivered once as a rule."""
        return self._let_go(name)

    def clear(self) -> None:
        """Nothing is known any more."""
        self.entries.clear()
        self._own.clear()
        self._specs.clear()
        self._held = 0

    def _hold(self, name: str, spec: dict[str, Any]) -> None:
        self._let_go(name)
        if spec.get("parts"):
            return
        self._specs[name] = spec
        self._held += len(spec.get("payload", ""))
        while self._held > self._room:
            self._let_go(next(reversed(self._specs)))

    def _let_go(self, name: str) -> dict[str, Any] | None:
        spec = self._specs.pop(name, None)
        if spec is not None:
            self._held -= len(spec.get("payload", ""))
        return spec
