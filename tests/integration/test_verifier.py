"""The verifier in a whole runner: what is wrong with a strategy stands in its status before a run stumbles over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.compat import load

from tests.support.runner import API, Runner, resource
from tests.support.runs import wait
from tests.support.strategies import binding, match, playbook_stage

DOCUMENT = Path(__file__).parents[1] / "data" / "document"
MAIN = ["13-appsody-build", "14-tekton-stage-fvt", "15-tekton-stage-svt", "16-approval-stage"]
MAIN += ["17-tekton-stage-deploy", "18-strategy-definition-main"]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with Runner(tmp_path_factory.mktemp("runner")) as running:
        yield running


def ready(runner: Runner, name: str, status: str, says: str = "") -> dict[str, Any]:
    """Waits for the verdict; returns the strategy's status."""

    def read() -> Any:
        found = runner.request("GET", f"{API}/strategydefinitions/{name}").get("status") or {}
        conditions = {each["type"]: each for each in found.get("conditions", ())}
        said = any(says in problem for problem in found.get("problems") or ()) or not says
        return found if conditions.get("Ready", {}).get("status") == status and said else None

    found: dict[str, Any] = wait(read)
    return found


def problem(status: dict[str, Any], text: str) -> str:
    (found,) = [each for each in status["problems"] if text in each]
    return str(found)


def test_the_main_strategy_of_the_document_is_told_why_it_never_deploys(runner: Runner) -> None:
    resources = load("---\n".join((DOCUMENT / f"{name}.yaml").read_text() for name in MAIN)).resources
    runner.apply(*resources)
    said = problem(ready(runner, "main", "False", "never triggered"), "never triggered")
    assert said.startswith("spec.stageBindings[4].triggers[0].match.name: stage Deploy is never triggered")
    assert "Approval emits Deploy, for which no stage waits" in said
    assert said.endswith("→ [Approval] → Deploy ✗ deploy_approval Success → [Deploy]")


def test_a_strategy_is_looked_at_again_when_the_stage_that_it_lacks_comes(runner: Runner) -> None:
    late = binding("Late", "PlaybookStage", [match("Start")])
    runner.apply(playbook_stage("later"), resource("StrategyDefinition", "waiting", {"stageBindings": [late]}))
    assert "did you mean later?" in problem(ready(runner, "waiting", "False"), "there is no PlaybookStage late")
    runner.apply(playbook_stage("late"))
    assert not ready(runner, "waiting", "True").get("problems")


def test_resources_that_a_stage_kind_declares_count(runner: Runner) -> None:
    spec = {"kind": "LoadTest", "controller": "external", "resources": {"input": [{"name": "target", "type": "image"}]}}
    runner.apply(resource("StageKind", "loadtest", spec))
    wait(
        lambda: any(
            each["kind"] == "LoadTest" for each in runner.request("GET", API.rpartition("/namespaces")[0])["resources"]
        )
    )
    runner.apply(resource("LoadTest", "load", {}))
    bindings = [binding("load", "LoadTest", [match("Start")])]
    runner.apply(resource("StrategyDefinition", "loaded", {"stageBindings": bindings}))
    assert "needs input target" in problem(ready(runner, "loaded", "False", "needs input"), "needs input")
