"""Memory of an idle runner, without the executor's children."""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.runner import Runner


def measure(folder: Path) -> list[Figure]:
    """Resident megabytes ten seconds after the start, and seconds until it served."""
    with Runner(folder) as runner:
        runner.stop()
        ready = runner.start()
        runner.source()
        time.sleep(10)
        assert runner.process
        memory = resident(runner.process.pid)
    return [
        Figure("idle memory", "kabanero", memory, "MB", "< 80"),
        Figure("start to ready", "kabanero", ready * 1000, "ms"),
    ]


def resident(pid: int) -> float:
    """Resident megabytes of one process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
