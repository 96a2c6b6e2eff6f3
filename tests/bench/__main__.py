"""`python -m tests.bench [NAME ...]`: runs the measurements, prints one table and writes bench-results.json."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, show, write

SCENARIOS = (
    "startup",
    "idle",
    "matching",
    "latency",
    "throughput",
    "webhooks",
    "waiting",
    "tekton",
    "tekton_rate",
    "tekton_triggers",
    "tekton_waiting",
    "requests",
    "modules",
    "playbooks",
)


def main(names: list[str]) -> int:
    """Runs the named measurements, or all; returns the exit code."""
    unknown = set(names) - set(SCENARIOS)
    if unknown:
        print(f"no such measurement: {', '.join(sorted(unknown))}; there are: {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in names or SCENARIOS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="kabanero-bench-") as folder:
            figures += importlib.import_module(f"tests.bench.{name}").measure(Path(folder))
    show(figures)
    write(figures, Path("bench-results.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
