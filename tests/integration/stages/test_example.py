"""The example of the how-to, carried through a strategy by a real runner."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import runs
from tests.support.runner import Runner
from tests.support.stage_process import PROGRAM, StageProcess, git_repository

PLATFORMS = ("amd64", "ppcl3", "os390")


@pytest.fixture
def builder(runner: Runner, log: Path) -> Iterator[StageProcess]:
    with StageProcess(PROGRAM, runner.data / "kubeconfig", log) as process:
        yield process


def variables(location: str, commit: str, artifacts: Path) -> list[dict[str, str]]:
    source = {"name": "src_repo", "location": location, "commit": commit}
    return [source, *({"name": name, "location": str(artifacts)} for name in PLATFORMS)]


@pytest.mark.usefixtures("builder")
def test_a_strategy_builds_for_every_platform(runner: Runner, tmp_path: Path) -> None:
    given = variables(*git_repository(tmp_path / "repository"), tmp_path / "artifacts")
    run = runs.ended(runner, runs.start(runner, "multi-platform", variables=given))

    assert run["status"]["phase"] == "Succeeded", run["status"]
    built = [Path(run["status"]["variables"][name]["location"]) for name in PLATFORMS]
    assert len({file.read_bytes().partition(b"\n")[0] for file in built}) == 3
    done = subprocess.run([sys.executable, built[0]], capture_output=True, text=True, check=True)
    assert done.stdout == "hello from a zipapp\n"


@pytest.mark.usefixtures("builder")
def test_a_repository_that_is_not_there_fails_the_stage_with_what_git_says(runner: Runner, tmp_path: Path) -> None:
    given = variables(str(tmp_path / "nowhere"), "12345", tmp_path / "artifacts")
    run = runs.ended(runner, runs.start(runner, "multi-platform", variables=given))

    (stage,) = run["status"]["stages"]
    assert (run["status"]["phase"], stage["phase"], stage["reason"]) == ("Failed", "Failed", "CommandFailed")
    assert "does not exist" in stage["message"]
