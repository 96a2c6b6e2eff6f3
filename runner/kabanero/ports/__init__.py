"""The only interfaces between the engine's side and the world: Store, Bus, Executor, Jobs, Clock.

Controllers and the API server are written against these; `stores/`, `buses/` and `executors/` implement them and
`app` wires them. One contract suite per port (tests/contract) runs over every adapter. Semantics are those of the
weakest adapter: a Kubernetes API server and a message broker share no transaction.
"""

from __future__ import annotations

from kabanero.ports.bus import Bus, Consumer, Delivery, EventQuery, Fate, Handling, Published, StoredEvent
from kabanero.ports.clock import Clock
from kabanero.ports.executor import BEGUN, Executor, Progress, Work, WorkResult, WorkStatus, ignore_progress
from kabanero.ports.jobs import JobOrder, JobPlace, Jobs, JobTicket, always
from kabanero.ports.store import Change, Page, Store, WatchEvent, Write

__all__ = [
    "BEGUN",
    "Bus",
    "Change",
    "Clock",
    "Consumer",
    "Delivery",
    "EventQuery",
    "Executor",
    "Fate",
    "Handling",
    "JobOrder",
    "JobPlace",
    "JobTicket",
    "Jobs",
    "Page",
    "Progress",
    "Published",
    "Store",
    "StoredEvent",
    "WatchEvent",
    "Work",
    "WorkResult",
    "WorkStatus",
    "Write",
    "always",
    "ignore_progress",
]
