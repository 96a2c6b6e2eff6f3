"""The collection's playbooks `install` and `configure` as a person runs them, and what they put on a cluster."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.collection.conftest import Command
from tests.support.foreign_collections import kubernetes_core
from tests.testbed.apiserver import RefusedError
from tests.testbed.cluster import Cluster
from tests.testbed.processes import wait_until

NAMESPACE = "kabanero"
LABELS = "app.kubernetes.io/managed-by=kabanero.events"
KINDS = (
    "serviceaccounts,secrets,configmaps,services,deployments,ingresses,poddisruptionbudgets,roles,rolebindings,"
    "clusterroles,clusterrolebindings"
)
_RECAP = re.compile(r"^localhost +: ok=(\d+) +changed=(\d+) .* failed=(\d+)", re.MULTILINE)
_FORWARD = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class Played:
    """How a playbook ended: what it printed, and how many of its tasks changed something or failed."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        return int(self._recap()[1])

    @property
    def failed(self) -> int:
        return int(self._recap()[2])

    def _recap(self) -> tuple[str, ...]:
        found = _RECAP.search(self.output)
        assert found, self.output
        return found.groups()


class Installer:
    """Plays them against a cluster; `usual` are variables for every play."""

    def __init__(self, cluster: Cluster, ansible: Command, collections: Path, **usual: Any) -> None:
        self.cluster, self._ansible, self._usual = cluster, ansible, usual
        self._paths = f"{collections}:{kubernetes_core()}"

    def install(self, *flags: str, **variables: Any) -> Played:
        """Plays `install`; fails when it does. Variables are those of the role, without its prefix."""
        done = self.attempt("install", *flags, **variables)
        assert done.code == 0, done.output
        return done

    def configure(self, *flags: str, **variables: Any) -> Played:
        """The same for `configure`."""
        done = self.attempt("configure", *flags, **variables)
        assert done.code == 0, done.output
        return done

    def attempt(self, playbook: str, *flags: str, **variables: Any) -> Played:
        """Plays one that may fail."""
        usual = self._usual if playbook == "install" else {}
        values = {f"{playbook}_{name}": value for name, value in (usual | variables).items()}
        done = self._ansible(
            "ansible-playbook",
            f"kabanero.events.{playbook}",
            f"--extra-vars={json.dumps(values)}",
            *flags,
            ANSIBLE_COLLECTIONS_PATH=self._paths,
            K8S_AUTH_KUBECONFIG=str(self.cluster.kubeconfig),
        )
        return Played(done.returncode, done.stdout + done.stderr)

    # --- what is there ------------------------------------------------------------------------------------------

    def objects(self) -> dict[str, str]:
        """All that was installed, as `Kind name`, with its resourceVersion: it changes with every write."""
        listed = json.loads(self.cluster.kubectl("get", KINDS, "-A", f"-l={LABELS}", "-o=json"))["items"]
        found = {f"{each['kind']} {each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in listed}
        # The cluster itself writes into these, all the time.
        return {name: version for name, version in found.items() if not name.startswith("Deployment")} | {
            name: "" for name in found if name.startswith("Deployment")
        }

    def get(self, kind: str, name: str) -> Any:
        """One object of the runner's namespace, or of none."""
        return self.cluster.get(kind, name, NAMESPACE)

    def there(self, kind: str, name: str) -> bool:
        try:
            self.get(kind, name)
        except RefusedError:
            return False
        return True

    def pods(self) -> list[Any]:
        return self.cluster.list("pods", NAMESPACE, "app.kubernetes.io/name=kabanero-runner")

    @contextmanager
    def reached(self, service: str, port: int) -> Iterator[str]:
        """The URL under which a Service answers here; the API server carries requests to one of its pods."""
        command = [self.cluster.paths["kubectl"], f"--kubeconfig={self.cluster.kubeconfig}", "port-forward"]
        words = [*command, f"--namespace={NAMESPACE}", f"service/{service}", f":{port}", "--address=127.0.0.1"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forward:
            try:
                assert forward.stdout
                line = forward.stdout.readline()
                found = _FORWARD.match(line)
                assert found, line
                yield f"http://{found[1]}"
            finally:
                forward.kill()

    def gone(self, *names: str) -> None:
        """Waits until these definitions of kinds are not there."""
        for name in names:
            wait_until(lambda name=name: not self.there("crd", name), f"the end of {name}")
