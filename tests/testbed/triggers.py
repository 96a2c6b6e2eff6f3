"""Tekton Triggers' sink beside a cluster, as it takes a webhook and makes a PipelineRun: a peer that benchmarks start.

Without its controller, webhook and interceptors: the sink reads its EventListener itself, and no signature is checked.
"""

from __future__ import annotations

import base64
import socket
from typing import Any

import yaml

from tests.testbed import parts
from tests.testbed.cluster import Cluster
from tests.testbed.processes import free_port
from tests.testbed.tekton import NAMESPACE

API = "triggers.tekton.dev/v1beta1"
PROCESS = "eventlistenersink"
CONFIG_MAPS = ("defaults-triggers", "feature-flags", "logging", "observability")


class Triggers:
    """One EventListener `push` in a namespace: each body makes the PipelineRun that `resource` says."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._program = parts.program(PROCESS)
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.port}/"

    def install(self, params: dict[str, str], resource: dict[str, Any]) -> None:
        """Definitions, configuration and the listener; `params` are expressions over the body."""
        config = parts.shipped(PROCESS, "config")
        crds = [yaml.safe_load(file.read_text()) for file in sorted(config.glob("300-*.yaml"))]
        for crd in crds:
            crd["spec"].pop("conversion", None)
        self._cluster.apply(*crds, *[(config / f"config-{name}.yaml").read_text() for name in CONFIG_MAPS])
        names = [f"crd/{crd['metadata']['name']}" for crd in crds]
        self._cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
        self._cluster.apply(self._interceptor(), self._listener(params, resource))

    def start(self) -> None:
        """Starts the sink; returns when it takes webhooks."""
        self._cluster.processes.start(
            PROCESS,
            self._program,
            f"--kubeconfig={self._cluster.kubeconfig}",
            "--el-name=push",
            f"--el-namespace={self._namespace}",
            f"--port={self.port}",
            SYSTEM_NAMESPACE=NAMESPACE,
            NAMESPACE=self._namespace,
            NAME="push",
            K_METRICS_CONFIG="{}",
            K_LOGGING_CONFIG="{}",
            EL_EVENT="disable",
            METRICS_PROMETHEUS_HOST="127.0.0.1",
            METRICS_PROMETHEUS_PORT=str(free_port()),
        )
        self._cluster.processes.wait_ready(PROCESS, self._answers)

    def kill(self) -> None:
        """SIGKILL."""
        self._cluster.processes.kill(PROCESS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def _interceptor(self) -> dict[str, Any]:
        """The sink does not start before one has an authority's certificate; nothing refers to it."""
        bundle = base64.b64encode(self._cluster.ca.read_bytes()).decode()
        client = {"caBundle": bundle, "url": "https://127.0.0.1:1/none"}
        metadata = {"name": "none", "labels": {"server/type": "https"}}
        about = {"apiVersion": "triggers.tekton.dev/v1alpha1", "kind": "ClusterInterceptor"}
        return about | {"metadata": metadata, "spec": {"clientConfig": client}}

    def _listener(self, params: dict[str, str], resource: dict[str, Any]) -> dict[str, Any]:
        bindings = [{"name": name, "value": value} for name, value in params.items()]
        template = {"spec": {"params": [{"name": name} for name in params], "resourcetemplates": [resource]}}
        trigger = {"name": "push", "bindings": bindings, "template": template}
        metadata = {"name": "push", "namespace": self._namespace}
        return {"apiVersion": API, "kind": "EventListener", "metadata": metadata, "spec": {"triggers": [trigger]}}
