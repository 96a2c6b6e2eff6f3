"""The filter `strategy_lint` says what `kabanero lint` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.kabanero.events.plugins.filter.strategy_lint import strategy_lint
from click.testing import CliRunner
from kabanero.cli.main import cli

EXAMPLE = Path(__file__).parents[3] / "examples" / "demo" / "strategy.yaml"
BROKEN = """
apiVersion: kabanero.io/v1alpha1
kind: StrategyDefinition
metadata: {name: ship}
spec:
  stageBindings:
    - stageName: build
      stageRef: {kind: PlaybookStage, name: build}
      triggers: [{match: {name: Start}}]
    - stageName: deploy
      stageRef: {kind: PlaybookStage, name: deploy}
      triggers: [{match: {name: Never}}]
    - stageName: build
      stageRef: {kind: PlaybookStage, name: build}
      triggers: [{match: {name: Start}}]
"""


def said_by_the_command(text: str, *options: str) -> Any:
    return json.loads(CliRunner().invoke(cli, ["lint", "-o", "json", *options, "-"], input=text).stdout)["items"]


@pytest.mark.parametrize("text", [BROKEN, EXAMPLE.read_text()], ids=["broken", "example"])
def test_it_says_what_the_command_says(text: str) -> None:
    assert strategy_lint(text) == said_by_the_command(text)


def test_a_mistake_is_an_error_with_its_fix() -> None:
    errors = [each for each in strategy_lint(BROKEN) if each["severity"] == "error"]
    assert errors
    assert all(each["reason"] and each["fix"] for each in errors)


def test_resources_are_judged_as_their_text_is() -> None:
    resources = list(yaml.safe_load_all(BROKEN))
    told = [(each["code"], each["place"]) for each in strategy_lint(resources)]
    assert told == [(each["code"], each["place"]) for each in strategy_lint(BROKEN)]
    assert strategy_lint(resources[0]) == strategy_lint(resources)


def test_playbooks_are_looked_for_in_the_project_folder(tmp_path: Path) -> None:
    stage = {"apiVersion": "kabanero.io/v1alpha1", "kind": "PlaybookStage", "metadata": {"name": "build"}}
    stage["spec"] = {"playbook": "build.yml"}
    assert strategy_lint(stage) == []
    assert [each["severity"] for each in strategy_lint(stage, str(tmp_path))] == ["error"]


def test_what_is_no_resource_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="YAML text, a resource or a list"):
        strategy_lint(7)


def test_without_the_command_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(AnsibleFilterError, match="pip install kabanero-runner"):
        strategy_lint(BROKEN)
