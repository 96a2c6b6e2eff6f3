"""Playbook stages carried out through the whole path, from pushes to ended runs; and by cold ansible-runner."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.latency import COLD
from tests.bench.stamps import stamping_project
from tests.support.runner import Runner
from tests.support.strategies import chain, marking_project

PUSHES = 100
STAGES = ("Build", "Test", "Deploy")


def measure(folder: Path) -> list[Figure]:
    """Stages a second, two cores shared with nothing else."""
    return [_ours(folder / "ours"), _cold(folder / "cold")]


def _ours(folder: Path) -> Figure:
    folder.mkdir()
    with Runner(folder) as runner:
        marks = marking_project(runner.project)
        runner.source()
        runner.apply(*chain(*STAGES))
        runner.push()
        runner.wait_for_runs(1)
        began = time.monotonic()
        for number in range(PUSHES):
            assert runner.push(commit=f"c{number}") == 202
        expected = (PUSHES + 1) * len(STAGES)
        while len(marks.read_text().splitlines()) < expected:
            time.sleep(0.05)
        runner.wait_for_runs(PUSHES + 1)
        took = time.monotonic() - began
    rate = PUSHES * len(STAGES) / took
    return Figure(
        "playbook stages, whole path", "kabanero", rate, "/s", ">= 18", f"{PUSHES} runs of {len(STAGES)} stages"
    )


def _cold(folder: Path) -> Figure:
    folder.mkdir()
    stamping_project(folder / "project")
    jobs, count = [], 12
    began = time.monotonic()
    for number in range(count):
        command = [sys.executable, "-c", COLD, str(folder), "stamp.yml"]
        jobs.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        if number % 2:
            jobs[-2].wait()
    for job in jobs:
        job.wait()
    rate = count / (time.monotonic() - began)
    return Figure("playbooks, two at a time", "ansible-runner, cold", rate, "/s")
