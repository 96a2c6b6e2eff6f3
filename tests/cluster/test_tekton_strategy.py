"""A whole strategy with Tekton: signed push, build, approval, deployment; and what can come between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stage_world import pipeline, step_task
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.runner import resource
from tests.support.strategies import binding, match
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.cluster
AWAY_SECONDS = 15
KINDS = (
    "strategyruns,stageruns,strategydefinitions,strategytriggers,tektonstages,emailapprovalstages,githubeventsources,"
    "pipelines.tekton.dev,pipelineruns.tekton.dev"
)
MADE = {"url": "registry/shop:1", "digest": "sha256:ab"}
RESULTS = [
    {"name": "image-url", "value": "$(tasks.compile.results.url)"},
    {"name": "image-digest", "value": "$(tasks.compile.results.digest)"},
]
SOURCE = {"name": "source", "type": "github"}
IMAGE = {"name": "image", "type": "image"}


def bound(**names: str) -> list[dict[str, str]]:
    return [{"stageVariable": stage, "strategyVariable": variable} for stage, variable in names.items()]


def strategy() -> list[dict[str, Any]]:
    """Build, approval, deploy, for every push."""
    build = {"input": bound(source="src_repo"), "output": bound(image="app")}
    bindings = [
        binding("Build", "TektonStage", [match("Start")], resourceBindings=build),
        binding("Approval", "EmailApprovalStage", [match("Build", "Success")]),
        binding(
            "Deploy", "TektonStage", [match("Approval", "Success")], resourceBindings={"input": bound(image="app")}
        ),
    ]
    variables = [{"name": "src_repo", "type": "github"}, {"name": "app", "type": "image"}]
    values = {"location": "${event.location}", "branch": "${event.branch}", "commit": "${event.commit}"}
    push = {
        "match": {"eventName": "Push"},
        "variableBindings": [{"name": "src_repo", **values}],
        "emit": {"name": "Start"},
    }
    return [
        resource(
            "TektonStage", "build", {"pipelineName": "build", "resources": {"input": [SOURCE], "output": [IMAGE]}}
        ),
        resource("TektonStage", "deploy", {"pipelineName": "deploy", "resources": {"input": [IMAGE]}}),
        resource("EmailApprovalStage", "approval", {"message": "May it be deployed?"}),
        resource("StrategyDefinition", "ship", {"strategyVariables": variables, "stageBindings": bindings}),
        resource("StrategyTrigger", "ship", {"strategy": "ship", "events": [push]}),
    ]


class Ship(RunnerBesideApiServer):
    """A runner on a cluster with Tekton, the strategy, and people who look and decide."""

    server: SimulatedCluster

    def pipelines(self, build: dict[str, Any]) -> None:
        params = [{"name": "source-url"}, {"name": "source-revision"}]
        clean = {"finally": [step_task("clean")]}
        made = pipeline("build", build, params=params, results=RESULTS if build["taskSpec"]["results"] else [], **clean)
        deployed = pipeline("deploy", step_task("roll-out"), params=[{"name": "image"}, {"name": "image-digest"}])
        self.apply(made, deployed)

    def pushed(self) -> None:
        """Sends a push until the source has been read and it is taken."""
        wait_until(lambda: self.push() == 202, "a push that is taken")

    def stage(self, name: str, check: Callable[[dict[str, Any]], object], seconds: float = 60) -> dict[str, Any]:
        """The StageRun of a stage, once its status is so."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [each for each in self.list("stageruns") if each["spec"]["stageName"] == name]
            return bool(found and check(found[0].get("status", {})))

        wait_until(look, f"stage {name}", seconds)
        return found[0]

    def pipeline_run(self, stage: str) -> dict[str, Any]:
        """The only one of a stage."""
        label = f"kabanero.io/stage={stage}"
        [found] = json.loads(self.server.kubectl("get", "pipelineruns", "-n", "kabanero", "-l", label, "-o", "json"))[
            "items"
        ]
        return dict(found)

    def change(self, kind: str, name: str, **spec: Any) -> None:
        self.server.kubectl("patch", kind, name, "-n", "kabanero", "--type=merge", f"-p={json.dumps({'spec': spec})}")


@pytest.fixture
def ship(cluster: SimulatedCluster, tmp_path: Path) -> Iterator[Ship]:
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kabanero"}})
    with Ship(tmp_path, cluster) as runner:
        runner.source()
        runner.apply(*strategy())
        yield runner
    cluster.kubectl("delete", KINDS, "--all", "-n", "kabanero", "--wait=false")


def params_of(run: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in run["spec"]["params"]}


def phases(run: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["phase"] for each in run["status"]["stages"]}


