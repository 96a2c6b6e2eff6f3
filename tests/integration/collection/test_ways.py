"""A module runs inside Ansible's own process where it can, and in one of its own where it must; nobody can tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.collection.conftest import Command
from tests.support.runner import Runner

OWN_PROCESS = "Using module file"
"""What Ansible says with -vvv when it sends a module to another process."""
STAGE = {"name": "ways", "namespace": "ways", "spec": {"playbook": "ways.yml"}}


@pytest.fixture(scope="module", autouse=True)
def world(runner: Runner) -> None:
    """The namespace that these tests work in."""
    runner.request("POST", "/api/v1/namespaces", {"metadata": {"name": "ways"}})


@pytest.fixture
def play(ansible: Command, runner: Runner, tmp_path: Path) -> Any:
    """Plays tasks, with further words of the play by keyword; returns what ansible-playbook did."""

    def run(*tasks: dict[str, Any], **words: Any) -> subprocess.CompletedProcess[str]:
        playbook = tmp_path / "ways.yml"
        playbook.write_text(
            yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks), **words}])
        )
        return ansible("ansible-playbook", "-vvv", playbook, K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))

    return run


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the last task that changed or failed handed back."""
    assert "=> {" in done.stdout, done.stdout + done.stderr
    text = done.stdout.rsplit("=> {", 1)[1]
    found: dict[str, Any] = json.JSONDecoder().raw_decode("{" + text)[0]
    return found


def stage(**task: Any) -> dict[str, Any]:
    return {"name": "Keep a stage", "kabanero.events.stage": STAGE, "check_mode": True, **task}


def test_a_task_for_this_machine_needs_no_process_of_its_own(play: Any) -> None:
    done = play(stage())
    assert (done.returncode, OWN_PROCESS in done.stdout) == (0, False), done.stdout


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"environment": {"ANY": "thing"}}, id="another environment"),
        pytest.param({"async": 60, "poll": 1, "check_mode": False}, id="in the background"),
    ],
)
def test_a_task_that_asks_for_more_gets_a_process_of_its_own(play: Any, task: dict[str, Any]) -> None:
    done = play(stage(**task))
    assert (done.returncode, OWN_PROCESS in done.stdout) == (0, True), done.stdout


def test_another_python_hands_back_the_same_from_a_process_of_its_own(play: Any, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    done = [play(stage(), **words) for words in ({}, {"vars": {"ansible_python_interpreter": str(other)}})]
    assert [OWN_PROCESS in each.stdout for each in done] == [False, True]
    here, elsewhere = map(told, done)
    for result in (here, elsewhere):
        for volatile in ("uid", "creationTimestamp", "resourceVersion"):
            result["resource"]["metadata"].pop(volatile, None)
    assert here == elsewhere


def test_a_token_that_is_given_as_an_option_is_not_shown(play: Any, runner: Runner) -> None:
    task = {"kabanero.events.stage": {**STAGE, "host": runner.url, "api_key": runner.token}, "check_mode": True}
    done = play(task)
    assert done.returncode == 0, done.stdout
    assert runner.token not in done.stdout
    assert told(done)["invocation"]["module_args"]["api_key"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def test_an_option_that_there_is_not_is_refused_in_the_name_of_the_module(play: Any) -> None:
    message = told(play({"kabanero.events.stage": {**STAGE, "colour": "red"}}))["msg"]
    assert message.startswith("Unsupported parameters for (kabanero.events.stage) module: colour.")


@pytest.mark.parametrize("group", ["group/kabanero.events.kabanero", "group/kabanero.events.all"])
def test_a_group_sets_host_and_token_once(ansible: Command, runner: Runner, tmp_path: Path, group: str) -> None:
    tasks = [
        {"kabanero.events.stage": STAGE, "check_mode": True},
        {"kabanero.events.event_info": {"limit": 1}},
        {"kabanero.events.strategy_run_info": {}},
    ]
    defaults = {group: {"host": runner.url, "api_key": runner.token}}
    playbook = tmp_path / "group.yml"
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    playbook.write_text(yaml.safe_dump([play]))
    done = ansible("ansible-playbook", playbook)
    assert done.returncode == 0, done.stdout + done.stderr


def test_defaults_of_one_module_are_not_those_of_another(play: Any) -> None:
    defaults = {"kabanero.events.event": {"data": {"name": "x"}}}
    done = play(stage(), {"kabanero.events.event": {}, "check_mode": True}, module_defaults=defaults)
    assert done.returncode == 0, done.stdout


def test_an_encrypted_value_is_sent_in_clear(ansible: Command, runner: Runner, tmp_path: Path) -> None:
    password, playbook = tmp_path / "password", tmp_path / "vault.yml"
    password.write_text("opensesame")
    vault = ("--vault-password-file", password)
    encrypted = ansible("ansible-vault", "encrypt_string", *vault, "treasure", "--name", "word").stdout
    playbook.write_text(
        f"""
- hosts: localhost
  gather_facts: false
  vars:
    {encrypted.strip().replace(chr(10), chr(10) + "    ")}
  tasks:
    - kabanero.events.event: {{namespace: ways, data: {{name: Said, word: "{{{{ word }}}}"}}}}
      check_mode: true
      register: sent
    - ansible.builtin.assert: {{that: sent.resource.spec.data.word == 'treasure'}}
"""
    )
    done = ansible("ansible-playbook", *vault, playbook, K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))
    assert done.returncode == 0, done.stdout + done.stderr
