"""A runner with just its rights, behind a Service of the API server, and people who have a kubeconfig and no more."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kabanero.model import rbac

from tests.cluster.replica_world import KINDS
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.absent import absent
from tests.testbed.apiserver import ApiServer

RIGHTS = Path(__file__).parents[2] / "config" / "rbac"
HERE, TEAM = rbac.NAMESPACE, "team"
ADDRESS = "192.0.2.7"
"""Of the loopback device: an API server hands requests on to no address in 127.0.0.0/8."""


class World:
    """The runner and how people reach it."""

    def __init__(self, server: ApiServer, runner: RunnerBesideApiServer, folder: Path) -> None:
        self.server, self.runner, self.home = server, runner, folder / "home"
        self.home.mkdir()

    def person(self, name: str, role: str, namespace: str) -> Path:
        """The kubeconfig of an account with the roles that a cluster adds to its own `view` or `edit`."""
        kubeconfig = self.server.service_account(TEAM, name)
        for each in ["view", "edit"] if role == "edit" else ["view"]:
            self.server.apply(bound(f"{name}-{each}", f"kabanero-{each}", namespace, name))
        return kubeconfig

    def kabanero(self, kubeconfig: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What the command says to somebody whose home holds nothing."""
        program = Path(sys.executable).parent / "kabanero"
        environ = self.environ(kubeconfig) | environment
        return subprocess.run([program, *words], env=environ, capture_output=True, text=True, check=False, timeout=60)

    def environ(self, kubeconfig: Path) -> dict[str, str]:
        named = {"HOME": str(self.home), "KUBECONFIG": str(kubeconfig), "K8S_AUTH_KUBECONFIG": str(kubeconfig)}
        hidden = ("KABANERO_", "XDG_", "K8S_AUTH_")
        return {key: value for key, value in os.environ.items() if not key.startswith(hidden)} | named


def bound(name: str, role: str, namespace: str, account: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": TEAM}],
    }


def put_behind_service(server: ApiServer, port: int) -> None:
    """The Service that the installer makes. The runner stands in for its pod, which no kubelet starts here."""
    about = {"name": rbac.ACCOUNT, "namespace": HERE}
    pod = {"serviceAccountName": rbac.ACCOUNT, "containers": [{"name": "runner", "image": "kabanero-runner"}]}
    ports = [{"name": "http", "port": 8080, "targetPort": port}]
    server.apply({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": pod})
    status = {"status": {"phase": "Running", "podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}}
    server.kubectl("patch", "pod", rbac.ACCOUNT, "-n", HERE, "--subresource=status", "-p", json.dumps(status))
    reference = {"kind": "Pod", **about, "uid": server.get("pod", rbac.ACCOUNT, HERE)["metadata"]["uid"]}
    address = {"ip": ADDRESS, "targetRef": reference}
    subset = {"addresses": [address], "ports": [{"name": "http", "port": port}]}
    server.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"ports": ports}},
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": about, "subsets": [subset]},
    )


@contextlib.contextmanager
def an_address() -> Iterator[None]:
    """ADDRESS on the loopback device, for as long as it is needed."""
    added = subprocess.run(
        ["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], capture_output=True, text=True, check=False
    )
    if added.returncode and "exists" not in added.stderr:
        absent("an address for the API server's proxy", f"run as root: {added.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", f"{ADDRESS}/32", "dev", "lo"], capture_output=True, check=False)


@contextlib.contextmanager
def opened(server: ApiServer, folder: Path) -> Iterator[World]:
    """The world; all is gone at the end."""
    for namespace in (HERE, TEAM):
        server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    server.apply(RIGHTS / "runner.yaml", RIGHTS / "own.yaml", RIGHTS / "people.yaml", *rbac.cluster_wide())
    with an_address():
        runner = RunnerBesideApiServer(folder, server)
        runner.address = ADDRESS
        account = server.service_account(HERE, rbac.ACCOUNT)
        runner.config.write_text(f"{{store: kubernetes, kubernetes: {{kubeconfig: {account}}}, metricsOpen: true}}")
        try:
            with runner:
                put_behind_service(server, runner.port)
                yield World(server, runner, folder)
        finally:
            server.kubectl("delete", KINDS, "--all", "-n", HERE, "--wait=false")
            server.kubectl("delete", "strategyruns,stageruns", "--all", "-n", TEAM, "--wait=false")
            server.kubectl("delete", "services,endpoints,pods,rolebindings", "--all", "-n", HERE, "--force")
            server.kubectl("delete", "clusterrolebindings", *rbac.CLUSTER_ROLES, rbac.REVIEWS, "--ignore-not-found")
