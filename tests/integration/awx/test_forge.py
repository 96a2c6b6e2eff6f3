"""A real forge whose webhooks go to AWX: what `awx_setup` makes there, and how `webhook_run` tells it the outcome."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.awx.world import World
from tests.integration.forge.conftest import Clone
from tests.support.awx import FakeAwx
from tests.support.collection import ROOT
from tests.support.playing import run_playbook
from tests.support.runner import push_payload, resource
from tests.support.strategies import binding, match
from tests.testbed.forge import Forge

SetUp = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def awx(collections: str) -> Iterator[FakeAwx]:
    """One whose project is this collection."""
    with FakeAwx(projects={"Kabanero events": ROOT}, collections=collections) as started:
        yield started


@pytest.fixture
def clone(forge: Forge, world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Clone:
    """A repository of its own for each test, with one commit that was not pushed yet."""
    made = Clone(forge, world.runner, forge.repository(request.node.name.replace("_", "-")[:90]), tmp_path / "clone")
    made.folder.mkdir()
    made.git("init")
    made.git("remote", "add", "origin", forge.remote(made.repository))
    made.commit("the first")
    return made


@pytest.fixture
def set_up(awx: FakeAwx, world: World, forge: Forge, clone: Clone, collections: str) -> SetUp:
    """Plays awx_setup for the repository, with further variables by keyword."""
    environment = {
        "CONTROLLER_HOST": awx.url,
        "CONTROLLER_OAUTH_TOKEN": awx.new_token(),
        "K8S_AUTH_HOST": world.runner.url,
        "K8S_AUTH_API_KEY": world.runner.token,
        "GITHUB_API_URL": forge.api,
        "GITHUB_TOKEN": forge.token,
    }
    defaults: dict[str, Any] = {"awx_webhook_repository": clone.repository, "awx_webhook_forge": "gitea"}

    def play(**variables: Any) -> subprocess.CompletedProcess[str]:
        given = ("--extra-vars", json.dumps(defaults | variables))
        done = run_playbook("kabanero.events.awx_setup", collections, *given, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return play


def hooks(clone: Clone) -> list[dict[str, Any]]:
    return list(clone.forge.ask("GET", f"/repos/{clone.repository}/hooks"))


def statuses(clone: Clone, commit: str) -> list[dict[str, Any]]:
    """What the forge was told of a commit, the oldest first."""
    told = clone.forge.ask("GET", f"/repos/{clone.repository}/commits/{commit}/statuses?sort=oldest")
    return sorted(told, key=lambda each: int(each["id"]))


def strategy(world: World, kind: str) -> None:
    """One of one stage, which a push to main starts, or a pull request."""
    variables = {"strategyVariables": [{"name": "commit"}]}
    start = {
        "variableBindings": [{"name": "commit", "value": "${event.commit}"}],
        "emit": {"name": "Start"},
    }
    push, proposal = {"eventName": "Push", "branch": "main"}, {"eventName": "PullRequest", "action": "opened"}
    events = [{"match": each, **start} for each in (push, proposal)]
    world.runner.apply(
        resource("EmailApprovalStage", "ask", {}),
        resource(
            "StrategyDefinition", "shop", {**variables, "stageBindings": [binding("Ask", kind, [match("Start")])]}
        ),
        resource("StrategyTrigger", "shop", {"strategy": "shop", "events": events}),
    )


def approve(world: World, commit: str) -> None:
    """Lets the run of a commit go on once it waits for people."""

    def waiting() -> str | None:
        for run in world.runner.runs():
            name = f"{run['metadata']['name']}-ask"
            if run["spec"]["variables"][0]["value"] == commit and world.stage(name)["status"].get("waitsOn"):
                return name
        return None

    name = world.until(waiting, f"a stage that waits for the commit {commit}", world.runner.runs)
    world.patch("stageruns", name, {"approval": {"decision": "Approved", "by": "champ"}})


def ended(world: World, awx: FakeAwx) -> dict[str, Any]:
    """The only job, once it has ended, with what it printed."""
    world.launched()
    [job] = world.until(lambda: jobs if (jobs := awx.launched())[0]["finished"] else None, "the job's end")
    return {**job, "stdout": awx.call(lambda: awx.jobs.stdout(job["id"]))}


def test_the_repositorys_hook_is_made_once_and_leads_to_the_job_template(
    awx: FakeAwx, set_up: SetUp, clone: Clone
) -> None:
    set_up()
    assert re.search(r"changed=0 .*failed=0", set_up().stdout)
    template = awx.tables.named("job_templates", "Kabanero webhook")
    [hook] = hooks(clone)
    receiver = f"{awx.url}/api/v2/job_templates/{template['id']}/github/"
    assert (template["webhook_service"], hook["config"]["url"].partition("?")[0]) == ("github", receiver)
    assert hook["active"]
    assert {"push", "create", "delete", "release", "pull_request"} <= set(hook["events"])


def test_a_push_at_the_forge_starts_its_strategy_and_the_commit_shows_how_it_went(
    awx: FakeAwx, world: World, set_up: SetUp, clone: Clone
) -> None:
    strategy(world, "EmailApprovalStage")
    set_up(awx_status_token=clone.forge.token, awx_webhook_events=["push"])
    clone.git("push", "origin", "main")
    commit = clone.git("rev-parse", "HEAD")
    [pending] = world.until(lambda: statuses(clone, commit), "a status", awx.launched)
    assert (pending["status"], pending["context"]) == ("pending", "kabanero")
    approve(world, commit)
    job = ended(world, awx)
    assert job["status"] == "successful", job["stdout"]
    [run] = world.runner.runs()
    _, last = statuses(clone, commit)
    assert (last["status"], last["description"]) == ("success", run["metadata"]["name"])
    assert last["target_url"] == f"{awx.url}/#/jobs/playbook/{job['id']}/output"


def test_a_run_that_fails_fails_its_job_and_its_commit(awx: FakeAwx, world: World, set_up: SetUp, clone: Clone) -> None:
    strategy(world, "PlaybookStage")  # There is none of that name.
    set_up(awx_status_token=clone.forge.token, awx_webhook_events=["push"])
    clone.git("push", "origin", "main")
    job = ended(world, awx)
    assert job["status"] == "failed"
    assert "did not succeed" in job["stdout"]
    assert [each["status"] for each in statuses(clone, clone.git("rev-parse", "HEAD"))][-1] == "failure"


def test_a_pull_requests_newest_commit_is_told(awx: FakeAwx, world: World, set_up: SetUp, clone: Clone) -> None:
    clone.git("push", "origin", "main")
    strategy(world, "EmailApprovalStage")
    set_up(awx_status_token=clone.forge.token, awx_webhook_events=["pull_request"])
    commit = clone.commit("a change")
    clone.git("push", "origin", "HEAD:change")
    clone.propose("change")
    approve(world, commit)
    assert ended(world, awx)["status"] == "successful"
    assert [each["status"] for each in statuses(clone, commit)] == ["pending", "success"]


def test_without_a_token_for_it_the_forge_is_told_nothing(
    awx: FakeAwx, world: World, set_up: SetUp, clone: Clone
) -> None:
    strategy(world, "EmailApprovalStage")
    set_up(awx_webhook_events=["push"])
    clone.git("push", "origin", "main")
    assert ended(world, awx)["status"] == "successful"
    assert statuses(clone, clone.git("rev-parse", "HEAD")) == []


def test_a_forge_that_refuses_the_status_fails_the_job_with_what_to_mend(
    awx: FakeAwx, world: World, set_up: SetUp, clone: Clone
) -> None:
    strategy(world, "EmailApprovalStage")
    set_up(awx_status_token="wrong-t0ken", awx_webhook_events=["push"])
    clone.git("push", "origin", "main")
    approve(world, clone.git("rev-parse", "HEAD"))
    job = ended(world, awx)
    assert job["status"] == "failed"
    assert f"{clone.forge.api}/repos/{clone.repository}/statuses/" in job["stdout"]
    assert "GITHUB_TOKEN must be allowed to write commit statuses" in job["stdout"]
    events = [each for each in awx.tables.rows["job_events"].values() if each["job"] == job["id"]]
    assert "wrong-t0ken" not in json.dumps(events)


def test_an_event_does_not_say_where_the_token_goes(awx: FakeAwx, world: World, set_up: SetUp, clone: Clone) -> None:
    strategy(world, "EmailApprovalStage")
    set_up(awx_status_token=clone.forge.token, awx_webhook_repository="")
    payload = push_payload("main", "a" * 40)
    payload["repository"] |= {"full_name": "../../user", "statuses_url": f"{clone.forge.url}/elsewhere"}
    deliver(awx, payload)
    approve(world, "a" * 40)
    job = ended(world, awx)
    assert job["status"] == "successful", job["stdout"]
    assert "skipping" in job["stdout"].rpartition("Tell the forge how the runs ended")[2]


def deliver(awx: FakeAwx, payload: dict[str, Any]) -> None:
    """A push that somebody signed who knows the template's key."""
    template = awx.tables.named("job_templates", "Kabanero webhook")
    template["webhook_key"] = "known"
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature": "sha1=" + hmac.new(b"known", body, hashlib.sha1).hexdigest(),
    }
    url = f"{awx.url}/api/v2/job_templates/{template['id']}/github/"
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()