def test_a_push_is_built_approved_and_deployed_by_tekton(ship: Ship) -> None:
    ship.pipelines(step_task("compile", results=MADE))
    ship.pushed()
    approval = ship.stage("Approval", lambda status: status.get("waitsOn") == "Approval")
    ship.change("stagerun", approval["metadata"]["name"], approval={"decision": "Approved", "by": "champ"})
    (run,) = ship.wait_for_runs(1)
    assert run["status"]["phase"] == "Succeeded", run["status"]
    assert run["status"]["variables"]["app"] == {"location": "registry/shop:1", "digest": "sha256:ab"}
    build, deploy = ship.pipeline_run("Build"), ship.pipeline_run("Deploy")
    assert params_of(build) == {"source-url": "https://github.com/acme/shop", "source-revision": "c0ffee"}
    assert params_of(deploy) == {"image": "registry/shop:1", "image-digest": "sha256:ab"}
    context = run["status"]["contextID"]
    assert {each["metadata"]["labels"]["kabanero.io/context-id"] for each in (build, deploy)} == {context}


def test_a_step_that_fails_fails_the_run_and_says_where(ship: Ship) -> None:
    ship.pipelines(step_task("compile", exit_code=2))
    ship.pushed()
    (run,) = ship.wait_for_runs(1)
    assert (run["status"]["phase"], phases(run)) == (
        "Failed",
        {"Build": "Failed", "Approval": "Skipped", "Deploy": "Skipped"},
    )
    stage = ship.stage("Build", lambda status: status.get("phase") == "Failed")["status"]
    assert stage["reason"] == "Failed"
    assert "task compile failed in step work with exit code 2 (StepFailed)" in stage["message"]
    assert "Log" in stage["links"]


def test_cancelling_the_run_cancels_the_pipeline_in_order(ship: Ship) -> None:
    ship.pipelines(step_task("compile", duration="1h"))
    ship.pushed()
    ship.stage("Build", lambda status: status.get("waitsOn") == "Object")
    wait_until(lambda: ship.pipeline_run("Build").get("status", {}).get("childReferences"), "a task that runs")
    ship.change("strategyrun", ship.runs()[0]["metadata"]["name"], cancel=True)
    (run,) = ship.wait_for_runs(1)
    assert (run["status"]["phase"], phases(run)["Build"]) == ("Cancelled", "Cancelled")
    status = ship.pipeline_run("Build")["status"]
    assert status["conditions"][0]["reason"] == "Cancelled"
    assert {each["pipelineTaskName"] for each in status["childReferences"]} == {"compile", "clean"}


def test_a_runner_that_is_killed_meanwhile_goes_on_with_the_pipeline_run_that_is_there(ship: Ship) -> None:
    ship.pipelines(step_task("compile", results=MADE, duration="3s"))
    ship.pushed()
    ship.stage("Build", lambda status: status.get("waitsOn") == "Object")
    ship.kill()
    wait_until(lambda: ship.pipeline_run("Build").get("status", {}).get("completionTime"), "the build")
    ship.start()
    approval = ship.stage("Approval", lambda status: status.get("waitsOn") == "Approval")
    assert approval["status"]["variables"]["app"]["digest"] == "sha256:ab"
    ship.pipeline_run("Build")


def test_a_tekton_that_is_away_for_a_while_is_waited_for(ship: Ship) -> None:
    ship.pipelines(step_task("compile", results=MADE))
    ship.server.tekton.stop()
    try:
        ship.pushed()
        ship.stage("Build", lambda status: status.get("waitsOn") == "Object")
    finally:
        ship.server.tekton.start()
    ship.stage("Approval", lambda status: status.get("waitsOn") == "Approval")


def test_an_outage_of_the_api_server_loses_nothing_and_doubles_nothing(ship: Ship) -> None:
    ship.pipelines(step_task("compile", results=MADE, duration="2s"))
    ship.pushed()
    for number in range(9):
        assert ship.push(commit=f"c{number}") == 202
    ship.server.kill_apiserver()
    time.sleep(AWAY_SECONDS)  # The outage itself.
    ship.server.start_apiserver()
    wait_until(lambda: len(approvals(ship)) == 10, "the approvals of ten runs", 90)
    builds = [run["metadata"]["labels"]["kabanero.io/strategy-run"] for run in ship.list("pipelineruns")]
    assert sorted(builds) == sorted({run["metadata"]["name"] for run in ship.runs()})


def approvals(ship: Ship) -> list[str]:
    """The runs that wait for approval."""
    waiting = [each for each in ship.list("stageruns") if each.get("status", {}).get("waitsOn") == "Approval"]
    return [each["spec"]["strategyRun"] for each in waiting]
