"""What measurements on a cluster share: a runner with one strategy of one Tekton stage, and its PipelineRuns."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.stage_world import pipeline, step_task
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.runner import resource
from tests.support.strategies import binding, match
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.processes import wait_until

NAMESPACE = "kabanero"
PIPELINE_RUNS = "tekton.dev/v1/pipelineruns"
STRATEGY_RUNS = "kabanero.io/v1alpha1/strategyruns"


class Seen:
    """When a watch told of each object first, and of its end, by the commit that it is about."""

    def __init__(self, cluster: SimulatedCluster, resource: str = PIPELINE_RUNS) -> None:
        self._cluster, self._resource = cluster, resource
        self.times: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        group, _, plural = self._resource.rpartition("/")
        url = f"{self._cluster.url}/apis/{group}/namespaces/{NAMESPACE}/{plural}?watch=1"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._cluster.token}"})
        with urllib.request.urlopen(request, context=self._cluster.tls(), timeout=600) as answer:
            for line in answer:
                now, found = time.perf_counter(), json.loads(line)["object"]
                for commit in _commits(found["spec"]):
                    self.times.setdefault(commit, now)
                    if found.get("status", {}).get("completionTime"):
                        self.ended.setdefault(commit, now)

    def wait(self, commit: str) -> float:
        """Seconds of perf_counter at which the object of a commit was told of."""
        wait_until(lambda: commit in self.times, f"{self._resource} of {commit}")
        return self.times[commit]


def _commits(spec: dict[str, Any]) -> list[str]:
    """The param of a PipelineRun, or the variable of a StrategyRun."""
    variables = [each["commit"] for each in spec.get("variables", ()) if "commit" in each]
    return [each["value"] for each in spec.get("params", ())] + variables


@contextmanager
def shop(
    cluster: SimulatedCluster, folder: Path, task: dict[str, Any] | None = None
) -> Iterator[RunnerBesideApiServer]:
    """A runner with one strategy of one Tekton stage of one `task`; one push was taken already."""
    task = task or step_task("compile")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    with RunnerBesideApiServer(folder, cluster) as runner:
        runner.source()
        runner.apply(pipeline("build", task, params=[{"name": "source-revision"}]), *_strategy())
        wait_until(lambda: runner.push(commit="first") == 202, "a push that is taken")
        yield runner


def _strategy() -> list[dict[str, Any]]:
    source = [{"stageVariable": "source", "strategyVariable": "src_repo"}]
    build = binding("Build", "TektonStage", [match("Start")], resourceBindings={"input": source})
    push = {
        "match": {"eventName": "Push"},
        "variableBindings": [{"name": "src_repo", "location": "${event.location}", "commit": "${event.commit}"}],
        "emit": {"name": "Start"},
    }
    declared = {"input": [{"name": "source", "type": "github"}]}
    variables = [{"name": "src_repo", "type": "github"}]
    return [
        resource("TektonStage", "build", {"pipelineName": "build", "resources": declared}),
        resource("StrategyDefinition", "ship", {"strategyVariables": variables, "stageBindings": [build]}),
        resource("StrategyTrigger", "ship", {"strategy": "ship", "events": [push]}),
    ]


def pipeline_run(value: str) -> dict[str, Any]:
    """What a stage of that strategy makes, as somebody would make it by hand."""
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": value, "namespace": NAMESPACE},
        "spec": {"pipelineRef": {"name": "build"}, "params": [{"name": "source-revision", "value": value}]},
    }


def ended_runs(runner: RunnerBesideApiServer) -> int:
    """How many runs have ended."""
    return sum(1 for run in runner.runs() if run.get("status", {}).get("completionTime"))
