"""Drivers that stay: each does jobs that need no playbook, one after the other. Used by `server`.

To fork a process of 55 MB costs several times what such a job does. A resident ends when its server is gone, after the
job that it has in hand.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

from kabanero.executors.ansible.processes import forked

RESTING = 2
"""So many wait for the next job; each costs some 10 MB."""
DONE = b"\n"
Work = Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True)
class Resident:
    """A process, and our end of the way to it."""

    pid: int
    way: socket.socket


class Residents:
    """`work(socket)` is what each does until the other end is closed; `apart()` lets go of what is not a child's."""

    def __init__(self, work: Work, apart: Callable[[], None]) -> None:
        self._work, self._apart = work, apart
        self._resting: list[Resident] = []
        self._busy: dict[socket.socket, Resident] = {}

    def give(self, message: bytes) -> int:
        """Hands a job to one that rests, else to a new one; returns its number."""
        while self._resting:
            resident = self._resting.pop()
            with contextlib.suppress(OSError):
                return self._sent(resident, message)
            resident.way.close()
        return self._sent(self._new(), message)

    def _sent(self, resident: Resident, message: bytes) -> int:
        resident.way.sendall(message)
        self._busy[resident.way] = resident
        return resident.pid

    def _new(self) -> Resident:
        ours, theirs = socket.socketpair()

        def work() -> None:
            ours.close()
            self._apart()
            self._work(theirs)

        pid = forked(work)
        theirs.close()
        return Resident(pid, ours)

    def ways(self) -> list[socket.socket]:
        """Where those that are at work are heard."""
        return list(self._busy)

    def heard(self, way: socket.socket) -> None:
        """One is done, or gone."""
        resident = self._busy.pop(way)
        with contextlib.suppress(OSError):
            if way.recv(len(DONE)) and len(self._resting) < RESTING:
                self._resting.append(resident)
                return
        way.close()

    def close(self) -> None:
        """Lets go of all; also what a child does that was forked for something else."""
        for way in [*self._busy, *(each.way for each in self._resting)]:
            way.close()
        self._busy.clear()
        self._resting.clear()
