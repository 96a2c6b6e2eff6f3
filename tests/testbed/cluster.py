"""A whole cluster with Tekton: on `SimulatedCluster` pods only seem to run, on `RealCluster` they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.testbed import parts
from tests.testbed.apiserver import CRDS, ApiServer, shown
from tests.testbed.processes import wait_until
from tests.testbed.releases import SIMULATED
from tests.testbed.tekton import Tekton

STAGES = Path(__file__).parent / "pod-stages.yaml"
NODE_SECONDS = 60


class Cluster(ApiServer):
    """API server, controller-manager (also for garbage collection), scheduler and Tekton; subclasses add nodes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tekton = Tekton(self)

    def start(self, crds: Path | None = CRDS) -> None:
        """As for an API server. The garbage collector looks for new kinds every 30 s only: it starts after them."""
        super().start(crds)
        self.tekton.install()
        self.start_controllers()
        self.start_nodes()
        self.tekton.start()
        self.wait_for_node()

    def start_controllers(self) -> None:
        """Starts kube-controller-manager and kube-scheduler; neither serves anything."""
        # On a busy machine a node is late to say that it is there: its pods must not be taken for lost.
        patient = ("--node-monitor-grace-period=10m",)
        common = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        key = self.folder / "pki" / "service-accounts.key"
        own = (f"--service-account-private-key-file={key}", f"--root-ca-file={self.ca}")
        self.processes.start("kube-controller-manager", self.paths["kube-controller-manager"], *common, *own, *patient)
        self.processes.start("kube-scheduler", self.paths["kube-scheduler"], *common)

    def start_nodes(self) -> None:
        """Starts what makes pods run, or seem to."""
        raise NotImplementedError

    def wait_for_node(self) -> None:
        """Returns when some node is ready for pods."""
        wait_until(lambda: any(map(_ready, self.list("nodes"))), "a node that is ready", NODE_SECONDS)

    def list(self, kind: str, namespace: str = "default", selector: str = "") -> list[Any]:
        """All resources of a kind, or those that a selector of labels finds, decoded."""
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        place = self.kind(kind)
        items = self.read(place.path(namespace) + query)["items"]
        return [{"apiVersion": place.api_version, "kind": place.kind, **shown(each)} for each in items]


class SimulatedCluster(Cluster):
    """kwok plays one large node; how a pod ends is told by annotations (see `outcome`)."""

    programs = SIMULATED

    def start_nodes(self) -> None:
        self.apply(_large_node("sim-0"))
        stages = parts.shipped("kwok", "node-stages.yaml")
        configs = [f"--config={STAGES}", f"--config={stages}"]
        kubeconfig = f"--kubeconfig={self.kubeconfig}"
        # Without the renewals of a lease the node is taken for lost after a minute, and its pods for not ready.
        life = ("--manage-all-nodes=true", "--node-lease-duration-seconds=40")
        self.processes.start("kwok", self.paths["kwok"], kubeconfig, *life, *configs)


def outcome(
    *, exit_code: int = 0, duration: str = "200ms", results: dict[str, str] | None = None, reason: str = ""
) -> dict[str, str]:
    """Annotations for a PipelineRun, TaskRun or the metadata of a taskSpec: how its simulated pods end.

    `duration` is a Go duration, such as "1h30m"; `reason` is that of the containers' end, such as "OOMKilled".
    """
    written = [{"key": name, "value": value, "type": 1} for name, value in (results or {}).items()]
    chosen = {
        "sim/exit-code": str(exit_code),
        "sim/duration": duration,
        "sim/results": json.dumps(written) if written else "",
        "sim/reason": reason,
    }
    return {name: value for name, value in chosen.items() if value}


def _large_node(name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def _ready(node: Any) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
