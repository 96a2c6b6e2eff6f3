"""The job server: a process with Ansible loaded that forks a driver for each job. Started by `server_link`.

It reads jobs from a socket and tells the driver's number; the drivers write their news into a pipe that they inherit.
When the runner is gone it takes no more jobs and ends with its last driver.
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

import orjson

from kabanero.executors.ansible import warm
from kabanero.executors.ansible.driver import drive
from kabanero.executors.ansible.job import Job
from kabanero.executors.ansible.processes import adopt_orphans, kill_strays

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
    while True:
        _reap(drivers)
        readable, _, _ = select.select([connection], [], [], 1.0)
        if readable:
            job = _receive(connection)
            if job is None:
                break
            drivers.add(pid := _fork(job, connection, news_fd))
            connection.sendall(HEADER.pack(pid))
    connection.close()
    os.close(news_fd)
    while drivers:
        _reap(drivers, 0)


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


def _receive(connection: socket.socket) -> Job | None:
    header = _exactly(connection, HEADER.size)
    data = _exactly(connection, HEADER.unpack(header)[0]) if header else b""
    return Job.decoded(data) if data else None


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


def _fork(job: Job, connection: socket.socket, news_fd: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        connection.close()
        play = functools.partial(warm.player, inline=job.inline)
        drive(job, lambda event, task, host: _tell(news_fd, job.ident, event, task, host), play)
        code = 0
    finally:
        os._exit(code)


def _tell(news_fd: int, ident: str, event: str, task: str, host: str) -> None:
    """One line, short enough to be written in one piece beside those of other drivers."""
    line = orjson.dumps([ident, event, task[:200], host[:200]]) + b"\n"
    with contextlib.suppress(OSError):
        os.write(news_fd, line)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
