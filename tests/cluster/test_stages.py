"""The library for custom stages on a real API server: StageRuns are triggered by hand, as the runner does it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.runner import descendants, resource
from tests.support.runs import wait
from tests.support.stage_process import EXAMPLE, PROGRAM, StageProcess, git_repository
from tests.testbed.apiserver import ApiServer

NAMESPACE = "kabanero"
DEEDS = Path(__file__).parents[1] / "integration" / "stages" / "program.py"
Starter = Callable[..., StageProcess]


@pytest.fixture(scope="module")
def cluster(apiserver: ApiServer) -> ApiServer:
    """The API server with the kinds that `kabanero crds` prints for the example and for the tests' own."""
    apiserver.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    own = "".join(_stage_kind(kind) for kind in ("Work", "WorkAgain", "AsyncWork"))
    for words, text in ((["-f", str(EXAMPLE / "stagekind.yaml")], ""), (["-f", "-"], own)):
        definitions = _kabanero("crds", *words, stdin=text)
        apiserver.apply(definitions)
        apiserver.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", "-", stdin=definitions)
    for file in ("stagekind.yaml", "stage.yaml", "rbac.yaml"):
        apiserver.apply(EXAMPLE / file)
    return apiserver


def _stage_kind(kind: str) -> str:
    return "---\n" + json.dumps(resource("StageKind", kind.lower(), {"kind": kind, "controller": "external"})) + "\n"


def _kabanero(*words: str, stdin: str = "") -> str:
    command = [str(Path(sys.executable).parent / "kabanero"), *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def start(cluster: ApiServer, tmp_path: Path) -> Iterator[Starter]:
    """Starts a program of custom stages."""
    begun: list[StageProcess] = []

    def started(
        program: Path = DEEDS, kubeconfig: Path | None = None, *arguments: str, gone_after: float = 10
    ) -> StageProcess:
        config, log = kubeconfig or cluster.kubeconfig, tmp_path / "stages.log"
        environment = {"TEST_FOLDER": str(tmp_path), "GONE_AFTER": str(gone_after)}
        begun.append(StageProcess(program, config, log, *arguments, **environment))
        return begun[-1]

    yield started
    for process in begun:
        process.__exit__()


def trigger(cluster: ApiServer, kind: str, stage: str, **status: Any) -> str:
    """A StageRun that was handed over; its name."""
    name = f"{stage}-{uuid.uuid4().hex[:8]}"
    ref = {"kind": kind, "name": stage}
    spec = {"stageName": "work", "stageRef": ref, "contextID": name, "strategy": "main", "strategyRun": name}
    cluster.apply(resource("StageRun", name, spec))
    handed = {"phase": "Triggered", "attempt": 1, "waitsOn": "External", "startTime": "2026-11-24T12:00:00Z", **status}
    patch = json.dumps({"status": handed})
    where = ("-n", NAMESPACE, "--subresource=status", "--type=merge")
    cluster.kubectl("patch", "stagerun", name, *where, "-p", patch)
    return name


def work(cluster: ApiServer, deed: str, kind: str = "Work") -> str:
    """A StageRun of one of the tests' own kinds."""
    name = f"{kind.lower()}-{deed}"
    cluster.apply(resource(kind, name, {"parameters": {"do": deed}}))
    return trigger(cluster, kind, name)


def status(cluster: ApiServer, name: str) -> dict[str, Any]:
    """Of the StageRun."""
    found: dict[str, Any] = cluster.get("stagerun", name, NAMESPACE).get("status", {})
    return found


def ended(cluster: ApiServer, name: str) -> dict[str, Any]:
    """The status, once the work has ended; it still waits for the run to take that in."""
    found: dict[str, Any] = wait(lambda: (now := status(cluster, name)).get("completionTime") and now)
    assert found["waitsOn"] == "External"
    return found


def begun(folder: Path, name: str, times: int = 1) -> None:
    """Waits until the work was begun that often."""
    marks = folder / "marks"
    wait(lambda: marks.exists() and marks.read_text().count(f"begun {name} ") >= times)


def test_the_example_builds_with_the_rights_of_its_role_alone(
    cluster: ApiServer, start: Starter, tmp_path: Path
) -> None:
    account = cluster.service_account(NAMESPACE, "multi-platform-build")
    program = start(PROGRAM, account, "--namespace", NAMESPACE)
    location, commit = git_repository(tmp_path / "repository")
    folder = {"location": str(tmp_path / "artifacts")}
    platforms = ("image_amd64", "image_ppcl3", "image_os390")
    resources = {
        "input": {"source": {"location": location, "commit": commit}},
        "output": dict.fromkeys(platforms, folder),
    }
    end = ended(cluster, trigger(cluster, "MultiPlatformBuild", "multi-platform-build", resources=resources))
    assert (end["phase"], end["reason"]) == ("Succeeded", "Succeeded"), program.said
    assert [Path(end["outputs"][name]["location"]).exists() for name in platforms] == [True] * 3


def test_a_cluster_takes_all_definitions_that_are_printed(cluster: ApiServer) -> None:
    applied = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=_kabanero("crds"))
    assert "strategyruns.kabanero.io" in applied


