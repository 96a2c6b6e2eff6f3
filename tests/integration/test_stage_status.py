"""The status of stages in a whole runner: whether they can be carried out stands there before a run needs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.runner import API, Runner, resource
from tests.support.runs import wait
from tests.support.strategies import playbook_stage


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder: Path = tmp_path_factory.mktemp("runner")
    with Runner(folder) as running:
        (running.project / "build.yml").write_text("- hosts: localhost\n  tasks: []\n")
        yield running


def ready(runner: Runner, plural: str, name: str, status: str) -> dict[str, Any]:
    """Waits for the verdict; returns the condition."""

    def read() -> Any:
        found = runner.request("GET", f"{API}/{plural}/{name}").get("status") or {}
        return next((each for each in found.get("conditions") or () if each["status"] == status), None)

    found: dict[str, Any] = wait(read)
    return found


def test_a_stage_whose_playbook_is_there_is_ready(runner: Runner) -> None:
    runner.apply(playbook_stage("good", "build.yml"))
    assert "build.yml" in ready(runner, "playbookstages", "good", "True")["message"]


@pytest.mark.parametrize(("playbook", "fix"), [("biuld.yml", "build.yml"), ("far-off.yaml", "--project-dir")])
def test_a_stage_whose_playbook_is_missing_says_so_and_what_to_do(runner: Runner, playbook: str, fix: str) -> None:
    name = playbook.partition(".")[0]
    runner.apply(playbook_stage(name, playbook))
    condition = ready(runner, "playbookstages", name, "False")
    assert (condition["reason"], fix in condition["message"]) == ("PlaybookNotFound", True)


def test_a_stage_kind_that_comes_later_is_taken_into_account(runner: Runner) -> None:
    runner.apply(resource("EmailApprovalStage", "ask", {}))
    ready(runner, "emailapprovalstages", "ask", "True")
    runner.apply(resource("StageKind", "mail", {"kind": "EmailApprovalStage", "playbook": "nowhere.yml"}))
    assert ready(runner, "emailapprovalstages", "ask", "False")["reason"] == "PlaybookNotFound"
