"""Signed pushes beside Tekton Triggers: how soon a PipelineRun is there, how many a second, and what a crash loses.

Both stand beside the same cluster in one run, one after the other. Triggers checks no signature here, makes nothing
durable before it answers, and keeps to its default client limit, which its release does not let one change by webhook.
A burst is one push each to as many repositories, as many applications make it: what one repository sends we begin in
its order. Tekton's own limits are raised, as the other measurements have them, and last of all as it is released.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, median, percentile
from tests.bench.tekton_world import NAMESPACE, Seen, pipeline_run, shop
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.runner import push_payload
from tests.testbed import parts
from tests.testbed.build import BuildError, build
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.ending import ended_with_us
from tests.testbed.processes import wait_until
from tests.testbed.releases import PEERS
from tests.testbed.tekton import AS_RELEASED
from tests.testbed.triggers import Triggers

ROUNDS, WARM_UP, PAUSE_SECONDS = 30, 5, 0.3
BURST, SENDERS = 60, 8
OWNER = "https://github.com/acme"
QUIET_SECONDS, PATIENCE = 15.0, 300.0
Push = Callable[[str], int]


def measure(folder: Path) -> list[Figure]:
    """Milliseconds, events a second, and events that were acknowledged and came to nothing."""
    if lacking := parts.missing(SimulatedCluster.programs):
        print(f"NOT MEASURED: tekton_triggers needs {', '.join(lacking)}; make test-cluster builds it", file=sys.stderr)
        return []
    if not _built():
        return []
    with ended_with_us(folder / "cluster"):
        cluster = SimulatedCluster(folder / "cluster")
        cluster.start()
        with shop(cluster, folder / "runner") as runner:
            runner.source(OWNER)
            peer = _peer(cluster)
            seen = Seen(cluster)
            ours = Subject("kabanero", seen, lambda commit: _push(runner, commit), lambda: _crash(runner))
            theirs = Subject("Tekton Triggers", seen, lambda commit: _send(peer.url, commit), lambda: _restart(peer))
            for _ in range(WARM_UP):
                ours.timed(), theirs.timed()
            times = [(ours.timed(), theirs.timed()) for _ in range(ROUNDS)]
            figures = [_latency(ours, [each for each, _ in times], "< 120"), _latency(theirs, [t for _, t in times])]
            figures += [figure for subject in (theirs, ours) for figure in subject.burst("Tekton's limits raised")]
            figures += [subject.lost_by_a_crash() for subject in (theirs, ours)]
            ours.settle()
            cluster.tekton.restart(AS_RELEASED)
            figures += [figure for subject in (theirs, ours) for figure in subject.burst("Tekton as released")]
    return figures


class Subject:
    """One of the two, and how it is pushed to and crashed."""

    def __init__(self, name: str, seen: Seen, push: Push, crash: Callable[[], None]) -> None:
        self.name, self._seen, self._push, self._crash = name, seen, push, crash
        self._number = 0

    def timed(self) -> float:
        """Seconds from just before a push is sent until a watch tells of its PipelineRun."""
        time.sleep(PAUSE_SECONDS)
        (commit,) = self._commits(1)
        began = time.perf_counter()
        assert self._push(commit) == 202
        return self._seen.wait(commit) - began

    def burst(self, tekton: str) -> list[Figure]:
        """Many pushes side by side."""
        self.settle()
        began = time.perf_counter()
        commits, acknowledged = self._pushed(BURST)
        wait_until(lambda: self._there(acknowledged) == len(acknowledged), "all PipelineRuns", PATIENCE)
        created = len(acknowledged) / (max(self._seen.times[each] for each in acknowledged) - began)
        told = f"{BURST} pushes by {SENDERS} senders, each to a repository of its own"
        return [
            Figure(f"pushes acknowledged, {tekton}", self.name, len(acknowledged) / commits, "/s", detail=told),
            Figure(f"PipelineRuns created by them, {tekton}", self.name, created, "/s", detail=told),
        ]

    def lost_by_a_crash(self) -> Figure:
        """Killed when all are acknowledged, and started again."""
        self.settle()
        _, acknowledged = self._pushed(BURST)
        self._crash()
        deadline = time.monotonic() + PATIENCE
        known, since = -1, time.monotonic()
        while self._there(acknowledged) < len(acknowledged) and time.monotonic() < deadline:
            if (now := self._there(acknowledged)) != known:
                known, since = now, time.monotonic()
            if time.monotonic() - since > QUIET_SECONDS:
                break
            time.sleep(0.1)
        lost = len(acknowledged) - self._there(acknowledged)
        goal = "< 1" if self.name == "kabanero" else ""
        return Figure("acknowledged events lost by SIGKILL", self.name, lost, "", goal, f"of {len(acknowledged)}")

    def _pushed(self, count: int) -> tuple[float, list[str]]:
        """Seconds until the last answer, and what was acknowledged."""
        commits = self._commits(count)
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as senders:
            codes = list(senders.map(self._push, commits))
        took = time.perf_counter() - began
        return took, [commit for commit, code in zip(commits, codes, strict=True) if code == 202]

    def _commits(self, count: int) -> list[str]:
        names = [f"{self.name[0].lower()}{number:07x}" for number in range(self._number, self._number + count)]
        self._number += count
        return names

    def _there(self, commits: list[str]) -> int:
        return sum(1 for each in commits if each in self._seen.times)

    def settle(self) -> None:
        """Tekton has ended what it has."""
        wait_until(lambda: len(self._seen.ended) >= len(self._seen.times), "the end of all PipelineRuns", PATIENCE)


def _built() -> bool:
    try:
        build(parts.missing(PEERS), parts.CACHE, lambda text: print(text, file=sys.stderr, flush=True))
    except BuildError as error:
        print(f"NOT MEASURED: tekton_triggers: {error}", file=sys.stderr)
        return False
    return True


def _peer(cluster: SimulatedCluster) -> Triggers:
    run = pipeline_run("$(tt.params.commit)")
    run["metadata"] = {"generateName": "triggers-", "namespace": NAMESPACE}
    peer = Triggers(cluster, NAMESPACE)
    peer.install({"commit": "$(body.after)"}, run)
    peer.start()
    return peer


def _push(runner: RunnerBesideApiServer, commit: str) -> int:
    return runner.push(commit=commit, repository=_repository(commit))


def _repository(commit: str) -> dict[str, Any]:
    """One of its own for each commit, as GitHub tells of it."""
    name, url = f"shop-{commit}", f"{OWNER}/shop-{commit}"
    known = push_payload("main", commit)["repository"]
    return {**known, "name": name, "full_name": f"acme/{name}", "html_url": url, "clone_url": f"{url}.git"}


def _send(url: str, commit: str) -> int:
    body = json.dumps(push_payload("main", commit) | {"repository": _repository(commit)}).encode()
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "push"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST"), timeout=60) as answer:
        return int(answer.status)


def _crash(runner: RunnerBesideApiServer) -> None:
    runner.kill()
    runner.start()


def _restart(peer: Triggers) -> None:
    peer.kill()
    peer.start()


def _latency(subject: Subject, seconds: list[float], goal: str = "") -> Figure:
    told = f"p90 {percentile(seconds, 90) * 1000:.0f} ms, {len(seconds)} rounds in turn"
    return Figure("push to PipelineRun (median)", subject.name, median(seconds) * 1000, "ms", goal, told)
