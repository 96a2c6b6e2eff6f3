"""The collection's modules against a real API server, with the runner beside it: the same promises as on our own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.integration.collection.conftest import Command, ansible, collections  # noqa: F401
from tests.integration.collection.test_modules import BAD, GOOD, NAMESPACES, PLAYBOOKS
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
OWN_WORDS = {"stage_kind"}
"""Playbooks that hold what a cluster answers in another way: a new kind needs its definition there first."""
PLAYBOOK_NAMES = sorted({path.stem for path in PLAYBOOKS.glob("*.yml")} - OWN_WORDS)


@pytest.fixture(scope="module")
def runner(apiserver: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerBesideApiServer]:
    """A runner whose resources are the API server's, shared by all tests of this file."""
    for name in ("kabanero", *NAMESPACES):
        apiserver.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    with RunnerBesideApiServer(tmp_path_factory.mktemp("runner"), apiserver) as runner:
        for name, text in {"good": GOOD, "bad": BAD}.items():
            (runner.project / f"{name}.yml").write_text(text)
        yield runner
    for name in NAMESPACES:
        apiserver.kubectl("delete", "strategytriggers,strategyruns,stageruns", "--all", "-n", name, "--wait=false")


@pytest.mark.parametrize("playbook", PLAYBOOK_NAMES)
def test_a_module_keeps_its_promises(ansible: Command, runner: RunnerBesideApiServer, playbook: str) -> None:  # noqa: F811
    where = json.dumps({"runner_host": runner.url, "runner_token": runner.token})
    kubeconfig = str(runner.server.kubeconfig)
    done = ansible("ansible-playbook", "-e", where, PLAYBOOKS / f"{playbook}.yml", K8S_AUTH_KUBECONFIG=kubeconfig)
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_asks_the_api_server_for_events_is_told_where_they_are(
    ansible: Command,  # noqa: F811
    runner: RunnerBesideApiServer,
) -> None:
    kubeconfig = str(runner.server.kubeconfig)
    done = ansible("ansible", "localhost", "-m", "kabanero.events.event_info", K8S_AUTH_KUBECONFIG=kubeconfig)
    assert done.returncode != 0
    assert "the runner itself, which alone knows of events, is not reached" in done.stdout
