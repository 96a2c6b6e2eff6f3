"""Strategies of one Tekton stage a second, beside what the same Tekton ends when a bare client makes the PipelineRuns.

Both in one run on one cluster, in turn, so that a machine that is busy for a while is so for both. `kubectl create` of
one file with all of them and pushes that come one after the other both offer more than Tekton takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.bench.figures import Figure, median
from tests.bench.tekton_world import STRATEGY_RUNS, Seen, ended_runs, pipeline_run, shop
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.runner import descendants
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.ending import ended_with_us
from tests.testbed.parts import missing
from tests.testbed.processes import wait_until
from tests.testbed.tekton import AS_RELEASED, RAISED_LIMITS

COUNT = int(os.environ.get("BENCH_TEKTON_RUNS", "100"))
ROUNDS = 3
PATIENCE = 300


@dataclass(frozen=True)
class _Tekton:
    """One way to start Tekton's controller; `count` runs a round keep it busy for a while."""

    key: str
    title: str
    limits: tuple[str, ...]
    count: int


TEKTONS = (
    _Tekton("released", "Tekton as released", AS_RELEASED, max(COUNT // 3, 1)),
    _Tekton("raised", "Tekton's limits raised", RAISED_LIMITS, COUNT),
)


def measure(folder: Path) -> list[Figure]:
    """Ended runs a second, from the first push or create to the last end, the median of some rounds."""
    if lacking := missing(SimulatedCluster.programs):
        print(f"NOT MEASURED: tekton_rate needs {', '.join(lacking)}; make test-cluster builds it", file=sys.stderr)
        return []
    with ended_with_us(folder / "cluster"):
        cluster = SimulatedCluster(folder / "cluster")
        cluster.start()
        with shop(cluster, folder / "runner") as runner:
            wait_until(lambda: ended_runs(runner) == 1, "the end of the first run")
            seen = Seen(cluster), Seen(cluster, STRATEGY_RUNS)
            return [figure for tekton in TEKTONS for figure in _beside(cluster, runner, seen, tekton)]


def _beside(
    cluster: SimulatedCluster, runner: RunnerBesideApiServer, seen: tuple[Seen, Seen], tekton: _Tekton
) -> list[Figure]:
    cluster.tekton.restart(tekton.limits)
    ours, theirs, times = [], [], [_times(cluster, runner)]
    for number in range(ROUNDS):
        names = [f"{tekton.key}-{number}-{each:04d}" for each in range(tekton.count)]
        theirs.append(_rate(seen[0], [f"by-hand-{each}" for each in names], lambda all: _created(cluster, all)))
        times.append(_times(cluster, runner))
        ours.append(_rate(seen[1], [f"push-{each}" for each in names], lambda all: _pushed(runner, all)))
        times.append(_times(cluster, runner))
    ratio = median([mine / other for mine, other in zip(ours, theirs, strict=True)])
    what, told = f"runs of one Tekton stage ended, {tekton.title}", f"{ROUNDS} rounds of {tekton.count}"
    return [
        Figure(what, "kabanero", median(ours), "/s", "", f"{told}: {_listed(ours)}"),
        Figure(what, "kubectl create", median(theirs), "/s", "", f"{told}: {_listed(theirs)}"),
        Figure(f"part of what kubectl's ended, {tekton.title}", "kabanero", ratio * 100, "%", ">= 90"),
        *_costs(times, tekton),
    ]


def _times(cluster: SimulatedCluster, runner: RunnerBesideApiServer) -> dict[str, float]:
    """CPU seconds so far, by program. The playbooks' are those of the job server, which takes in all that it forked."""
    assert runner.process
    (server, *_) = [pid for pid in descendants(runner.process.pid) if b"ansible.server" in _command(pid)]
    pids = {name: pid for name in cluster.processes.names() if (pid := cluster.processes.pid(name))}
    return {"runner": _cpu(runner.process.pid), "playbooks": _cpu(server)} | {n: _cpu(pid) for n, pid in pids.items()}


def _costs(times: list[dict[str, float]], tekton: _Tekton) -> list[Figure]:
    """Milliseconds of CPU for a run, by what took them. It is exact on a busy machine too, unlike any rate."""
    spent = [{name: now[name] - then[name] for name in now} for then, now in pairwise(times)]
    figures = []
    for subject, rounds in (("kabanero", spent[1::2]), ("kubectl create", spent[::2])):
        each = {name: median([one[name] for one in rounds]) / tekton.count * 1000 for name in rounds[0]}
        told = ", ".join(f"{name} {value:.0f}" for name, value in sorted(each.items(), key=lambda one: -one[1]))
        figures.append(Figure(f"CPU for each, {tekton.title}", subject, sum(each.values()), "ms", detail=told))
    return figures


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _cpu(pid: int) -> float:
    """Seconds of a process, and of those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _listed(rates: list[float]) -> str:
    return ", ".join(f"{rate:.1f}" for rate in rates)


def _rate(seen: Seen, names: list[str], make: Callable[[list[str]], None]) -> float:
    """How many end a second, from the first that is made to the end of the last."""
    began = time.perf_counter()
    make(names)
    wait_until(lambda: all(each in seen.ended for each in names), f"the end of {names[-1]}", PATIENCE)
    return len(names) / (max(seen.ended[each] for each in names) - began)


def _created(cluster: SimulatedCluster, names: list[str]) -> None:
    cluster.kubectl("create", "-f", "-", stdin="\n".join(json.dumps(pipeline_run(each)) for each in names))


def _pushed(runner: RunnerBesideApiServer, names: list[str]) -> None:
    for each in names:
        assert runner.push(commit=each) == 202


def cpu_seconds(runner: RunnerBesideApiServer) -> float:
    """Seconds of the runner's own process so far."""
    assert runner.process
    return _cpu(runner.process.pid)
