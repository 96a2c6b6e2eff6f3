"""The collection's playbooks as job templates: set up by awx.awx, launched by webhooks and people, on a runner."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.awx.world import World
from tests.support.awx import FakeAwx
from tests.support.awx.playing import injected
from tests.support.collection import ROOT
from tests.support.playing import run_playbook
from tests.support.runner import push_payload, resource
from tests.support.strategies import binding, match, strategy

HOSTILE = "{{ lookup('pipe', 'touch hostile') }} ${variables.src_repo} $(touch hostile)"


@pytest.fixture
def awx(collections: str) -> Iterator[FakeAwx]:
    """One whose project is this collection."""
    with FakeAwx(projects={"Kabanero events": ROOT}, collections=collections) as started:
        yield started


@pytest.fixture
def set_up(awx: FakeAwx, world: World, collections: str) -> dict[str, str]:
    """The environment of the playbook that sets AWX up, which has been played once."""
    environment = {
        "CONTROLLER_HOST": awx.url,
        "CONTROLLER_OAUTH_TOKEN": awx.new_token(),
        "K8S_AUTH_HOST": world.runner.url,
        "K8S_AUTH_API_KEY": world.runner.token,
    }
    done = run_playbook("kabanero.events.awx_setup", collections, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment


def approvals(world: World) -> None:
    """A strategy that a push starts."""
    stages = [binding("Ask", "EmailApprovalStage", [match("Start")])]
    world.runner.apply(resource("EmailApprovalStage", "ask", {}), *strategy("shop", stages))


def deliver(awx: FakeAwx, payload: dict[str, Any], delivery: str, template: str = "Kabanero webhook") -> int:
    """One signed push to the job template, as GitHub sends it."""
    row = awx.tables.named("job_templates", template)
    key = request(awx, "GET", f"job_templates/{row['id']}/webhook_key/")["webhook_key"]
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature": "sha1=" + hmac.new(key.encode(), body, hashlib.sha1).hexdigest(),
    }
    url = f"{awx.url}/api/v2/job_templates/{row['id']}/github/"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return int(answer.status)


def request(awx: FakeAwx, method: str, path: str, body: Any = None) -> Any:
    """One request of AWX's API."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {awx.new_token()}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{awx.url}/api/v2/{path}", data, headers, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def ended(world: World, awx: FakeAwx, count: int = 1) -> dict[str, Any]:
    """The last of so many jobs, once it has ended."""
    world.until(lambda: len(awx.launched()) >= count, "a job")
    job = world.until(lambda: job if (job := awx.launched()[-1])["finished"] else None, "the job's end")
    events = [each for each in awx.tables.rows["job_events"].values() if each["job"] == job["id"]]
    return {**job, "stdout": "\n".join(each["stdout"] for each in events)}


def test_setting_awx_up_again_changes_nothing(awx: FakeAwx, set_up: dict[str, str], collections: str) -> None:
    done = run_playbook("kabanero.events.awx_setup", collections, **set_up)
    assert re.search(r"changed=0 .*failed=0", done.stdout), done.stdout
    names = {row["name"] for row in awx.tables.rows["job_templates"].values()}
    assert names == {"Kabanero webhook", "Kabanero start strategy"}


def test_a_webhook_at_awx_starts_the_strategy_that_it_matches(
    awx: FakeAwx, world: World, set_up: dict[str, str]
) -> None:
    approvals(world)
    payload = push_payload("main", "c0ffee") | {"head_commit": {"id": "c0ffee", "message": HOSTILE}}
    assert deliver(awx, payload, str(uuid.uuid4())) == 202
    job = ended(world, awx)
    assert job["status"] == "successful", job["stdout"]
    [run] = world.runner.runs()
    assert job["artifacts"]["kabanero_runs"] == [run["metadata"]["name"]]
    variables = {each["name"]: each for each in run["spec"]["variables"]}
    assert variables["src_repo"]["commit"] == "c0ffee"
    assert variables["src_repo"]["location"] == "https://github.com/acme/shop"
    assert variables["note"]["value"] == HOSTILE


def test_a_job_that_is_launched_again_for_a_delivery_starts_nothing_twice(
    awx: FakeAwx, world: World, set_up: dict[str, str]
) -> None:
    approvals(world)
    payload, delivery = push_payload("main", "c0ffee"), str(uuid.uuid4())
    deliver(awx, payload, delivery)
    ended(world, awx)
    for row in awx.tables.rows["jobs"].values():
        row["webhook_guid"] = ""  # As if AWX had forgotten it.
    deliver(awx, payload, delivery)
    assert ended(world, awx, 2)["status"] == "successful"
    assert len(world.runner.runs()) == 1


