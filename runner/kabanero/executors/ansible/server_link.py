"""The runner's end of the job server: starts it, hands it jobs, hears news, and starts another when it is gone.

Used by `executor`. One job server stands for one state of Ansible's configuration; when ansible.cfg changes, the next
job gets a new one, and the old one ends with its last driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from kabanero.executors.ansible.job import Job
from kabanero.model.errors import ExecutorUnavailableError

log = logging.getLogger(__name__)
HEADER = struct.Struct("!I")
READY_SECONDS = 30.0
REST_SECONDS = 60.0
"""After a server that could not be started, jobs run cold for so long."""
LONGEST_LINE = 1 << 16
News = Callable[[str, str, str, str], None]


class ServerLink:
    """At most one job server. `news(ident, event, task, host)`."""

    def __init__(self, folder: Path, environment: Mapping[str, str], errors: Path, news: News) -> None:
        self._folder, self._environment, self._errors, self._news = folder, environment, errors, news
        self._lock = asyncio.Lock()
        self._server: _Server | None = None
        self._rest_until = 0.0

    async def start(self, job: Job) -> int | None:
        """Has a driver forked; returns its number, or None when the job has to run cold."""
        async with self._lock:
            if asyncio.get_running_loop().time() < self._rest_until:
                return None
            known = self._server
            pid = await self._forked(job)
            if pid is None and known:
                pid = await self._forked(job)  # It had died since the last job; a new one has no such past.
            if pid is None:
                self._rest_until = asyncio.get_running_loop().time() + REST_SECONDS
            return pid

    async def _forked(self, job: Job) -> int | None:
        try:
            server = await self._current()
            return await server.fork(job)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.warning("The job server is not there (%s: %s)", type(error).__name__, error)
            await self._drop()
            return None
        except asyncio.CancelledError:
            await self._drop()  # Its answer would be taken for that to the next job.
            raise

    async def prepare(self) -> None:
        """Starts the server ahead of the first job."""
        async with self._lock:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._current()

    async def close(self) -> None:
        """Lets go of the server, which ends with its last driver."""
        async with self._lock:
            await self._drop()

    async def _current(self) -> _Server:
        state = _configuration(self._folder)
        if self._server and (self._server.state != state or self._server.gone):
            await self._drop()
        if self._server is None:
            self._server = await _Server.started(state, self._folder, self._environment, self._errors, self._news)
        return self._server

    async def _drop(self) -> None:
        if self._server:
            server, self._server = self._server, None
            await server.close()


def _configuration(folder: Path) -> tuple[int, int]:
    """What a job server has read at its start and does not read again."""
    try:
        stat = (folder / "ansible.cfg").stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


class _Server:
    def __init__(self, state: tuple[int, int], process: subprocess.Popen[bytes], news: News) -> None:
        self.state, self._process, self._news = state, process, news
        self._rest = b""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _news_fd: int

    @classmethod
    async def started(
        cls, state: tuple[int, int], folder: Path, environment: Mapping[str, str], errors: Path, news: News
    ) -> _Server:
        ours, theirs = socket.socketpair()
        news_read, news_write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(news_read, False)
        module = [sys.executable, "-m", "kabanero.executors.ansible.server"]
        with theirs, errors.open("ab") as out:
            process = subprocess.Popen(  # noqa: ASYNC220  (a millisecond, once)
                [*module, str(theirs.fileno()), str(news_write)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=folder,
                env={**os.environ, **environment},
                pass_fds=(theirs.fileno(), news_write),
            )
        os.close(news_write)
        server = cls(state, process, news)
        await server._connect(ours, news_read)
        return server

    async def _connect(self, ours: socket.socket, news_read: int) -> None:
        self._news_fd = news_read
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        asyncio.get_running_loop().add_reader(news_read, self._hear)
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._reader.readexactly(len(b"ready\n"))
        except BaseException:
            await self.close()
            raise

    @property
    def gone(self) -> bool:
        return self._process.poll() is not None

    async def fork(self, job: Job) -> int:
        data = job.encoded()
        self._writer.write(HEADER.pack(len(data)) + data)
        async with asyncio.timeout(READY_SECONDS):
            (pid,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        return int(pid)

    def _hear(self) -> None:
        try:
            data = os.read(self._news_fd, LONGEST_LINE)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._news_fd)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._news(*orjson.loads(line))

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._news_fd)
        os.close(self._news_fd)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def start_cold(job: Job, environment: Mapping[str, str], errors: Path) -> int:
    """Starts a driver by itself; returns its number. Raises ExecutorUnavailableError."""
    try:
        return await asyncio.to_thread(_start_cold, job, environment, errors)
    except OSError as error:
        raise ExecutorUnavailableError(f"no process for {job.ident}: {error}") from error


_cold: list[subprocess.Popen[bytes]] = []


def _start_cold(job: Job, environment: Mapping[str, str], errors: Path) -> int:
    _cold[:] = [each for each in _cold if each.poll() is None]
    with errors.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "kabanero.executors.ansible.cold"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            cwd=job.project_dir,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    _cold.append(process)
    assert process.stdin
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(job.encoded())
    return process.pid
