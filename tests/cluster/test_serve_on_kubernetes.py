"""`kabanero serve --store kubernetes`: a signed push through a whole strategy, with the resources on the API server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.runner import Runner
from tests.support.runs import wait
from tests.support.strategies import chain, marking_project
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
KINDS = "strategyruns,stageruns,strategydefinitions,strategytriggers,playbookstages,githubeventsources,secrets"


class RunnerBesideApiServer(Runner):
    """The runner, whose resources are the API server's."""

    def __init__(self, folder: Path, server: ApiServer) -> None:
        kubernetes = {"kubeconfig": str(server.kubeconfig)}
        super().__init__(folder, config={"store": "kubernetes", "kubernetes": kubernetes, "metricsOpen": True})
        self.server = server

    def apply(self, *resources: dict[str, Any]) -> None:
        placed = [{**each, "metadata": {"namespace": "kabanero", **each["metadata"]}} for each in resources]
        self.server.apply(*placed)

    def runs(self) -> list[dict[str, Any]]:
        return self.list("strategyruns")

    def list(self, kind: str) -> list[dict[str, Any]]:
        group = "tekton.dev/v1" if kind == "pipelineruns" else "kabanero.io/v1alpha1"
        return list(self.server.read(f"/apis/{group}/namespaces/kabanero/{kind}")["items"])

    def text(self, path: str) -> str:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode())


@pytest.fixture
def runner(apiserver, tmp_path):
    apiserver.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kabanero"}})
    with RunnerBesideApiServer(tmp_path, apiserver) as runner:
        yield runner
    apiserver.kubectl("delete", KINDS, "--all", "-n", "kabanero", "--wait=false")


def phases(runner: RunnerBesideApiServer) -> list[str]:
    return [each.get("status", {}).get("phase", "") for each in runner.list("stageruns")]


def test_a_push_runs_a_strategy_to_its_end(runner: RunnerBesideApiServer) -> None:
    marks = marking_project(runner.project)
    runner.source()
    runner.apply(*chain("Build", "Deploy"))
    while runner.push() != 202:  # The source may not have been read yet.
        pass
    (run,) = runner.wait_for_runs(1)
    assert run["status"]["phase"] == "Succeeded"
    assert Counter(marks.read_text().split("\n")[:-1]) == {
        f"{run['status']['contextID']} Build": 1,
        f"{run['status']['contextID']} Deploy": 1,
    }
    wait(lambda: phases(runner) == ["Succeeded", "Succeeded"])  # A stage is settled right after its run has heard.
    stage_runs = runner.list("stageruns")
    log = f"/apis/kabanero.io/v1alpha1/namespaces/kabanero/stageruns/{stage_runs[0]['metadata']['name']}/log"
    assert "Leave a mark" in runner.text(log)
    assert len(json.loads(runner.text("/runner/v1/events"))["items"]) >= 3
    assert 'kabanero_kubernetes_requests_total{verb="create",resource="stageruns"} 2' in runner.text("/metrics")


def test_resources_are_left_to_the_api_server(runner: RunnerBesideApiServer) -> None:
    assert "ok" in runner.text("/readyz")
    with pytest.raises(urllib.error.HTTPError) as caught:
        runner.text("/apis/kabanero.io/v1alpha1/namespaces/kabanero/strategyruns")
    assert caught.value.code == 404
    assert f"resources are served by {runner.server.url}" in caught.value.read().decode()
    assert not (runner.data / "kubeconfig").exists()


def test_a_runner_whose_namespace_is_missing_says_so_and_ends(apiserver: ApiServer, tmp_path: Path) -> None:
    settings = {"kubeconfig": str(apiserver.kubeconfig), "namespace": "nowhere"}
    (tmp_path / "kabanero.yaml").write_text(json.dumps({"store": "kubernetes", "kubernetes": settings}))
    kabanero = Path(sys.executable).parent / "kabanero"
    words = ["serve", "--data-dir=data", "--config=kabanero.yaml", "--listen=127.0.0.1:0"]
    done = subprocess.run([kabanero, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "ready" not in done.stdout
    assert "kubernetes.namespace is invalid" in done.stderr
    assert "nowhere: is not on the cluster (kubectl create namespace nowhere;" in done.stderr
