"""Tekton Pipelines beside a cluster: its controller runs as a process, without its webhook."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

import yaml

from tests.testbed import parts
from tests.testbed.processes import free_port

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

NAMESPACE = "tekton-pipelines"
ENTRYPOINT_IMAGE = "docker.io/local/entrypoint:1"
SHELL_IMAGE = "docker.io/local/busybox:1"
CONFIG_MAPS = (
    "defaults events feature-flags leader-election-controller logging observability registry-cert spire tracing"
    " wait-exponential-backoff"
)
AS_RELEASED: tuple[str, ...] = ()
# With its own limits on requests two PipelineRuns end in a second.
RAISED_LIMITS = ("--kube-api-qps=500", "--kube-api-burst=1000", "--threads-per-controller=16")


class Tekton:
    """Its definitions and configuration, and its controller, which may be stopped and started again."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.limits = RAISED_LIMITS
        """Flags for its client's limits; heeded by the next start."""

    def install(self) -> None:
        """Puts definitions and ConfigMaps on the API server."""
        config = parts.shipped("tekton-controller", "config")
        crds = [_without_conversion(file.read_text()) for file in sorted((config / "300-crds").glob("*.yaml"))]
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.cluster.apply(*crds, *[(config / f"config-{name}.yaml").read_text() for name in CONFIG_MAPS.split()])
        self.cluster.wait_established(*crds)

    def start(self) -> None:
        """Starts the controller; returns when it is ready."""
        images = {"entrypoint", "nop", "sidecarlogresults", "workingdirinit"}
        probes = free_port()
        self.cluster.processes.start(
            "tekton",
            self.cluster.paths["tekton-controller"],
            f"--kubeconfig={self.cluster.kubeconfig}",
            "--disable-ha",
            *[f"-{image}-image={ENTRYPOINT_IMAGE}" for image in sorted(images)],
            f"-shell-image={SHELL_IMAGE}",
            "-shell-image-win=none",
            *self.limits,
            SYSTEM_NAMESPACE=NAMESPACE,
            KUBERNETES_MIN_VERSION="v1.28.0",
            PROBES_PORT=str(probes),
            METRICS_PROMETHEUS_HOST="127.0.0.1",
            METRICS_PROMETHEUS_PORT=str(free_port()),
        )
        self.cluster.processes.wait_ready("tekton", lambda: _answers(probes))

    def stop(self) -> None:
        """SIGKILL: PipelineRuns stay as they are until it starts again."""
        self.cluster.processes.kill("tekton")

    def restart(self, limits: tuple[str, ...]) -> None:
        """With other limits."""
        self.stop()
        self.limits = limits
        self.start()

    def is_running(self) -> bool:
        """Whether the controller's process is there."""
        return self.cluster.processes.pid("tekton") is not None


def _without_conversion(text: str) -> dict[str, Any]:
    """Versions would be converted by the webhook, which is not here; only the stored one is used."""
    crd: dict[str, Any] = yaml.safe_load(text)
    crd["spec"].pop("conversion", None)
    return crd


def _answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readiness", timeout=5) as answer:
        return bool(answer.status == 200)
