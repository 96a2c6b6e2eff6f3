"""How long `kabanero --help` takes, as a whole process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure, median


def measure(_: Path) -> list[Figure]:
    """Milliseconds, median of 15."""
    command = [str(Path(sys.executable).parent / "kabanero"), "--help"]
    times = []
    for _round in range(16):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - began) * 1000)
    return [Figure("kabanero --help", "kabanero", median(times[1:]), "ms", "< 150")]