def test_failed_work_says_why(cluster: ApiServer, start: Starter) -> None:
    start()
    end = ended(cluster, work(cluster, "fail"))
    assert (end["phase"], end["reason"], end["message"]) == ("Failed", "TestsFailed", "2 of 40 tests failed")


def test_cancelled_work_leaves_no_process(cluster: ApiServer, start: Starter, tmp_path: Path) -> None:
    program = start()
    name = work(cluster, "command")
    begun(tmp_path, name)
    cluster.kubectl("patch", "stagerun", name, "-n", NAMESPACE, "--type=merge", "-p", '{"spec": {"cancel": true}}')
    assert ended(cluster, name)["phase"] == "Cancelled"
    assert not descendants(program.process.pid)


def test_deleted_work_leaves_no_process(cluster: ApiServer, start: Starter, tmp_path: Path) -> None:
    program = start()
    name = work(cluster, "command")
    begun(tmp_path, name)
    wait(lambda: descendants(program.process.pid))
    cluster.kubectl("delete", "stagerun", name, "-n", NAMESPACE, "--wait=false")
    wait(lambda: not descendants(program.process.pid))


def test_of_two_programs_one_carries_each_attempt_out(cluster: ApiServer, start: Starter, tmp_path: Path) -> None:
    start()
    start()
    names = [work(cluster, "go", "WorkAgain") for _ in range(6)]
    for name in names:
        (tmp_path / f"{name}.go").touch()
    assert [ended(cluster, name)["phase"] for name in names] == ["Succeeded"] * 6
    assert len((tmp_path / "marks").read_text().splitlines()) == 6


def test_work_of_a_killed_program_is_taken_up_again(cluster: ApiServer, start: Starter, tmp_path: Path) -> None:
    first = start(gone_after=2)
    name = work(cluster, "go", "WorkAgain")
    begun(tmp_path, name)
    first.kill()
    second = start(gone_after=2)
    begun(tmp_path, name, times=2)
    (tmp_path / f"{name}.go").touch()
    assert ended(cluster, name)["outputs"]["report"]["location"] == f"by {second.process.pid}"


def test_work_outlives_an_api_server_that_is_killed_and_forgets_its_history(
    cluster: ApiServer, start: Starter, tmp_path: Path
) -> None:
    program = start()
    name = work(cluster, "go")
    begun(tmp_path, name)
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})  # history it doesn't see
    cluster.forget_history()
    wait(lambda: "Lists the StageRuns of Work again" in program.said)
    (tmp_path / f"{name}.go").touch()
    assert ended(cluster, name)["phase"] == "Succeeded"
    later = work(cluster, "fail")
    assert ended(cluster, later)["phase"] == "Failed", program.said
