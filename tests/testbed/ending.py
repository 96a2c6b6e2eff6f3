"""Ends a test bed by its folder, from whatever process: for handles, `make cluster-down` and the watcher of fixtures.

As a program it waits until its standard input closes and then ends the test bed: its starter holds the other end,
so nothing is left behind even when the starter is killed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed.containers import end_containers
from tests.testbed.processes import Processes

ROOT = Path(__file__).parents[2]


def end(folder: Path) -> None:
    """Kills its processes and containers, takes away what they left on the machine, and removes the folder."""
    folder = folder.resolve()
    Processes(folder).kill_all()
    end_containers(folder)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ended_with_us(folder: Path) -> Iterator[None]:
    """Ends the test bed of `folder` at the latest when this process ends, however that comes about."""
    command = [sys.executable, "-m", "tests.testbed.ending", str(folder)]
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, start_new_session=True)
    assert watcher.stdin
    try:
        yield
    finally:
        watcher.stdin.close()
        watcher.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.read()
    end(Path(sys.argv[1]))
