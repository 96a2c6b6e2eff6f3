"""Renewed logins at AWX on a cluster are kept in the Secret, where the runner has the right that the guide gives."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model import rbac

from tests.cluster.replica_world import KINDS, Replica, World, opened
from tests.cluster.test_rights import HERE, account
from tests.integration.awx.test_application_login import login
from tests.integration.awx.world import secret
from tests.integration.docs.reading import ROOT, blocks
from tests.support.awx import FakeAwx, Script
from tests.support.runner import resource
from tests.support.strategies import binding, match
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
GUIDE = ROOT / "docs" / "how-to" / "awx.md"


@pytest.fixture
def awx() -> Iterator[FakeAwx]:
    with FakeAwx() as started:
        started.template("deploy", Script())
        yield started


@pytest.fixture
def world(apiserver: ApiServer, tmp_path: Path) -> Iterator[World]:
    with opened(apiserver, tmp_path) as made:
        yield made
        apiserver.kubectl("delete", "clusterrolebindings", *rbac.CLUSTER_ROLES, "--ignore-not-found")
        apiserver.kubectl("delete", "roles,rolebindings", "--all", "-n", HERE, "--ignore-not-found")
        apiserver.kubectl("delete", f"{KINDS},jobtemplatestages", "--all", "-n", HERE, "--wait=false")


def started(world: World, awx: FakeAwx, given: dict[str, str]) -> Replica:
    """A runner with the rights of config/rbac, and a run whose token has expired."""
    runner = world.replica(kubeconfig=account(world.server, *rbac.cluster_wide()))
    awx.call(awx.people.expire_all)
    spec = {"jobTemplate": "deploy", "connection": {"url": awx.url, "secret": "awx", "pollInterval": "200ms"}}
    stages = [binding("Deploy", "JobTemplateStage", [match("Start")])]
    runner.apply(
        secret("awx", **given),
        resource("JobTemplateStage", "deploy", spec),
        resource("StrategyDefinition", "ship", {"stageBindings": stages}),
        resource("StrategyRun", "ship-1", {"strategy": "ship"}),
    )
    return runner


def kept(server: ApiServer) -> str:
    """The token in the Secret."""
    data: dict[str, Any] = server.get("secret", "awx", HERE)["data"]
    return base64.b64decode(data["token"]).decode()


def until(found: Callable[[], Any], runner: Replica) -> None:
    deadline = time.monotonic() + 60
    while not found():
        assert time.monotonic() < deadline, runner.log.read_text()[-3000:]
        time.sleep(0.1)


def test_with_the_guides_right_a_renewed_token_is_kept(world: World, awx: FakeAwx) -> None:
    account(world.server)
    [block] = [each for each in blocks(GUIDE) if Path(__file__).name in each.marks.get("not run", "")]
    for line in block.text.splitlines():
        world.server.kubectl(*line.removeprefix("kubectl ").split())
    given = login(awx)
    runner = started(world, awx, given)
    assert runner.wait_for_runs(1)[0]["status"]["phase"] == "Succeeded"
    until(lambda: kept(world.server) != given["token"], runner)
    assert kept(world.server) in {row["token"] for row in awx.tables.rows["tokens"].values()}


def test_without_it_the_run_goes_on_and_the_log_says_what_is_missing(world: World, awx: FakeAwx) -> None:
    given = login(awx)
    runner = started(world, awx, given)
    assert runner.wait_for_runs(1)[0]["status"]["phase"] == "Succeeded"
    assert kept(world.server) == given["token"]
    until(lambda: "Let the runner's account get and update that Secret" in runner.log.read_text(), runner)
