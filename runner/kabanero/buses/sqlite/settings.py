"""Every setting of the SQLite bus."""

from __future__ import annotations

from dataclasses import dataclass, field

from kabanero.buses.backoff import Backoff
from kabanero.sqlite.database import DatabaseSettings


@dataclass(frozen=True, slots=True)
class BusSettings:
    """How events are handed out again and how progress is written down.

    flush_seconds: how long an acknowledgement may wait to be written; after a crash what was handled in that time is
        delivered again. 0 writes at once.
    stuck_events: once so many later events were taken, one that is still being handled gets a row of its own, so that
        a crash does not deliver the later ones again; 0 never does.
    """

    backoff: Backoff = field(default_factory=Backoff)
    flush_seconds: float = 0.1
    stuck_events: int = 1000
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
