"""The callback `stage_progress` shows a playbook that somebody else runs as progress of its stage."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.conftest import Command
from tests.support.runner import API, Runner, resource

SECONDS = 30
KIND = {"kind": "OutsideStage", "plural": "outsidestages", "controller": "external"}
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Look at the shelf
      ansible.builtin.command: "true"
    - name: Wait until it was looked at
      ansible.builtin.wait_for: {path: "{{ gate }}", timeout: 60}
"""


@pytest.fixture(scope="module")
def outside(runner: Runner) -> None:
    """A stage kind that somebody else carries out, and a strategy of one such stage."""
    runner.apply(resource("StageKind", "outsidestages", KIND))
    runner.apply(resource("OutsideStage", "work", {}))
    stage = {"stageName": "work", "stageRef": {"kind": "OutsideStage", "name": "work"}}
    bindings = [stage | {"triggers": [{"match": {"name": "Start"}}]}]
    runner.apply(resource("StrategyDefinition", "outside", {"stageBindings": bindings}))


@pytest.fixture
def stage_run(outside: None, runner: Runner, request: pytest.FixtureRequest) -> Iterator[str]:
    """The StageRun of a new run, which waits for somebody else."""
    name = request.node.name.replace("_", "-")[:60]
    runner.apply(resource("StrategyRun", name, {"strategy": "outside"}))
    found = until(lambda: stage_runs(runner, name))
    yield str(found[0]["metadata"]["name"])
    runner.request("DELETE", f"{API}/strategyruns/{name}")


def stage_runs(runner: Runner, run: str) -> list[dict[str, Any]]:
    items = runner.request("GET", f"{API}/stageruns?fieldSelector=spec.strategyRun={run}")["items"]
    return [each for each in items if (each.get("status") or {}).get("phase") in ("Triggered", "Running")]


def progress(runner: Runner, stage_run: str) -> dict[str, Any]:
    return dict(runner.request("GET", f"{API}/stageruns/{stage_run}")["status"].get("progress") or {})


def until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture
def play(ansible: Command, runner: Runner, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Plays the playbook outside of the runner; it ends when the file `gate` is there."""
    (tmp_path / "work.yml").write_text(PLAYBOOK)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        login = {"K8S_AUTH_KUBECONFIG": str(runner.data / "kubeconfig"), "KABANERO_NAMESPACE": "kabanero"}
        enabled = {"ANSIBLE_CALLBACKS_ENABLED": "kabanero.events.stage_progress"}
        gate = ("-e", f"gate={tmp_path / 'gate'}")
        return ansible("ansible-playbook", tmp_path / "work.yml", *gate, *arguments, **(login | enabled | environment))

    return run


@pytest.fixture
def in_thread() -> Callable[..., Callable[[], Any]]:
    """Starts a call; what it returns gives the result."""
    pool = ThreadPoolExecutor(1)
    return lambda call, *arguments: pool.submit(call, *arguments).result


def test_the_task_under_way_is_shown(
    play: Callable[..., Any], runner: Runner, stage_run: str, tmp_path: Path, in_thread: Callable[..., Any]
) -> None:
    playing = in_thread(play, "-e", f"stage_run={stage_run}")
    until(lambda: progress(runner, stage_run) == {"task": "Wait until it was looked at", "done": 1})
    (tmp_path / "gate").touch()
    assert playing().returncode == 0
    assert progress(runner, stage_run) == {"task": "", "done": 2}


def test_a_runner_that_is_away_fails_nothing_and_is_told_once(play: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    done = play("-e", "stage_run=x", K8S_AUTH_HOST="http://127.0.0.1:1", K8S_AUTH_KUBECONFIG="")
    assert done.returncode == 0
    assert (done.stdout + done.stderr).count("the progress of x can't be shown") == 1


def test_a_stage_that_is_not_there_fails_nothing(play: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    done = play("-e", "stage_run=nowhere")
    assert done.returncode == 0
    assert "there is no such StageRun in kabanero" in " ".join((done.stdout + done.stderr).split())


def test_a_playbook_of_no_stage_is_left_alone(play: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    done = play()
    assert done.returncode == 0
    assert "stage_progress" not in done.stdout + done.stderr
