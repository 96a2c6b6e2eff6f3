"""A real forge beside a real runner, and the module that connects them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.conftest import collections
from tests.support.playing import call_module
from tests.support.runner import SECRET, Runner, resource
from tests.testbed.forge import ADMIN, Forge

__all__ = ["collections"]
Webhook = Callable[..., dict[str, Any]]
SECONDS = 60


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A running runner with one strategy, whose stage is done at once."""
    with Runner(tmp_path_factory.mktemp("runner")) as started:
        (started.project / "good.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks: []\n")
        started.apply(resource("PlaybookStage", "build", {"playbook": "good.yml"}), STRATEGY, TRIGGER)
        yield started


STRATEGY = resource(
    "StrategyDefinition",
    "ship",
    {
        "strategyVariables": [{"name": "commit"}],
        "stageBindings": [
            {
                "stageName": "build",
                "stageRef": {"kind": "PlaybookStage", "name": "build"},
                "triggers": [{"match": {"name": "Start"}}],
            }
        ],
    },
)
TRIGGER = resource(
    "StrategyTrigger",
    "ship",
    {
        "strategy": "ship",
        "events": [
            {
                "match": {"eventName": "Push", "branch": "main"},
                "variableBindings": [{"name": "commit", "value": "${event.commit}"}],
                "emit": {"name": "Start"},
            }
        ],
    },
)


@pytest.fixture
def webhook(collections: Path, forge: Forge, runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Webhook:
    """Calls the module for Gitea, with `check=True` in check mode; returns its result."""
    defaults = {"forge": "gitea", "api_url": forge.api, "token": forge.token, "secret": SECRET}

    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        given = defaults | {"url": f"{runner.url}/webhook"} | options
        return call_module("webhook", given, collections, tmp_path_factory.mktemp("call"), check=check)

    return call


@dataclass(frozen=True)
class Clone:
    """A working copy of a repository at the forge, which the runner hears of."""

    forge: Forge
    runner: Runner
    repository: str
    folder: Path

    def git(self, *arguments: str) -> str:
        """Standard output of one git command; raises for its refusal."""
        who = ("-c", f"user.name={ADMIN}", "-c", f"user.email={ADMIN}@example.com", "-c", "init.defaultBranch=main")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ["git", *who, "-c", "core.hooksPath=/dev/null", "-C", str(self.folder), *arguments]
        return subprocess.run(
            command, env=clean, capture_output=True, text=True, check=True, timeout=SECONDS
        ).stdout.strip()

    def commit(self, text: str) -> str:
        """Makes a commit; returns its id."""
        self.git("commit", "--allow-empty", "--message", text)
        return self.git("rev-parse", "HEAD")

    def propose(self, branch: str) -> int:
        """Makes a pull request of a branch for main; its number. The forge takes pushes in by and by."""
        deadline = time.monotonic() + SECONDS
        while self.forge.ask("GET", f"/repos/{self.repository}")["empty"] or not self._has(branch):
            assert time.monotonic() < deadline, f"the forge does not see {branch}"
            time.sleep(0.1)
        asked = {"title": "A change", "head": branch, "base": "main"}
        return int(self.forge.ask("POST", f"/repos/{self.repository}/pulls", asked)["number"])

    def _has(self, branch: str) -> bool:
        return branch in [each["name"] for each in self.forge.ask("GET", f"/repos/{self.repository}/branches")]

    def event(self, **wanted: Any) -> dict[str, Any]:
        """Waits for the event of this repository with these attributes; its data without the raw body."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = self.runner.request("GET", "/runner/v1/events?topic=SourceRepository&limit=100")["items"]
            for each in found:
                data = {name: value for name, value in each["data"].items() if name != "rawData"}
                if data["fullName"] == self.repository and wanted.items() <= data.items():
                    return data
            time.sleep(0.1)
        raise AssertionError(f"no {wanted} among {json.dumps([each['data'] for each in found])[:3000]}")


@pytest.fixture
def clone(forge: Forge, runner: Runner, webhook: Webhook, tmp_path: Path, request: pytest.FixtureRequest) -> Clone:
    """A repository of its own for each test, connected by the module, with one commit that was not pushed yet."""
    repository = forge.repository(request.node.name.replace("_", "-")[:90])
    source = {"url": f"{forge.url}/{repository}", "webhookSecret": {"name": "hook", "key": "secret"}}
    runner.source()
    name = repository.rpartition("/")[2][:50].strip("-")
    runner.apply(resource("GithubEventSource", name, source))
    webhook(repository=repository, events=["push", "pull_request", "create", "delete", "release"])
    made = Clone(forge, runner, repository, tmp_path)
    made.git("init")
    made.git("remote", "add", "origin", forge.remote(repository))
    made.commit("the first")
    return made
