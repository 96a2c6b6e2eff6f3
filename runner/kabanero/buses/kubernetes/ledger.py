"""What consumers did, until it is written. Filled by `consuming`, written by `bus` every moment.

Nobody waits for it, since a repetition after a crash is harmless; what several consumers did with one event goes into
one request. An event that all have handled is marked so, or deleted where its topic is not kept.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from kabanero.buses.kubernetes.backlog import Backlog, Entry
from kabanero.buses.kubernetes.consumers import Consumers
from kabanero.buses.kubernetes.objects import version_of
from kabanero.buses.kubernetes.requests import Objects
from kabanero.model.errors import KabaneroError, NotFoundError, TemporaryError
from kabanero.ports import Fate

log = logging.getLogger(__name__)
NOTE_LENGTH = 2000
LAST = sys.maxsize
SETTLED = (Fate.HANDLED.value, Fate.DEAD.value)
Rows = dict[str, dict[str, Any]]


def row(fate: Fate, attempts: int, note: str, due: str = "") -> dict[str, Any]:
    """What is written of a consumer; a field that is empty is taken away."""
    return {"fate": fate.value, "attempts": attempts, "note": note[:NOTE_LENGTH] or None, "due": due or None}


class Ledger:
    """Rows that are not written yet: by event, then by consumer."""

    def __init__(self, objects: Objects, backlog: Backlog, consumers: Consumers, transient: frozenset[str]) -> None:
        self._objects, self._backlog, self._consumers = objects, backlog, consumers
        self._transient = transient
        self._rows: dict[str, tuple[Entry, Rows]] = {}
        self._leaving: dict[str, tuple[Entry, Rows]] = {}
        self._writing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def note(self, entry: Entry, consumer: str, row: dict[str, Any]) -> None:
        """What a consumer did last with an event."""
        self._rows.setdefault(entry.name, (entry, {}))[1][consumer] = row

    def is_open(self, name: str, consumer: str) -> bool:
        """Whether something is not written yet."""
        return any(name in rows and consumer in rows[name][1] for rows in (self._rows, self._leaving))

    def clear(self) -> None:
        """Forgets what could not be written: it will be done again by whoever reads on."""
        self._rows.clear()

    async def write(self) -> None:
        """Writes all down, side by side. Raises TemporaryError; then the rest is kept for the next time."""
        async with self._writing:
            self._leaving, self._rows = self._rows, {}
            results = await asyncio.gather(*map(self._guarded, self._leaving.values()))
            self._leaving = {}
            failures = [each for each in results if each]
        if failures:
            raise failures[0]

    async def _guarded(self, entry_rows: tuple[Entry, Rows]) -> TemporaryError | None:
        entry, rows = entry_rows
        try:
            await self._write(entry, rows)
        except NotFoundError:
            log.debug("Event %s is gone already", entry.name)
        except TemporaryError as error:
            newer = self._rows.get(entry.name, (entry, {}))[1]
            self._rows[entry.name] = (entry, rows | newer)
            return error
        except KabaneroError as error:
            log.error("What became of event %s can't be written: %s", entry.name, error)
        return None

    async def _write(self, entry: Entry, rows: Rows) -> None:
        known = entry.handlings | rows
        fates = [known.get(each.name, {}).get("fate") for each in self._consumers.wanting(entry.topic)]
        settled, dead = all(fate in SETTLED for fate in fates), Fate.DEAD in fates
        if settled and not dead and entry.topic in self._transient:
            await self._objects.delete(entry.name, entry.parts)
            self._backlog.wrote(entry, LAST)
            return
        status: dict[str, Any] = {"sequence": entry.sequence, "handlings": rows}
        if settled:
            status["fate"] = (Fate.DEAD if dead else Fate.HANDLED).value
        if dead:
            status["dead"] = True
        body = await self._objects.patch_status(entry.name, status)
        entry.handlings = known
        self._backlog.wrote(entry, version_of(body))
