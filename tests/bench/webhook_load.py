"""How many webhooks a second are acknowledged and durable, and how long one waits: a table and JSON.

The load comes from this process, over keep-alive connections that each send the next delivery once the last is
answered; the server is another process. Every delivery has an id of its own and a valid signature.

Usage: python -m tests.bench.webhook_load [--bus sqlite|memory] [--url URL --secret SECRET] [--count N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from tests.support.github import SECRET, body_of, headers_for

CONNECTIONS = 64
SIZES = (1_500, 5_000, 20_000, 100_000)
BODIES = 64


@dataclass(frozen=True)
class Measured:
    """One line of the table. Rates per second, times in milliseconds, `load` as in /proc/loadavg."""

    bus: str
    bytes: int
    count: int
    refused: int
    per_second: float
    p50: float
    p99: float
    longest: float
    server_cpu: float
    client_cpu: float
    load: float


class Deliveries:
    """Requests without end: a few bodies, signed once, each time under another X-GitHub-Delivery."""

    def __init__(self, size: int, secret: bytes) -> None:
        self._parts = itertools.cycle([_request_around_id(size, number, secret) for number in range(BODIES)])
        self._prefix = uuid.uuid4().hex.encode()
        self._numbers = itertools.count()

    def next(self) -> bytes:
        """The bytes of one request."""
        before, after = next(self._parts)
        return b"%b%b-%08d%b" % (before, self._prefix, next(self._numbers), after)


def _request_around_id(size: int, number: int, secret: bytes) -> tuple[bytes, bytes]:
    after = f"{number:040x}"
    commit = {"id": after, "message": "Change 12 ä", "added": ["src/a.js"], "url": "x" * 80}
    fixed, each = len(body_of("push", after=after, commits=[])), len(json.dumps(commit))
    body = body_of("push", after=after, commits=[commit] * max(0, (size - fixed) // each))
    headers = headers_for(body, secret=secret) | {"x-github-delivery": "@", "content-length": str(len(body))}
    head = "POST /webhook HTTP/1.1\r\nhost: x\r\nuser-agent: GitHub-Hookshot/044aadd\r\naccept: */*\r\n"
    request = (head + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode() + body
    before, _, after_id = request.partition(b"@")
    return before, after_id


class Client(asyncio.Protocol):
    """One connection: sends the next delivery when the last is answered."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._answer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(exc)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self._load.answered(time.perf_counter() - self._began, self._answer.startswith(b"HTTP/1.1 202"))
        self._answer = b""
        self.send()

    def send(self) -> None:
        request = self._load.take()
        if request:
            self._began = time.perf_counter()
            self._transport.write(request)


class Load:
    """A bounded number of deliveries over all connections."""

    def __init__(self, deliveries: Deliveries, count: int) -> None:
        self._deliveries, self._left = deliveries, count
        self._open = count
        self.times: list[float] = []
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()

    def take(self) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        return self._deliveries.next()

    def answered(self, seconds: float, accepted: bool) -> None:
        self.times.append(seconds)
        self.refused += not accepted
        self._open -= 1
        if not self._open:
            self.done.set_result(None)

    def lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed a connection"))


async def drive(host: str, port: int, deliveries: Deliveries, count: int) -> Load:
    """Sends `count` deliveries and returns what was seen."""
    loop = asyncio.get_running_loop()
    load = Load(deliveries, count)
    made = [await loop.create_connection(lambda: Client(load), host, port) for _ in range(CONNECTIONS)]
    for _, client in made:
        client.send()
    await asyncio.wait_for(load.done, 60)
    for transport, _ in made:
        transport.abort()
    return load


def measure(bus: str, host: str, port: int, size: int, count: int, secret: bytes, pid: int | None) -> Measured:
    """One line of the table, after a short warm-up."""
    deliveries = Deliveries(size, secret)
    uvloop.run(drive(host, port, deliveries, min(1000, count)))
    server, own, began = cpu_of(pid), own_cpu(), time.perf_counter()
    load = uvloop.run(drive(host, port, deliveries, count))
    took = time.perf_counter() - began
    times = sorted(load.times)
    return Measured(
        bus,
        size,
        count,
        load.refused,
        round(count / took),
        round(times[len(times) // 2] * 1000, 1),
        round(times[len(times) * 99 // 100] * 1000, 1),
        round(times[-1] * 1000, 1),
        round((cpu_of(pid) - server) / took, 2),
        round((own_cpu() - own) / took, 2),
        round(os.getloadavg()[0], 1),
    )


def own_cpu() -> float:
    """Seconds of CPU that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(pid: int | None) -> float:
    """Seconds of CPU that another process has used; 0 when it is not ours to ask."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server_with(bus: str, profile: str) -> Iterator[tuple[int, int]]:
    """A server on a fresh folder: its port and process id."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.webhook_server", bus, folder, *([profile] if profile else [])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield int(process.stdout.readline()), process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


def table(lines: list[Measured]) -> str:
    """The lines under each other."""
    titles = ["bus", "bytes", "count", "refused", "per s", "p50 ms", "p99 ms", "max ms", "server", "client", "load"]
    rows = [titles, *([str(value) for value in asdict(line).values()] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bus", action="append", choices=["sqlite", "memory"], help="repeatable; default: both")
    parser.add_argument("--url", help="a runner that serves already, instead of a server of our own")
    parser.add_argument("--pid", type=int, help="its process, whose CPU is told as well")
    parser.add_argument("--secret", default=SECRET.decode())
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--profile", default="", help="file for cProfile's statistics of the server")
    options = parser.parse_args()
    lines = list(_lines(options))
    print(table(lines))
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=2) + "\n")


def _lines(options: argparse.Namespace) -> Iterator[Measured]:
    sizes, secret = options.size or SIZES, options.secret.encode()
    if options.url:
        url = urlsplit(options.url)
        for size in sizes:
            yield measure("runner", url.hostname or "", url.port or 80, size, options.count, secret, options.pid)
        return
    for bus in options.bus or ("memory", "sqlite"):
        with server_with(bus, options.profile) as (port, pid):
            for size in sizes:
                # The same number of bytes for large bodies, so that no size takes much longer than another.
                count = max(1000, min(options.count, options.count * 5_000 // size))
                yield measure(bus, "127.0.0.1", port, size, count, secret, pid)


if __name__ == "__main__":
    main()
