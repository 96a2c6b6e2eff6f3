"""Every module against a running runner, by playbooks that hold its promises (see playbooks/)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.collection.conftest import Command
from tests.support.runner import Runner

PLAYBOOKS = Path(__file__).parent / "playbooks"
NAMESPACES = tuple((PLAYBOOKS.parent / "namespaces").read_text().split())
STAGES = PLAYBOOKS.parent / "stages"
GOOD, BAD = ((STAGES / name).read_text() for name in ("good.yml", "bad.yml"))


@pytest.fixture(scope="module", autouse=True)
def world(runner: Runner) -> None:
    """The namespaces that the playbooks work in, and the playbooks of their stages."""
    for name in NAMESPACES:
        runner.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    for name, text in {"good": GOOD, "bad": BAD}.items():
        (runner.project / f"{name}.yml").write_text(text)


@pytest.mark.parametrize("playbook", sorted(path.stem for path in PLAYBOOKS.glob("*.yml")))
def test_keeps_its_promises(ansible: Command, runner: Runner, playbook: str) -> None:
    done = ansible(
        "ansible-playbook", PLAYBOOKS / f"{playbook}.yml", K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig")
    )
    assert done.returncode == 0, done.stdout + done.stderr


def call(ansible: Command, **environment: str) -> dict[str, object]:
    """What one module call returns, with nothing but environment to tell it where the API is."""
    arguments = json.dumps({"name": "x", "state": "absent"})
    done = ansible("ansible", "localhost", "-m", "kabanero.events.strategy_definition", "-a", arguments, **environment)
    return dict(json.loads(done.stdout.split("=> ", 1)[1]))


def test_a_wrong_token_is_answered_with_what_to_do(ansible: Command, runner: Runner) -> None:
    result = call(ansible, K8S_AUTH_HOST=runner.url, K8S_AUTH_API_KEY="wrong")
    assert (result["status"], result["reason"]) == (401, "Unauthorized")
    assert "give a valid token" in str(result["msg"])


def test_awx_credentials_are_enough(ansible: Command, runner: Runner) -> None:
    assert call(ansible, K8S_AUTH_HOST=runner.url, K8S_AUTH_API_KEY=runner.token)["changed"] is False


def test_the_token_is_not_shown(ansible: Command, runner: Runner) -> None:
    assert runner.token not in json.dumps(call(ansible, K8S_AUTH_HOST=runner.url, K8S_AUTH_API_KEY=runner.token))


def test_a_runner_that_is_away_is_named_with_the_likely_fix(ansible: Command) -> None:
    message = str(call(ansible, K8S_AUTH_HOST="http://127.0.0.1:1", K8S_AUTH_API_KEY="x")["msg"])
    assert "no answer from http://127.0.0.1:1" in message
    assert "kabanero serve" in message
