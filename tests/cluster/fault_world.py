"""A strategy of Ansible and Tekton on one cluster, in namespaces beside each other, each with a runner of its own.

What was lost, done twice or left hanging after a fault is told by `wrong`: nothing may be.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.replica_world import Replica
from tests.cluster.stage_world import pipeline, step_task
from tests.support.api_proxy import ApiProxy
from tests.support.runner import resource
from tests.support.strategies import binding, marking_project, match, playbook_stage, strategy
from tests.testbed.cluster import SimulatedCluster

KABANERO, TEKTON = "/apis/kabanero.io/v1alpha1", "/apis/tekton.dev/v1"
LEFT = (
    "strategyruns,stageruns,strategydefinitions,strategytriggers,playbookstages,tektonstages,githubeventsources,"
    "queuedevents,configmaps,secrets,leases.coordination.k8s.io,pipelineruns.tekton.dev,pipelines.tekton.dev"
)
CONTROL = "kabanero.control"
ENDED = ("Succeeded", "Failed", "Errored", "Cancelled", "TimedOut")


def ship(duration: str = "200ms") -> list[dict[str, Any]]:
    """Build by a playbook that leaves a mark, then Test by a pipeline; for every push."""
    bindings = [
        binding("Build", "PlaybookStage", [match("Start")]),
        binding("Test", "TektonStage", [match("Build", "Success")]),
    ]
    return [
        playbook_stage("build"),
        resource("TektonStage", "test", {"pipelineName": "test"}),
        pipeline("test", step_task("check", duration=duration)),
        *strategy("ship", bindings),
    ]


class Lane(Replica):
    """One namespace and its runner, with a proxy before the API server; `everywhere`: it serves all others as well."""

    def __init__(
        self, folder: Path, cluster: SimulatedCluster, namespace: str, *, everywhere: bool = False, **settings: Any
    ) -> None:
        self.namespace, self.cluster = namespace, cluster
        folder.mkdir(exist_ok=True)
        self.proxy = ApiProxy(cluster.kubeconfig, folder / "through-proxy")
        served = {"namespace": namespace, "namespaces": [] if everywhere else [namespace]}
        kubeconfig = str(self.proxy.start())
        super().__init__(folder, cluster, folder / "project", **served, kubeconfig=kubeconfig, **settings)
        self.marks = marking_project(self.project)

    def prepare(self, *resources: dict[str, Any]) -> None:
        """Namespace, source and strategy are there, and the source has been read."""
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.start()
        self.source()
        self.apply(*(resources or ship()))
        assert self.pushed("first")
        self.ended(1)

    def apply(self, *resources: dict[str, Any]) -> None:
        placed = [{**each, "metadata": {**each["metadata"], "namespace": self.namespace}} for each in resources]
        self.cluster.apply(*placed)

    def list(self, kind: str) -> list[dict[str, Any]]:
        group, found = TEKTON if kind == "pipelineruns" else KABANERO, []

        def read() -> bool:
            found[:] = self.cluster.read(f"{group}/namespaces/{self.namespace}/{kind}")["items"]
            return True

        until(read, f"an answer about {kind}")
        return found

    def patch(self, kind: str, name: str, **spec: Any) -> None:
        self.cluster.kubectl(
            "patch", kind, name, "-n", self.namespace, "--type=merge", f"-p={json.dumps({'spec': spec})}"
        )

    def ended(self, count: int, seconds: float = 90) -> list[dict[str, Any]]:
        """All runs, once that many have ended and nothing is left to be done for them."""
        self.wait_for_runs(count, seconds)
        until(lambda: not self.under_way(), lambda: f"still under way: {self.under_way()}", seconds)
        return self.runs()

    def under_way(self) -> list[str]:
        """Events that nobody has handled, and stages that are not at their end."""
        events = [each for each in self.list("queuedevents") if not each["spec"].get("partOf")]
        waiting = [each for each in events if not each.get("status", {}).get("fate") and not _is_timer(each)]
        stages = [
            each for each in self.list("stageruns") if each.get("status", {}).get("phase") not in (*ENDED, "Skipped")
        ]
        return [f"{each['kind']} {each['metadata']['name']} {each.get('status')}" for each in [*waiting, *stages]]

    def wrong(self, pushes: int, *, broken: int = 0) -> list[str]:
        """What was lost or done twice, of that many pushes; up to `broken` runs may have been interrupted."""
        runs = self.runs()
        ill = [run for run in runs if run["status"]["phase"] != "Succeeded"]
        said = [f"{len(runs)} runs of {pushes} pushes"] if len(runs) != pushes else []
        said += [f"{_told(run)}" for run in ill] if len(ill) > broken else []
        said += [f"{mark} was done {times} times" for mark, times in self.done().items() if times != 1]
        said += [f"{stage} has {times} PipelineRuns" for stage, times in self.pipelined().items() if times != 1]
        if not broken:
            said += [f"{len(self.done())} marks"] if len(self.done()) != pushes else []
            said += [f"{len(self.pipelined())} pipelines"] if len(self.pipelined()) != pushes else []
        return said + [f"dead letter {each}" for each in self.dead()]

    def done(self) -> Counter[str]:
        """How often each stage of each run left its mark."""
        return Counter(self.marks.read_text().splitlines()) if self.marks.exists() else Counter()

    def pipelined(self) -> Counter[str]:
        """How many PipelineRuns there are for each StageRun."""
        return Counter(each["metadata"]["labels"]["kabanero.io/stage-run"] for each in self.list("pipelineruns"))

    def dead(self) -> list[str]:
        """Events that some consumer gave up."""
        return [json.dumps(each["status"]) for each in self.list("queuedevents") if each.get("status", {}).get("dead")]

    def close(self) -> None:
        self.proxy.let_watches_go()
        self.proxy.mend()
        self.stop()
        self.proxy.stop()


def clear(cluster: SimulatedCluster, *namespaces: str) -> None:
    """Takes away what tests have left; names may be used again then."""
    for namespace in namespaces:
        cluster.kubectl("delete", LEFT, "--all", "-n", namespace, "--wait=false")


def until(check: Callable[[], object], what: Callable[[], str] | str, seconds: float = 60) -> None:
    """Waits; an outage counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, what if isinstance(what, str) else what()
        time.sleep(0.1)


def _is_timer(event: dict[str, Any]) -> bool:
    return "notBefore" in event["spec"]


def _told(run: dict[str, Any]) -> str:
    status = run["status"]
    stages = {each["name"]: f"{each.get('phase')}/{each.get('reason', '')}" for each in status.get("stages", ())}
    return f"{run['metadata']['name']} {status['phase']} {stages} {status.get('message', '')}"
