"""The commands against a whole runner: a strategy is applied, started, watched, approved and looked back at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.cli.world import BINDINGS, World, resource
from tests.support.runner import Runner

PLAYBOOK = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"name": "Say hello", "ansible.builtin.debug": {"msg": "hello from {{ stage_name }}"}}],
    }
]
HELLO = {"kind": "PlaybookStage", "name": "hello"}
APPROVAL = {"kind": "EmailApprovalStage", "name": "approval"}


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with Runner(tmp_path) as running:
        (running.project / "hello.yml").write_text(yaml.safe_dump(PLAYBOOK))
        yield running


class Guest(World):
    """The CLI beside a runner that is there already."""

    def __init__(self, runner: Runner) -> None:
        self.data = runner.data


def test_a_strategy_is_carried_through_by_hand(runner: Runner, tmp_path: Path) -> None:
    guest = Guest(runner)
    bindings = [{**each, "stageRef": APPROVAL if each["stageName"] == "approval" else HELLO} for each in BINDINGS]
    resources = [
        resource("StrategyDefinition", "main", {"stageBindings": bindings}),
        resource("PlaybookStage", "hello", {"playbook": "hello.yml"}),
        resource("EmailApprovalStage", "approval", {}),
    ]
    (tmp_path / "main.yaml").write_text(yaml.safe_dump_all(resources))
    assert guest.run("apply", "-f", str(tmp_path / "main.yaml")).code == 0

    going = guest.begin("submit", "main", "--name", "by-hand", "--emit", "Start_build", "--wait")
    assert going.stdout
    for line in going.stdout:
        if "waits for approval" in line:
            break
    assert guest.run("approve", "by-hand").code == 0
    assert going.wait(30) == 0

    assert "hello from deploy" in guest.run("logs", "by-hand", "deploy").out
    assert guest.run("get", "run", "by-hand").lines[1].split()[2] == "Succeeded"
    assert "Deploy=Success" in guest.run("events", "--run", "by-hand").out
    assert guest.run("cancel", "by-hand").code == 5
