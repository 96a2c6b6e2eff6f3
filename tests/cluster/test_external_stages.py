"""Custom stages on a cluster from end to end: the runner hands over, a program carries out, the run goes on.

Runner and program have exactly the rights that are shipped for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model import rbac

from tests.cluster.replica_world import KINDS
from tests.cluster.test_serve_on_kubernetes import RunnerBesideApiServer
from tests.support.runner import descendants, resource
from tests.support.runs import wait
from tests.support.stage_process import EXAMPLE, PROGRAM, StageProcess, git_repository
from tests.support.strategies import binding, marking_project, match, playbook_stage, strategy
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
SPACE = "kabanero"
DEEDS = Path(__file__).parents[1] / "integration" / "stages" / "program.py"
RIGHTS = Path(__file__).parents[2] / "config" / "rbac"
PLATFORMS = ("amd64", "ppcl3", "os390")
ENDS_SECONDS = 60.0


class World:
    """A runner, and the strategy `work`: a stage of the program, then a playbook that needs its success."""

    def __init__(self, server: ApiServer, runner: RunnerBesideApiServer, folder: Path) -> None:
        self.server, self.runner, self.folder = server, runner, folder
        self.marks = marking_project(runner.project)

    def apply_work(self, deed: str) -> str:
        """The strategy whose first stage does that; its name."""
        name = f"work-{deed}"
        work = binding("Work", "Work", [match("Start")])
        outputs = [{"stageVariable": "report", "strategyVariable": "report"}]
        work |= {"stageRef": {"kind": "Work", "name": name}, "resourceBindings": {"output": outputs}}
        tell = binding("Tell", "PlaybookStage", [match("Work", "Success")])
        definition = strategy(name, [work, tell])[0]
        definition["spec"]["strategyVariables"].append({"name": "report", "type": "object"})
        stage = {"parameters": {"do": deed}, "resources": {"output": [{"name": "report", "type": "object"}]}}
        self.runner.apply(resource("Work", name, stage), playbook_stage("tell"), definition)
        return name

    def start(self, strategy: str, **spec: Any) -> str:
        """A run of it; its name."""
        name = f"{strategy}-{uuid.uuid4().hex[:6]}"
        self.runner.apply(resource("StrategyRun", name, {"strategy": strategy, **spec}))
        return name

    def run(self, name: str) -> dict[str, Any]:
        return dict(self.server.get("strategyrun", name, SPACE))

    def ended(self, name: str) -> dict[str, Any]:
        """Its status, once it has ended."""
        wait(lambda: self.run(name).get("status", {}).get("completionTime"), ENDS_SECONDS)
        return dict(self.run(name)["status"])

    def work(self, run: str) -> dict[str, Any]:
        """The status of the run's stage Work."""
        stages = self.server.kind("stageruns").path(SPACE)
        found = self.server.read(f"{stages}?fieldSelector=spec.strategyRun={run},spec.stageName=Work")["items"]
        return dict(found[0].get("status", {})) if found else {}

    def let_go(self, run: str) -> None:
        (self.folder / f"{run}.go").touch()

    def told(self, run: str) -> bool:
        """Whether the second stage was carried out."""
        context = self.run(run)["status"]["contextID"]
        return self.marks.exists() and f"{context} Tell" in self.marks.read_text()


@pytest.fixture(scope="module")
def kinds(apiserver: ApiServer) -> ApiServer:
    """The API server with the kinds of the example and of the program, and the runner's rights."""
    apiserver.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    own = json.dumps(resource("StageKind", "work", {"kind": "Work", "controller": "external"}))
    for words, text in ((["-f", str(EXAMPLE / "stagekind.yaml")], ""), (["-f", "-"], own)):
        command = [str(Path(sys.executable).parent / "kabanero"), "crds", *words]
        definitions = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
        apiserver.apply(definitions)
        apiserver.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", "-", stdin=definitions)
    apiserver.apply(RIGHTS / "runner.yaml", RIGHTS / "own.yaml", *rbac.cluster_wide())
    return apiserver


@pytest.fixture
def world(kinds: ApiServer, tmp_path: Path) -> Iterator[World]:
    kinds.apply(resource("StageKind", "work", {"kind": "Work", "controller": "external"}))
    for file in ("stagekind.yaml", "stage.yaml", "strategy.yaml", "rbac.yaml"):
        kinds.apply(EXAMPLE / file)
    runner = RunnerBesideApiServer(tmp_path, kinds)
    account = kinds.service_account(SPACE, rbac.ACCOUNT)
    runner.config.write_text(f"{{store: kubernetes, kubernetes: {{kubeconfig: {account}}}}}")
    with runner:
        yield World(kinds, runner, tmp_path)
    kinds.kubectl("delete", f"{KINDS},works", "--all", "-n", SPACE, "--wait=false")


