"""JobTemplateStages where resources and Secrets lie on an API server: launched once there too, whoever dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.test_serve_on_kubernetes import KINDS, RunnerBesideApiServer
from tests.integration.awx.world import BOUND, RESOURCES, secret
from tests.support.awx import FakeAwx, Script
from tests.support.runner import resource
from tests.support.strategies import binding, match
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
REPORT = {"kabanero_stage_result": {"outputs": {"endpoint": "https://shop"}}}


@pytest.fixture
def awx() -> Iterator[FakeAwx]:
    with FakeAwx() as started:
        yield started


@pytest.fixture
def runner(apiserver: ApiServer, tmp_path: Path) -> Iterator[RunnerBesideApiServer]:
    apiserver.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kabanero"}})
    with RunnerBesideApiServer(tmp_path, apiserver) as runner:
        yield runner
    apiserver.kubectl("delete", f"{KINDS},jobtemplatestages", "--all", "-n", "kabanero", "--wait=false")


def ship(runner: RunnerBesideApiServer, awx: FakeAwx) -> None:
    variables = [{"name": "app_image", "type": "image"}, {"name": "endpoint", "type": "string"}]
    stages = [binding("Deploy", "JobTemplateStage", [match("Start")], resourceBindings=BOUND)]
    connection = {"url": awx.url, "secret": "awx", "pollInterval": "200ms"}
    spec = {"jobTemplate": "deploy", "connection": connection, "resources": RESOURCES}
    runner.apply(
        secret("awx", token=awx.new_token()),
        resource("JobTemplateStage", "deploy", spec),
        resource("StrategyDefinition", "ship", {"strategyVariables": variables, "stageBindings": stages}),
        resource("StrategyRun", "ship-1", {"strategy": "ship"}),
    )


def until(found: Callable[[], Any], runner: RunnerBesideApiServer) -> Any:
    deadline = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < deadline, runner.log.read_text()[-3000:]
        time.sleep(0.1)
    return value


def stage(runner: RunnerBesideApiServer) -> dict[str, Any]:
    return next((each.get("status", {}) for each in runner.list("stageruns")), {})


def test_the_job_of_a_stage_is_followed(runner: RunnerBesideApiServer, awx: FakeAwx) -> None:
    awx.template("deploy", Script(artifacts=REPORT))
    ship(runner, awx)
    [run] = runner.wait_for_runs(1)
    assert (run["status"]["phase"], run["status"]["variables"]["endpoint"]) == ("Succeeded", "https://shop")
    assert stage(runner)["links"]["AWX job"].startswith(awx.url)


def test_a_runner_that_died_takes_up_its_job_again(runner: RunnerBesideApiServer, awx: FakeAwx) -> None:
    awx.template("deploy", Script(hold=True))
    ship(runner, awx)
    id = until(lambda: stage(runner).get("job", {}).get("id"), runner)
    runner.kill()
    awx.end(id, Script(artifacts=REPORT))
    runner.start()
    [run] = runner.wait_for_runs(1, seconds=120)
    assert run["status"]["phase"] == "Succeeded"
    assert len(awx.launched()) == 1


def test_cancelling_the_run_cancels_the_job(runner: RunnerBesideApiServer, awx: FakeAwx) -> None:
    awx.template("deploy", Script(hold=True))
    ship(runner, awx)
    id = until(lambda: stage(runner).get("job", {}).get("id"), runner)
    runner.server.kubectl(
        "patch", "strategyrun", "ship-1", "-n", "kabanero", "--type=merge", '-p={"spec":{"cancel":true}}'
    )
    [run] = runner.wait_for_runs(1)
    assert (run["status"]["phase"], awx.job(id)["status"]) == ("Cancelled", "canceled")
