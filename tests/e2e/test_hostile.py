"""What outsiders can send: nothing of it is evaluated, nothing brings the runner down, nothing goes without a word."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from tests.bench.idle import resident
from tests.support import runs
from tests.support.runner import SECRET, Runner
from tests.support.strategies import binding, chain, marking_project, match, playbook_stage, strategy

ECHO = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Use what came from outside
      ansible.builtin.debug:
        msg: "{{ variables.src_repo.branch }} {{ variables.note }} {{ resources }}"
    - name: Report it
      kabanero.events.stage_result:
        outputs: {seen: "{{ variables.src_repo.branch }}"}
        message: "{{ variables.note }}"
"""
FLOOD = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Print for a hundred megabytes
      ansible.builtin.debug:
        msg: "{{ 'x' * 10000000 }}"
      loop: "{{ range(10) | list }}"
"""


@pytest.fixture(scope="module")
def hostile(runner: Runner) -> Runner:
    """A strategy whose playbook uses branch and message, started by every push."""
    marking_project(runner.project)
    (runner.project / "echo.yml").write_text(ECHO)
    (runner.project / "flood.yml").write_text(FLOOD)
    bound = {"input": [{"stageVariable": "source", "strategyVariable": "src_repo"}]}
    runner.apply(
        playbook_stage("echo", "echo.yml"),
        playbook_stage("flood", "flood.yml"),
        *strategy("echo", [binding("Echo", "PlaybookStage", [match("Start")], resourceBindings=bound)]),
        *strategy("flood", [binding("Flood", "PlaybookStage", [match("Start")])])[:1],
        *chain("Probe")[:2],
    )
    return runner


def raw_push(runner: Runner, body: bytes, event: str = "push") -> int:
    """A signed delivery of any bytes."""
    request = urllib.request.Request(runner.url + "/webhook", body, method="POST")
    request.add_header("Content-Type", "application/json")
    request.add_header("X-GitHub-Event", event)
    request.add_header("X-GitHub-Delivery", str(uuid.uuid4()))
    request.add_header("X-Hub-Signature-256", "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def alive(runner: Runner) -> bool:
    """Whether a run still goes through."""
    return bool(
        runs.ended(runner, runs.start(runner, "chain", emit={"name": "Start"}))["status"]["phase"] == "Succeeded"
    )


ATTACKS = [
    "{{{{ lookup('pipe','touch {file}') }}}}",
    "$(touch {file})",
    "`touch {file}`",
    "x'; touch {file}; '",
    "{{% for i in [1] %}}{{{{ lookup('pipe','touch {file}') }}}}{{% endfor %}}",
    "#jinja2:variable_start_string:'[%'\n[% lookup('pipe','touch {file}') %]",
    "${{event.rawData}} ${{contextID}} $stage_status",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_branch_and_message_stay_plain_text(hostile: Runner, tmp_path: Path, attack: str) -> None:
    file = tmp_path / "evaluated"
    text = attack.format(file=file)
    known = {run["metadata"]["name"] for run in hostile.runs()}
    assert hostile.push(text, head_commit={"id": "c", "message": text}) == 202
    name = runs.wait(
        lambda: next((r["metadata"]["name"] for r in hostile.runs() if r["metadata"]["name"] not in known), "")
    )
    status = runs.ended(hostile, name)["status"]
    assert not file.exists()
    assert (status["phase"], status["variables"]["src_repo"]["branch"], status["variables"]["note"]) == (
        "Succeeded",
        text,
        text,
    )
    outputs = runs.in_phase(hostile, name, "Echo", "Succeeded")["status"]["outputs"]
    assert outputs == {"seen": text}


def test_a_branch_name_of_a_megabyte_leaves_the_runner_working(hostile: Runner) -> None:
    assert hostile.push("b" * 1_000_000) in (202, 400)
    assert alive(hostile)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"ref": "\xff\xfe"}',
        b"not json",
        b"[]",
        b"",
    ],
    ids=["deep lists", "deep objects", "invalid UTF-8", "no JSON", "no object", "nothing"],
)
def test_a_body_that_is_no_webhook_is_refused_and_the_runner_works_on(hostile: Runner, body: bytes) -> None:
    assert raw_push(hostile, body) in (400, 401)
    assert alive(hostile)


@pytest.mark.slow
def test_a_playbook_that_prints_a_hundred_megabytes_does_not_fill_the_runner(hostile: Runner) -> None:
    assert hostile.process
    before = resident(hostile.process.pid)
    run = runs.start(hostile, "flood", emit={"name": "Start"})
    assert runs.ended(hostile, run, 120)["status"]["phase"] == "Succeeded"
    assert resident(hostile.process.pid) - before < 60
    assert sum(file.stat().st_size for file in hostile.data.glob("artifacts/*/log")) < 30_000_000


def test_the_api_token_of_playbooks_is_nowhere_on_disk(hostile: Runner) -> None:
    (hostile.project / "leak.yml").write_text(
        ECHO.replace(
            "{{ variables.src_repo.branch }} {{ variables.note }} {{ resources }}",
            "{{ lookup('env', 'K8S_AUTH_API_KEY') }}",
        )
        .replace('"{{ variables.note }}"', "\"{{ lookup('env', 'K8S_AUTH_API_KEY') }}\"")
        .replace('{seen: "{{ variables.src_repo.branch }}"}', "{seen: \"{{ lookup('env', 'K8S_AUTH_API_KEY') }}\"}")
    )
    hostile.apply(playbook_stage("leak", "leak.yml"))
    hostile.apply(*strategy("leak", [binding("Leak", "PlaybookStage", [match("Start")])])[:1])
    run = runs.start(hostile, "leak", emit={"name": "Start"})
    assert runs.ended(hostile, run)["status"]["phase"] == "Succeeded"
    stage = runs.in_phase(hostile, run, "Leak", "Succeeded")
    assert stage["status"]["outputs"] == {"seen": "********"}
    assert stage["status"]["message"] == "********"
    log = next(hostile.data.glob(f"artifacts/{stage['metadata']['name']}*/log")).read_text()
    assert "********" in log


def test_an_event_that_no_trigger_wants_is_recorded_and_acknowledged(hostile: Runner) -> None:
    body = json.dumps(
        {
            "zen": "x",
            "repository": {
                "full_name": "acme/shop",
                "html_url": "https://github.com/acme/shop",
                "name": "shop",
                "owner": {"login": "acme"},
            },
        }
    )
    assert raw_push(hostile, body.encode(), "star") == 202
    time.sleep(0.2)
    events = hostile.request("GET", "/runner/v1/events?topic=SourceRepository&limit=5")["items"]
    assert any("Star" in json.dumps(event) for event in events)