@pytest.fixture
def program(world: World) -> Iterator[StageProcess]:
    """The program of the tests' own deeds."""
    log, environment = world.folder / "stages.log", {"TEST_FOLDER": str(world.folder), "GONE_AFTER": "10"}
    with StageProcess(DEEDS, world.server.kubeconfig, log, **environment) as process:
        yield process


def test_the_example_is_built_by_a_strategy_with_the_rights_of_its_role_alone(world: World, tmp_path: Path) -> None:
    account = world.server.service_account(SPACE, "multi-platform-build")
    location, commit = git_repository(tmp_path / "repository")
    given = [{"name": "src_repo", "location": location, "commit": commit}]
    given += [{"name": name, "location": str(tmp_path / "artifacts")} for name in PLATFORMS]
    with StageProcess(PROGRAM, account, tmp_path / "example.log", "--namespace", SPACE) as process:
        status = world.ended(world.start("multi-platform", variables=given))
        assert status["phase"] == "Succeeded", process.said
    built = [Path(status["variables"][name]["location"]) for name in PLATFORMS]
    assert len({file.read_bytes().partition(b"\n")[0] for file in built}) == 3


@pytest.mark.usefixtures("program")
def test_progress_is_shown_and_outputs_reach_the_run_and_the_next_stage_starts(world: World) -> None:
    run = world.start(world.apply_work("go"))
    shown = wait(lambda: (now := world.work(run)).get("progress", {}).get("percent") and now, ENDS_SECONDS)
    assert (shown["phase"], shown["progress"]["message"]) == ("Running", "half way")
    assert shown["links"] == {"log": "https://ci.example.com/1"}
    world.let_go(run)
    status = world.ended(run)
    assert status["phase"] == "Succeeded"
    assert status["variables"]["report"]["location"].startswith("by ")
    assert world.told(run)


@pytest.mark.usefixtures("program")
def test_failed_work_fails_the_run_with_its_reason_and_starts_nothing(world: World) -> None:
    run = world.start(world.apply_work("fail"))
    status = world.ended(run)
    work = next(each for each in status["stages"] if each["name"] == "Work")
    assert (status["phase"], work["phase"], work["reason"]) == ("Failed", "Failed", "TestsFailed")
    assert work["message"] == "2 of 40 tests failed"
    assert not world.told(run)


def test_a_cancelled_run_ends_the_work_with_all_its_processes(world: World, program: StageProcess) -> None:
    run = world.start(world.apply_work("command"))
    wait(lambda: descendants(program.process.pid), ENDS_SECONDS)
    patch = json.dumps({"spec": {"cancel": True, "cancelReason": "enough"}})
    world.server.kubectl("patch", "strategyrun", run, "-n", SPACE, "--type=merge", "-p", patch)
    assert world.ended(run)["phase"] == "Cancelled"
    wait(lambda: not descendants(program.process.pid))
    assert "told" in (world.folder / "marks").read_text()


@pytest.mark.usefixtures("program")
def test_work_that_ends_while_the_runner_is_dead_is_taken_in_by_the_next_one(world: World) -> None:
    run = world.start(world.apply_work("go"))
    wait(lambda: world.work(run).get("progress"), ENDS_SECONDS)
    world.runner.kill()
    world.let_go(run)
    wait(lambda: world.work(run).get("completionTime"), ENDS_SECONDS)
    world.runner.start()
    assert world.ended(run)["phase"] == "Succeeded"
    assert world.told(run)


def test_a_stage_waits_for_its_program_and_goes_on_when_it_comes(world: World) -> None:
    run = world.start(world.apply_work("fail"))
    waiting = wait(lambda: (now := world.work(run)).get("waitsOn") == "External" and now, ENDS_SECONDS)
    assert waiting["phase"] == "Triggered"
    log, environment = world.folder / "late.log", {"TEST_FOLDER": str(world.folder), "GONE_AFTER": "10"}
    with StageProcess(DEEDS, world.server.kubeconfig, log, **environment):
        assert world.ended(run)["phase"] == "Failed"
