"""Several runners on one API server, one project and one webhook secret; and who of them leads."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.strategies import marking_project
from tests.testbed.apiserver import ApiServer
from tests.testbed.processes import wait_until

NAMESPACE = "kabanero"
KINDS = (
    "strategyruns,stageruns,strategydefinitions,strategytriggers,playbookstages,githubeventsources,queuedevents,"
    "configmaps,secrets,leases.coordination.k8s.io"
)
TAKEOVER_SECONDS = 15.0
PATIENCE = 60.0
"""What is waited for comes much sooner, unless the machine has other work."""


class Replica(RunnerBesideApiServer):
    """One of them; `settings` are of its section `kubernetes`."""

    def __init__(self, folder: Path, server: ApiServer, project: Path, **settings: Any) -> None:
        super().__init__(folder, server)
        self.project = project
        kubernetes = {"kubeconfig": str(server.kubeconfig), **settings}
        config = {"store": "kubernetes", "kubernetes": kubernetes, "metricsOpen": True}
        self.config.write_text(json.dumps(config))

    @property
    def identity(self) -> str:
        return (self.data / "replica").read_text()

    def pushed(self, delivery: str = "", seconds: float = 30) -> bool:
        """Whether a push was taken, sent again as the forge does."""
        deadline = time.monotonic() + seconds
        while self.push(delivery=delivery) != 202:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


class World:
    """What all of them share."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server, self._folder = server, folder
        self.project = folder / "shared"
        self.project.mkdir()
        self.marks = marking_project(self.project)
        self.replicas: list[Replica] = []

    def replica(self, **settings: Any) -> Replica:
        """One more, started."""
        made = Replica(self._new_folder(), self.server, self.project, **settings)
        self.replicas.append(made)
        made.start()
        return made

    def leading(self, **settings: Any) -> Replica:
        """The first one, which leads before another comes."""
        made = self.replica(**settings)
        wait_until(lambda: self.holder() == made.identity, "its lead", PATIENCE)
        return made

    def _new_folder(self) -> Path:
        folder = self._folder / f"replica-{len(self.replicas)}"
        folder.mkdir()
        return folder

    def holder(self) -> str:
        """Who leads by the lease; empty: nobody."""
        try:
            return str(self.server.get("leases.coordination.k8s.io", "kabanero", NAMESPACE)["spec"]["holderIdentity"])
        except (OSError, KeyError):
            return ""

    def leader(self) -> Replica:
        """Waits for one."""
        wait_until(lambda: self.holder() != "", "a leader", PATIENCE)
        holder = self.holder()
        return next(each for each in self.replicas if each.identity == holder)

    def done(self) -> Counter[str]:
        """How often each stage of each run was carried out."""
        return Counter(self.marks.read_text().splitlines()) if self.marks.exists() else Counter()

    def close(self) -> None:
        for each in self.replicas:
            each.stop()
        self.server.kubectl("delete", KINDS, "--all", "-n", NAMESPACE, "--wait=false")


@contextlib.contextmanager
def opened(server: ApiServer, folder: Path) -> Iterator[World]:
    """A world on a server; all is gone at the end."""
    server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    world = World(server, folder)
    try:
        yield world
    finally:
        world.close()


def seconds_until(condition: Callable[[], bool], what: str, limit: float = PATIENCE) -> float:
    """How long it took."""
    began = time.monotonic()
    wait_until(condition, what, limit)
    return time.monotonic() - began
