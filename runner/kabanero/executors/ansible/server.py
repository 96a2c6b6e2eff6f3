"""The job server: a process with Ansible loaded that forks a driver for each job. Started by `server_link`.

It reads jobs from a socket and tells the driver's number; the drivers write their news into a pipe that they inherit.
A job that needs no playbook goes to a driver that stays. When the runner is gone the server takes no more jobs and ends
with its last driver.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable

import orjson

from kabanero.executors.ansible import direct, warm
from kabanero.executors.ansible.driver import drive
from kabanero.executors.ansible.job import Job
from kabanero.executors.ansible.observing import ENDED
from kabanero.executors.ansible.processes import adopt_orphans, forked, kill_strays
from kabanero.executors.ansible.residents import DONE, Residents

HEADER = struct.Struct("!I")
READY = b"ready\n"


def main(jobs_fd: int, news_fd: int) -> None:
    """Serves until the runner is gone and no driver is left."""
    os.setsid()
    warm.load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    adopt_orphans()
    connection = socket.socket(fileno=jobs_fd)
    connection.sendall(READY)
    drivers: set[int] = set()
    _serve(connection, news_fd, drivers)
    connection.close()
    os.close(news_fd)
    while drivers:
        _reap(drivers, 0)


def _serve(connection: socket.socket, news_fd: int, drivers: set[int]) -> None:
    """Until the runner is gone."""

    def apart() -> None:
        connection.close()
        residents.close()

    residents = Residents(lambda way: _reside(way, news_fd), apart)
    while True:
        _reap(drivers)
        readable, _, _ = select.select([connection, *residents.ways()], [], [], 1.0)
        for way in readable:
            if way is not connection:
                residents.heard(way)
        if connection in readable:
            message = _receive(connection)
            if not message:
                break
            job = Job.decoded(message[HEADER.size :])
            pid = residents.give(message) if direct.knows(job) else _fork(job, apart, news_fd)
            drivers.add(pid)
            connection.sendall(HEADER.pack(pid))
    residents.close()


def _reap(drivers: set[int], options: int = os.WNOHANG) -> None:
    """Takes in what has ended; a driver that was killed leaves Ansible's workers, which nobody else would end."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, options)
            if not pid:
                return
            if pid in drivers:
                drivers.discard(pid)
                if os.WIFSIGNALED(status):
                    kill_strays(drivers)
                if not drivers:
                    return


def _receive(connection: socket.socket) -> bytes:
    """A job with its header, as it came; nothing when the other side is gone."""
    header = _exactly(connection, HEADER.size)
    data = _exactly(connection, HEADER.unpack(header)[0]) if header else b""
    return header + data if data else b""


def _exactly(connection: socket.socket, length: int) -> bytes:
    """So many bytes, or none when the other side is gone."""
    parts = []
    while length:
        try:
            part = connection.recv(length)
        except ConnectionError:
            return b""
        if not part:
            return b""
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _fork(job: Job, apart: Callable[[], None], news_fd: int) -> int:
    def work() -> None:
        apart()
        _drive(job, news_fd)

    return forked(work)


def _reside(way: socket.socket, news_fd: int) -> None:
    """A resident's life. Who finds that another has begun its job ends: that is how its end is told then."""
    while message := _receive(way):
        job = Job.decoded(message[HEADER.size :])
        if not _drive(job, news_fd):
            break
        try:
            way.sendall(DONE)  # First, so that the server knows who rests before the runner sends another job.
        except OSError:
            break
        _tell(news_fd, job.ident, ENDED, "", "")
    direct.close()


def _drive(job: Job, news_fd: int) -> bool:
    play = functools.partial(warm.player, inline=job.inline)
    return drive(job, lambda event, task, host: _tell(news_fd, job.ident, event, task, host), play)


def _tell(news_fd: int, ident: str, event: str, task: str, host: str) -> None:
    """One line, short enough to be written in one piece beside those of other drivers."""
    line = orjson.dumps([ident, event, task[:200], host[:200]]) + b"\n"
    with contextlib.suppress(OSError):
        os.write(news_fd, line)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
