"""The demo's stages, played by ansible-runner as the runner plays them: what each does and what it reports."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from tests.integration.collection.sample import SampleRepository

BIN = Path(sys.executable).parent
Play = Callable[..., dict[str, Any]]


def unsafe(value: Any) -> Any:
    """As the runner hands over whatever came from outside: text that is never a template."""
    if isinstance(value, dict):
        return {key: unsafe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unsafe(item) for item in value]
    return {"__ansible_unsafe": value} if isinstance(value, str) else value


@pytest.fixture
def play(tmp_path: Path, collections: Path) -> Play:
    """Plays a stage; returns what it reported."""

    def play(stage: str, inputs: Any = None, outputs: Any = None, parameters: Any = None) -> dict[str, Any]:
        extra_vars = {
            "contextID": "c1",
            "strategy": "main",
            "strategy_run": "main-c1",
            "stage_name": stage,
            "stage_run": f"main-c1-{stage}",
            "variables": {},
            "resources": {"input": inputs or {}, "output": outputs or {}},
            "parameters": parameters or {},
        }
        file = tmp_path / "extra.json"
        file.write_text(json.dumps(unsafe(extra_vars)))
        done = ansible_runner.run(
            private_data_dir=str(tmp_path / "work"),
            playbook=f"kabanero.events.stages.{stage}",
            cmdline=f"-e @{file}",
            envvars={"ANSIBLE_COLLECTIONS_PATH": str(collections), "PATH": f"{BIN}:{os.environ['PATH']}"},
            quiet=True,
        )
        assert done.stats is not None, done.stdout.read()
        stats = [event for event in done.events if event["event"] == "playbook_on_stats"]
        return dict(stats[0]["event_data"]["artifact_data"]["kabanero_stage_result"])

    (tmp_path / "work").mkdir()
    return play


@pytest.fixture
def repository(tmp_path: Path) -> SampleRepository:
    return SampleRepository(tmp_path / "repository")


def source(repository: SampleRepository, **fields: str) -> dict[str, Any]:
    return {"source": {"location": str(repository.path), "commit": repository.commit, **fields}}


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """The folder that artifacts are stored in."""
    return tmp_path / "registry"


def test_a_commit_goes_through_build_tests_and_deployment(
    play: Play, repository: SampleRepository, registry: Path, tmp_path: Path
) -> None:
    image = play("build", source(repository), {"image": {"location": str(registry)}})["outputs"]["image"]
    fvt = play("fvt", {"image": image})
    svt = play("svt", {"image": image}, parameters={"requests": 100})
    deployed = play("deploy", {"app": image}, {"app_tagged": {"location": str(tmp_path / "production")}})
    assert [fvt["status"], svt["status"], deployed["status"]] == ["Success"] * 3
    assert fvt["message"].startswith("Ran 7 tests")
    assert svt["message"].startswith("100 requests")
    assert image["commit"] == repository.commit
    assert deployed["outputs"]["app_tagged"]["digest"] == image["digest"]
    assert (tmp_path / "production" / "current").resolve() == Path(deployed["outputs"]["app_tagged"]["location"])


def test_a_hostile_branch_and_location_are_never_evaluated(
    play: Play, repository: SampleRepository, registry: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "ran"
    hostile = f"{{{{ lookup('pipe', 'touch {trap}') }}}}"
    for fields in ({"branch": hostile, "commit": ""}, {"location": hostile}, {"commit": f"$(touch {trap})"}):
        result = play("build", source(repository, **fields), {"image": {"location": str(registry)}})
        assert result["status"] == "Failed"
    assert not trap.exists()


def test_a_build_that_fails_fails_the_stage_with_the_reason(
    play: Play, repository: SampleRepository, registry: Path
) -> None:
    repository.change("hello_service/app.py", "import argparse", "import argparse(")
    result = play("build", source(repository), {"image": {"location": str(registry)}})
    assert (result["status"], result["reason"]) == ("Failed", "BuildFailed")
    assert "SyntaxError" in result["message"]


def test_a_wrong_answer_fails_the_functional_tests(play: Play, repository: SampleRepository, registry: Path) -> None:
    repository.change("hello_service/app.py", "Hello, {name}!", "Bye, {name}!")
    result = play("fvt", {"image": repository.build(registry)})
    assert (result["status"], result["reason"]) == ("Failed", "TestsFailed")
    assert "failures=3" in result["message"]


def test_a_service_that_is_too_slow_fails_the_system_test(
    play: Play, repository: SampleRepository, registry: Path
) -> None:
    image = repository.build(registry)
    result = play("svt", {"image": image}, parameters={"requests": 20, "max_p99_ms": 0.001})
    assert (result["status"], result["reason"]) == ("Failed", "LoadFailed")
    assert "at most 0.001 ms are allowed" in result["message"]


def test_an_artifact_that_was_changed_is_not_deployed(
    play: Play, repository: SampleRepository, registry: Path, tmp_path: Path
) -> None:
    image = repository.build(registry)
    image["digest"] = "sha256:" + "0" * 64
    result = play("deploy", {"app": image}, {"app_tagged": {"location": str(tmp_path / "production")}})
    assert (result["status"], result["reason"]) == ("Failed", "ReleaseFailed")
    assert not (tmp_path / "production" / "current").exists()


@pytest.mark.parametrize(("stage", "said"), [("build", "bind a variable"), ("deploy", "bind a variable")])
def test_a_stage_without_its_resources_says_what_to_bind(play: Play, stage: str, said: str) -> None:
    assert said in play(stage)["message"]
