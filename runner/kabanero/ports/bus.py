"""The port of events. See the package for the rules that all ports share."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kabanero.model.events import Event


@dataclass(frozen=True, slots=True)
class Published:
    """`sequence` rises with every event of the bus. `duplicate`: this identity was there before; nothing was added."""

    sequence: int
    duplicate: bool


class Fate(enum.StrEnum):
    """What became of an event for one consumer."""

    PENDING = "Pending"
    HANDLED = "Handled"
    DEAD = "Dead"


@dataclass(frozen=True, slots=True)
class Handling:
    """What one consumer did with one event: `note` is its own word (which runs were started, why it gave up)."""

    consumer: str
    fate: Fate
    attempts: int = 0
    note: str = ""
    next_attempt: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the bus keeps it, with what its consumers did with it."""

    sequence: int
    event: Event
    handlings: tuple[Handling, ...] = ()


class Delivery(Protocol):
    """One event handed to one consumer. Exactly one of ack, retry and dead must be called."""

    @property
    def event(self) -> Event:
        """What happened."""

    @property
    def sequence(self) -> int:
        """Its place in the bus."""

    @property
    def attempt(self) -> int:
        """1 for the first time; a crash of the consumer counts as an attempt only when the bus can tell."""

    async def ack(self, note: str = "") -> None:
        """Done; never delivered to this consumer again. May return before it is durable: redelivery is harmless."""

    async def retry(self, reason: str) -> None:
        """Deliver again after a growing back-off; past the last attempt it is dead with this reason."""

    async def dead(self, reason: str) -> None:
        """Can't be handled: to the dead letters, with the reason, from where it can be replayed."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of the bus, by name. Reads events of `topics`, or of all topics but `but_not`."""

    name: str
    topics: frozenset[str] = frozenset()
    but_not: frozenset[str] = frozenset()
    max_in_flight: int = 256
    max_attempts: int = 8

    def wants(self, topic: str) -> bool:
        """Whether an event of this topic is delivered to it."""
        return topic in self.topics if self.topics else topic not in self.but_not


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Selects kept events. Empty fields select all; `before`/`after` are sequences, exclusive; newest first."""

    id: str = ""
    topic: str = ""
    path_glob: str = ""
    context: str = ""
    fate: Fate | None = None
    consumer: str = ""
    after: int = 0
    before: int = 0
    limit: int = 100


class Bus(Protocol):
    """Events, at least once, in order per ordering key, with redelivery, dead letters and replay.

    Raises BusUnavailableError when events can't be made durable.
    """

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        """Durable when it returns; concurrent calls share a commit. `not_before` holds delivery back: a timer."""

    def subscribe(self, consumer: Consumer) -> AsyncIterator[Delivery]:
        """Deliveries for a consumer, what is not acknowledged yet first. A new consumer starts at the oldest event.

        While one event of an ordering key is in flight or backs off, later ones of that key wait.
        """

    async def find(self, query: EventQuery) -> Sequence[StoredEvent]:
        """Kept events, newest first."""

    async def replay(self, query: EventQuery, *, consumer: str = "") -> int:
        """Delivers selected events once more to one consumer or to all that want them; returns how many."""

    async def close(self) -> None:
        """Ends subscriptions and releases what is held."""
