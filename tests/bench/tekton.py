"""On a cluster with Tekton and simulated pods: signed push to PipelineRun created.

Peers stand beside it: how long `kubectl create` takes for the same PipelineRun, without any runner.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure, median, percentile
from tests.bench.tekton_world import Seen, pipeline_run, shop
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.ending import ended_with_us
from tests.testbed.parts import missing

ROUNDS = 30
WARM_UP = 5
PAUSE_SECONDS = 0.3
GOAL = "< 120"


def measure(folder: Path) -> list[Figure]:
    """Milliseconds from just before the push is sent until a watch tells of the PipelineRun."""
    if lacking := missing(SimulatedCluster.programs):
        print(f"NOT MEASURED: tekton needs {', '.join(lacking)}; make test-cluster builds it", file=sys.stderr)
        return []
    with ended_with_us(folder / "cluster"):
        cluster = SimulatedCluster(folder / "cluster")
        cluster.start()
        with shop(cluster, folder / "runner") as runner:
            seen = Seen(cluster)
            pushed = [_pushed(runner, seen, number) for number in range(WARM_UP + ROUNDS)][WARM_UP:]
            created = [_created(cluster, seen, number) for number in range(ROUNDS)]
    return [
        _figure("push to PipelineRun (median)", "kabanero", pushed, GOAL),
        _figure("create of a PipelineRun (median)", "kubectl", created),
    ]


def _pushed(runner: RunnerBesideApiServer, seen: Seen, number: int) -> float:
    commit = f"c{number:07x}"
    time.sleep(PAUSE_SECONDS)
    began = time.perf_counter()
    assert runner.push(commit=commit) == 202
    return seen.wait(commit) - began


def _created(cluster: SimulatedCluster, seen: Seen, number: int) -> float:
    value = f"by-hand-{number}"
    began = time.perf_counter()
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(pipeline_run(value)))
    return seen.wait(value) - began


def _figure(what: str, subject: str, seconds: list[float], goal: str = "") -> Figure:
    told = f"p90 {percentile(seconds, 90) * 1000:.0f} ms, {len(seconds)} rounds"
    return Figure(what, subject, median(seconds) * 1000, "ms", goal, told)
