"""Thousands of runs that wait for PipelineRuns: watches, memory, CPU, and how soon one end is noticed.

One run is carried to its PipelineRun by the runner; the others are copies of it, made while the runner is away.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

from kabanero.model.resource import Resource

from tests.bench.figures import Figure, median
from tests.bench.idle import resident
from tests.bench.tekton_copies import Template, commit_of, multiply
from tests.bench.tekton_rate import cpu_seconds
from tests.bench.tekton_world import NAMESPACE, STRATEGY_RUNS, Seen, shop
from tests.cluster.stage_world import SLOW
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.tekton import ended
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.ending import ended_with_us
from tests.testbed.parts import missing
from tests.testbed.processes import wait_until

COUNT = int(os.environ.get("BENCH_TEKTON_WAITING", "2000"))
ROUNDS, IDLE_SECONDS, QUIET_SECONDS, PATIENCE = 10, 20, 3, 300.0
WATCHES = re.compile(r'^apiserver_longrunning_requests\{(.*verb="WATCH".*)\} (\d+)', re.MULTILINE)


def measure(folder: Path) -> list[Figure]:
    """Watches of the runner at the API server, megabytes, CPU and milliseconds."""
    if lacking := missing(SimulatedCluster.programs):
        print(f"NOT MEASURED: tekton_waiting needs {', '.join(lacking)}; make test-cluster builds it", file=sys.stderr)
        return []
    with ended_with_us(folder / "cluster"):
        cluster = SimulatedCluster(folder / "cluster")
        cluster.start()
        with shop(cluster, folder / "runner", SLOW) as runner:
            template = _one_waits(cluster, runner)
            runner.kill()
            asyncio.run(multiply(cluster.kubeconfig, template, COUNT - 1))
            time.sleep(QUIET_SECONDS)
            before = _watches(cluster)
            ready = runner.start()
            _until_quiet(runner)
            return _figures(cluster, runner, _watches(cluster) - before, ready)


def _figures(
    cluster: SimulatedCluster, runner: RunnerBesideApiServer, watches: Counter[str], ready: float
) -> list[Figure]:
    assert runner.process
    used = cpu_seconds(runner)
    time.sleep(IDLE_SECONDS)
    load = (cpu_seconds(runner) - used) / IDLE_SECONDS * 100
    memory = resident(runner.process.pid)
    kind, most = watches.most_common(1)[0]
    noticed = _noticed(cluster)
    what = f"{COUNT:,} runs waiting for PipelineRuns"
    told = f"{kind}; {watches['pipelineruns']} on pipelineruns, {sum(watches.values())} on {len(watches)} kinds in all"
    return [
        Figure(f"{what}: most watches on one kind", "kabanero", most, "", "< 2", told),
        Figure(f"{what}: restart to ready", "kabanero", ready, "s"),
        Figure(f"{what}: memory", "kabanero", memory, "MB"),
        Figure(f"{what}: CPU of one core meanwhile", "kabanero", load, "%", detail=f"over {IDLE_SECONDS} s"),
        Figure(f"{what}: end of one to end of its run (median)", "kabanero", median(noticed) * 1000, "ms"),
    ]


def _one_waits(cluster: SimulatedCluster, runner: RunnerBesideApiServer) -> Template:
    def waiting() -> list[Resource]:
        return [each for each in runner.list("stageruns") if each.get("status", {}).get("waitsOn") == "Object"]

    wait_until(waiting, "a run that waits for its PipelineRun")
    (stage_run,), (run,) = waiting(), runner.runs()
    return run, stage_run, cluster.get("pipelinerun", stage_run["status"]["waitingFor"]["name"], NAMESPACE)


def _until_quiet(runner: RunnerBesideApiServer) -> None:
    """The runner has asked for all that it wants to know after its start."""
    counts = [-1]

    def same() -> bool:
        time.sleep(QUIET_SECONDS)
        counts.append(sum(map(_asked, runner.text("/metrics").splitlines())))
        return counts[-1] == counts[-2]

    wait_until(same, "a runner that asks for nothing more", PATIENCE)


def _asked(line: str) -> int:
    """Requests about runs; to answer for its metrics the runner makes others."""
    is_ours = line.startswith("kabanero_kubernetes_requests_total{") and 'runs"' in line
    return int(float(line.rpartition(" ")[2])) if is_ours else 0


def _watches(cluster: SimulatedCluster) -> Counter[str]:
    """Open watches by resource, as the API server counts them; everybody's."""
    request = urllib.request.Request(f"{cluster.url}/metrics", headers={"Authorization": f"Bearer {cluster.token}"})
    with urllib.request.urlopen(request, context=cluster.tls(), timeout=30) as answer:
        text = answer.read().decode()
    found: Counter[str] = Counter()
    for labels, count in WATCHES.findall(text):
        resource = re.search(r'(?:^|,)resource="([^"]*)"', labels)
        found[resource[1] if resource else ""] += int(count)
    return found


def _noticed(cluster: SimulatedCluster) -> list[float]:
    """Seconds from just before a PipelineRun's end is written until a watch tells of its run's end."""
    seen = Seen(cluster, STRATEGY_RUNS)
    wait_until(lambda: len(seen.times) >= COUNT, "news of all runs", PATIENCE)
    return [_ended(cluster, seen, number * (COUNT // ROUNDS - 1)) for number in range(ROUNDS)]


def _ended(cluster: SimulatedCluster, seen: Seen, number: int) -> float:
    name = f"waiting-{number:05d}-build-1"
    status = {"status": ended(cluster.get("pipelinerun", name, NAMESPACE), "True", "Succeeded")["status"]}
    url = f"{cluster.url}/apis/tekton.dev/v1/namespaces/{NAMESPACE}/pipelineruns/{name}/status"
    headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": "application/merge-patch+json"}
    request = urllib.request.Request(url, json.dumps(status).encode(), headers, method="PATCH")
    began = time.perf_counter()
    urllib.request.urlopen(request, context=cluster.tls(), timeout=30).close()
    wait_until(lambda: commit_of(number) in seen.ended, f"the end of run {number}")
    return seen.ended[commit_of(number)] - began
