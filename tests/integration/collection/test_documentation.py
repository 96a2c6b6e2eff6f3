"""What the documentation shows must be there, and its examples must run as they are printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.collection.conftest import Command
from tests.integration.collection.test_modules import GOOD
from tests.support.collection import ROOT
from tests.support.runner import Runner, resource

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PLUGINS = sorted(
    (kind, path.stem) for kind in ("filter", "lookup") for path in (ROOT / "plugins" / kind).glob("[a-z]*.py")
)
ELSEWHERE = {"tekton_pipeline_run", "webhook"}
"""Their examples need Tekton or a forge: tests/cluster and tests/integration/forge run them."""


@pytest.fixture(scope="session")
def documents(ansible: Command) -> dict[str, dict[str, Any]]:
    """Each module's documentation as ansible-doc gives it."""
    done = ansible("ansible-doc", "--json", *(f"kabanero.events.{module}" for module in MODULES))
    assert done.returncode == 0, done.stderr
    return {name.rpartition(".")[2]: told for name, told in json.loads(done.stdout).items()}


def binding(stage: str, trigger: dict[str, str], kind: str = "PlaybookStage") -> dict[str, Any]:
    emit = [{"name": stage, "status": "$stage_status"}]
    ref = {"kind": kind, "name": stage}
    return {"stageName": stage, "stageRef": ref, "triggers": [{"match": trigger}], "emit": emit}


@pytest.fixture
def world(runner: Runner) -> None:
    """What the examples take to be there: `ship` with stages whose work is quickly done, and `careful` that asks."""
    for name in ("quick-build", "quick-deploy"):
        (runner.project / f"{name}.yml").write_text(GOOD)
        runner.apply(resource("PlaybookStage", name, {"playbook": f"{name}.yml"}))
    variables = [{"name": "src_repo", "type": "github"}, {"name": "approver_emails"}]
    build = binding("quick-build", {"name": "Start_build"})
    deploy = binding("quick-deploy", {"name": "quick-build", "status": "Success"})
    runner.apply(
        resource("StrategyDefinition", "ship", {"strategyVariables": variables, "stageBindings": [build, deploy]}),
        resource("EmailApprovalStage", "approval", {}),
        resource(
            "StrategyDefinition",
            "careful",
            {"stageBindings": [binding("approval", {"name": "Start"}, "EmailApprovalStage")]},
        ),
    )


@pytest.mark.parametrize("module", MODULES)
def test_says_of_itself_what_modules_say(documents: dict[str, dict[str, Any]], module: str) -> None:
    described = documents[module]
    assert {"check_mode", "diff_mode", "idempotent"} <= set(described["doc"]["attributes"])
    assert described["examples"].strip()
    assert all("sample" in field or "contains" in field for field in described["return"].values())


@pytest.mark.parametrize("module", sorted({*MODULES} - ELSEWHERE))
@pytest.mark.usefixtures("world")
def test_its_examples_run_as_printed(
    ansible: Command, documents: dict[str, dict[str, Any]], runner: Runner, tmp_path: Path, module: str
) -> None:
    play(ansible, runner, tmp_path, documents[module]["examples"])


@pytest.mark.parametrize(("kind", "plugin"), PLUGINS)
@pytest.mark.usefixtures("world")
def test_a_plugins_examples_run_as_printed(
    ansible: Command, runner: Runner, tmp_path: Path, kind: str, plugin: str
) -> None:
    name = f"kabanero.events.{plugin}"
    told = json.loads(ansible("ansible-doc", "--json", "--type", kind, name).stdout)[name]
    play(ansible, runner, tmp_path, told["examples"])


def play(ansible: Command, runner: Runner, tmp_path: Path, examples: str) -> None:
    tasks = yaml.safe_load(examples)
    shutil.copy(ROOT / "examples" / "demo" / "strategy.yaml", tmp_path)
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = ansible("ansible-playbook", playbook, K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))
    assert done.returncode == 0, done.stdout + done.stderr
