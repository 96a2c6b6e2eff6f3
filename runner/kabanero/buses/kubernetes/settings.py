"""Every setting of the bus on a Kubernetes API server."""

from __future__ import annotations

from dataclasses import dataclass, field

from kabanero.buses.backoff import Backoff


@dataclass(frozen=True, slots=True)
class BusSettings:
    """Where events lie, how large their objects may be, and how much of them is in memory.

    namespace: where the QueuedEvents are.
    transient: topics whose events are deleted once they are handled, instead of being kept; a dead letter stays.
    inline: longest payload (characters, packed) that lies in the event's own object.
    part: longest piece (characters) of a longer one; etcd takes 1.5 MB in one request.
    flush_seconds: how long an acknowledgement may wait to be written; 0 writes at once.
    unwritten: acknowledgements that may wait; past them nothing more is delivered until they are written.
    remembered: bytes of packed payloads kept in memory between news of an event and its delivery.
    delivered: bytes of payloads that may be in consumers' hands at one time; one event always may.
    page: objects asked for at once.
    """

    namespace: str = "kabanero"
    transient: frozenset[str] = frozenset()
    backoff: Backoff = field(default_factory=Backoff)
    inline: int = 65_536
    part: int = 900_000
    flush_seconds: float = 0.1
    unwritten: int = 1000
    remembered: int = 32_000_000
    delivered: int = 128_000_000
    page: int = 500