def test_what_no_trigger_matches_starts_nothing(awx: FakeAwx, world: World, set_up: dict[str, str]) -> None:
    deliver(awx, push_payload("main", "c0ffee"), str(uuid.uuid4()))
    job = ended(world, awx)
    assert (job["status"], job["artifacts"]["kabanero_runs"]) == ("successful", [])


def test_people_start_a_strategy_by_a_survey(awx: FakeAwx, world: World, set_up: dict[str, str]) -> None:
    approvals(world)
    template = awx.tables.named("job_templates", "Kabanero start strategy")
    answers = {"kabanero_strategy": "shop", "kabanero_variables": "note: by hand", "kabanero_wait": "no"}
    launched = request(awx, "POST", f"job_templates/{template['id']}/launch/", {"extra_vars": answers})
    assert launched["ignored_fields"] == {}
    job = ended(world, awx)
    assert job["status"] == "successful", job["stdout"]
    [run] = world.runner.runs()
    assert run["metadata"]["name"] == f"awx-{job['id']}"
    assert {"name": "note", "value": "by hand"} in run["spec"]["variables"]


def test_a_job_fails_with_the_run_that_it_waits_for(awx: FakeAwx, world: World, set_up: dict[str, str]) -> None:
    world.runner.apply(*strategy("shop", [binding("Gone", "PlaybookStage", [match("Start")])]))
    template = awx.tables.named("job_templates", "Kabanero start strategy")
    launch = {"extra_vars": {"kabanero_strategy": "shop", "kabanero_variables": "", "kabanero_wait": "yes"}}
    request(awx, "POST", f"job_templates/{template['id']}/launch/", launch)
    job = ended(world, awx)
    [run] = world.runner.runs()
    assert (job["status"], run["status"]["phase"]) == ("failed", "Failed"), job["stdout"]


def test_launched_without_a_webhook_the_playbook_does_nothing(collections: str) -> None:
    done = run_playbook("kabanero.events.webhook_run", collections)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TASK [Send" not in done.stdout


def test_a_kubeconfig_reaches_a_job_as_a_file_of_its_own(
    awx: FakeAwx, world: World, collections: str, tmp_path: Path
) -> None:
    kubeconfig = (world.runner.data / "kubeconfig").read_text()
    variables = json.dumps({"awx_runner_kubeconfig": kubeconfig})
    login = {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": awx.new_token()}
    done = run_playbook("kabanero.events.awx_setup", collections, "--extra-vars", variables, **login)
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.runner.token not in done.stdout

    approvals(world)
    template = awx.tables.named("job_templates", "Kabanero start strategy")
    answers = {"kabanero_strategy": "shop", "kabanero_variables": "", "kabanero_wait": "no"}
    request(awx, "POST", f"job_templates/{template['id']}/launch/", {"extra_vars": answers})
    job = ended(world, awx)
    assert job["status"] == "successful", job["stdout"]
    assert len(world.runner.runs()) == 1


def test_the_credential_type_hands_the_kubeconfig_on_by_awxs_rules(
    awx: FakeAwx, set_up: dict[str, str], tmp_path: Path
) -> None:
    type = awx.tables.named("credential_types", "Kabanero runner")
    environment = injected(type, {"kubeconfig": "kind: Config\n", "verify_ssl": True}, tmp_path)
    file = Path(environment["K8S_AUTH_KUBECONFIG"])
    assert (file.parent, file.read_text(), file.stat().st_mode & 0o777) == (tmp_path / "env", "kind: Config\n", 0o600)
    assert (environment["K8S_AUTH_HOST"], environment["K8S_AUTH_API_KEY"]) == ("", "")
    without = injected(type, {"host": "https://runner", "token": "t", "verify_ssl": False}, tmp_path)
    assert (without["K8S_AUTH_KUBECONFIG"], without["K8S_AUTH_VERIFY_SSL"]) == ("", "False")


def test_the_credential_keeps_the_runners_token_to_itself(awx: FakeAwx, world: World, set_up: dict[str, str]) -> None:
    [credential] = awx.tables.rows["credentials"].values()
    assert credential["inputs"]["host"] == world.runner.url
    shown = request(awx, "GET", f"credentials/{credential['id']}/")
    assert world.runner.token not in json.dumps(shown)
