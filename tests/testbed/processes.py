"""The processes of one test bed, each with a log and a PID file, so that another process can end them too."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PORTS = (20000, 32000)
POLL_SECONDS = 0.05


class NotReadyError(Exception):
    """A part did not come up; the text ends with its log."""


class Processes:
    """Starts and kills processes by name; `folder` holds `logs/NAME.log` and `pids/NAME`."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.pids = folder / "logs", folder / "pids"
        self._own: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path, **environment: str) -> None:
        """Starts it in a session of its own: a key pressed in the terminal does not end it."""
        for folder in (self.logs, self.pids):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | environment,
                start_new_session=True,
            )
        self._own[name] = process
        (self.pids / name).write_text(f"{process.pid} {birth(process.pid)}")

    def names(self) -> list[str]:
        """Those that were started and not killed."""
        return sorted(path.name for path in self.pids.iterdir()) if self.pids.is_dir() else []

    def pid(self, name: str) -> int | None:
        """Its PID while it runs; None once it ended, even when another process has that PID now."""
        if (own := self._own.get(name)) and own.poll() is not None:
            return None
        file = self.pids / name
        pid, _, born = file.read_text().partition(" ") if file.exists() else ("", "", "")
        return int(pid) if pid and born and birth(int(pid)) == born else None

    def kill(self, name: str) -> None:
        """SIGKILL, and waits for the end: an API server would drain for many seconds on SIGTERM."""
        if pid := self.pid(name):
            os.kill(pid, signal.SIGKILL)
        if own := self._own.pop(name, None):
            own.wait()
        wait_until(lambda: self.pid(name) is None, f"the end of {name}")
        (self.pids / name).unlink(missing_ok=True)

    def kill_all(self) -> None:
        """Ends every process of this test bed, whoever started it."""
        for name in self.names():
            self.kill(name)

    def wait_ready(self, name: str, ready: Callable[[], object], seconds: float = 60) -> None:
        """Waits until `ready` answers true; raises NotReadyError, at once when the process ends."""

        def ready_or_dead() -> object:
            if self.pid(name) is None:
                raise NotReadyError(f"{name} ended while it started\n{self.tail(name)}")
            return ready()

        try:
            wait_until(ready_or_dead, name, seconds)
        except TimeoutError as error:
            raise NotReadyError(f"{error}\n{self.tail(name)}") from None

    def tail(self, name: str, characters: int = 3000) -> str:
        """The end of its log."""
        log = self.logs / f"{name}.log"
        return log.read_text(errors="replace")[-characters:] if log.exists() else ""


def wait_until(check: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Asks `check` until it answers true; raises TimeoutError. An OSError of `check` counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        trouble = ""
        try:
            if check():
                return
        except OSError as error:
            trouble = f"; the last word was {error}"
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}{trouble}")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """A loopback port below those that the kernel hands out by itself, so it stays free while a server is down."""
    for _ in range(100):
        port = random.randrange(*_own_ports())
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NotReadyError(f"no free port in {PORTS}")


def _own_ports() -> tuple[int, int]:
    """Each of pytest's workers has a part of them: a port that one has chosen is not taken before its server runs."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    width = (PORTS[1] - PORTS[0]) // workers
    return PORTS[0] + number * width, PORTS[0] + (number + 1) * width


def birth(pid: int) -> str:
    """When the process began, in the kernel's ticks; empty once it ended (a zombie has ended)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
