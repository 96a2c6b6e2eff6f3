"""The runner with exactly the rights of config/rbac, in all namespaces or in some."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model import rbac

from tests.cluster.replica_world import KINDS, World, opened, seconds_until
from tests.support.runner import resource
from tests.support.strategies import chain
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
RIGHTS = Path(__file__).parents[2] / "config" / "rbac"
HERE, TEAM, CLOSED = "kabanero", "team", "closed"


@pytest.fixture
def world(apiserver: ApiServer, tmp_path: Path) -> Iterator[World]:
    with opened(apiserver, tmp_path) as made:
        yield made
        apiserver.kubectl("delete", "clusterrolebindings", *rbac.CLUSTER_ROLES, "--ignore-not-found")
        for namespace in (HERE, TEAM):
            apiserver.kubectl("delete", "rolebindings", "--all", "-n", namespace, "--ignore-not-found")
        apiserver.kubectl("delete", KINDS, "--all", "-n", TEAM, "--wait=false")


def account(server: ApiServer, *bindings: dict[str, Any]) -> str:
    """The runner's account with its roles bound so; its kubeconfig."""
    for namespace in (HERE, TEAM, CLOSED):
        server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    server.apply(RIGHTS / "runner.yaml", RIGHTS / "own.yaml", *bindings)
    return str(server.service_account(HERE, rbac.ACCOUNT))


def placed(namespace: str, *resources: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in resources]


def by_hand(name: str) -> dict[str, Any]:
    return resource("StrategyRun", name, {"strategy": "chain", "emit": {"name": "Start"}})


def phase(world: World, namespace: str, name: str) -> str:
    return str(world.server.get("strategyrun", name, namespace).get("status", {}).get("phase"))


def test_with_the_rights_for_all_namespaces_a_push_runs_to_its_end_and_nothing_is_refused(world: World) -> None:
    runner = world.replica(kubeconfig=account(world.server, *rbac.cluster_wide()))
    runner.source()
    runner.apply(*chain("Build", "Deploy"))
    assert runner.pushed()
    assert runner.wait_for_runs(1)[0]["status"]["phase"] == "Succeeded"
    world.server.apply(*placed(TEAM, *chain("Build"), by_hand("here-too")))
    seconds_until(lambda: phase(world, TEAM, "here-too") == "Succeeded", "a run in another namespace")
    runner.stop()
    assert " may not " not in runner.log.read_text()


def test_the_files_for_all_namespaces_are_what_was_tested(apiserver: ApiServer) -> None:
    shown = apiserver.kubectl("apply", "--dry-run=client", "-f", RIGHTS / "cluster-wide.yaml", "-o", "json")
    names = {each["roleRef"]["name"] for each in json.loads(shown)["items"]}
    assert names == set(rbac.CLUSTER_ROLES)


def test_a_namespace_that_may_not_be_read_holds_up_no_other_and_is_named(world: World) -> None:
    bindings = [*rbac.in_namespace(HERE), *rbac.in_namespace(TEAM)]
    runner = world.replica(kubeconfig=account(world.server, *bindings), namespaces=[CLOSED, HERE, TEAM])
    runner.source()
    runner.apply(*chain("Build"))
    assert runner.pushed()
    assert runner.wait_for_runs(1)[0]["status"]["phase"] == "Succeeded"
    world.server.apply(*placed(TEAM, *chain("Build"), by_hand("served")))
    seconds_until(lambda: phase(world, TEAM, "served") == "Succeeded", "a run in the other namespace")
    assert f"[!]namespace {CLOSED} is not served in full" in runner.text("/readyz")
    told = world.server.kubectl("get", "events", "-n", HERE, "-o", "jsonpath={.items[*].message}")
    assert f"namespace {CLOSED} is not served in full: system:serviceaccount:kabanero:{rbac.ACCOUNT} may not" in told
    assert "give it a role with the rule {apiGroups:" in runner.log.read_text()


def test_a_namespace_is_served_when_its_rights_are_granted(world: World) -> None:
    runner = world.replica(kubeconfig=account(world.server, *rbac.in_namespace(HERE)), namespaces=[HERE, TEAM])
    world.server.apply(*placed(TEAM, *chain("Build"), by_hand("waiting")))
    seconds_until(lambda: f"namespace {TEAM}" in runner.text("/readyz"), "the refusal")
    world.server.apply(*rbac.in_namespace(TEAM))
    seconds_until(lambda: phase(world, TEAM, "waiting") == "Succeeded", "its run", 40)
    seconds_until(lambda: runner.text("/readyz") == "ok", "nothing refused", 40)


def test_without_any_rights_the_log_says_what_is_missing(world: World) -> None:
    runner = world.replica(kubeconfig=str(world.server.service_account(HERE, "nobody")))
    log = runner.log.read_text
    seconds_until(lambda: "may not get leases" in log() and "may not list strategytriggers" in log(), "what is missing")
    assert 'give it a role with the rule {apiGroups: ["coordination.k8s.io"]' in log()
