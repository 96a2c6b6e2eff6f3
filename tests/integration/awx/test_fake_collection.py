"""The fake AWX as the collection awx.awx finds it: what its modules make, change, launch and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.awx import FailedTask, FakeAwx, Script
from tests.support.playing import play_tasks

Task = dict[str, Any]


def play(awx: FakeAwx, collections: str, folder: Path, *tasks: Task, **environment: str) -> list[Any]:
    """What each task returned."""
    kept = {"copy": {"content": "{{ told | to_json }}", "dest": str(folder / "told.json"), "mode": "0600"}}
    told: Task = {"set_fact": {"told": "{{ (told | default([])) + [done] }}"}}
    steps = [step for task in tasks for step in ({**task, "register": "done", "ignore_errors": True}, told)]
    login = {"CONTROLLER_HOST": awx.url, "CONTROLLER_USERNAME": awx.user, "CONTROLLER_PASSWORD": awx.password}
    done = play_tasks([*steps, kept], Path(collections), folder, **(login | environment))
    assert done.returncode == 0, done.stdout + done.stderr
    result: list[Any] = json.loads((folder / "told.json").read_text())
    return result


PROJECT = {
    "awx.awx.project": {
        "name": "shop",
        "organization": "Default",
        "scm_type": "git",
        "scm_url": "https://git.example.com/acme/shop.git",
        "wait": False,
    }
}
SURVEY = {
    "name": "",
    "description": "",
    "spec": [{"type": "text", "question_name": "Version", "variable": "version", "required": True, "default": "1"}],
}
TEMPLATE = {
    "awx.awx.job_template": {
        "name": "deploy",
        "organization": "Default",
        "project": "shop",
        "inventory": "Demo Inventory",
        "playbook": "deploy.yml",
        "ask_variables_on_launch": True,
        "survey_enabled": True,
        "survey_spec": SURVEY,
        "webhook_service": "github",
    }
}


def test_projects_and_templates_are_made_once(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    first = play(awx, collections, tmp_path, PROJECT, TEMPLATE)
    second = play(awx, collections, tmp_path, PROJECT, TEMPLATE)
    assert [each["changed"] for each in first + second] == [True, True, False, False]
    assert awx.tables.named("job_templates", "deploy")["survey_spec"]["spec"][0]["variable"] == "version"


def test_credentials_of_an_own_type_stay_secret(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    type = {
        "name": "Runner",
        "kind": "cloud",
        "inputs": {"fields": [{"id": "token", "type": "string", "label": "Token", "secret": True}]},
        "injectors": {"env": {"K8S_AUTH_API_KEY": "{% raw %}{{ token }}{% endraw %}"}},
    }
    credential = {"name": "runner", "organization": "Default", "credential_type": "Runner", "inputs": {"token": "x"}}
    stays = {"awx.awx.credential": {**credential, "update_secrets": False}}
    done = play(
        awx, collections, tmp_path, {"awx.awx.credential_type": type}, {"awx.awx.credential": credential}, stays
    )
    assert [each["changed"] for each in done] == [True, True, False]
    shown = awx.resources.listed("credentials", "/", [("name", "runner")])["results"][0]
    assert shown["inputs"] == {"token": "$encrypted$"}


def test_an_applications_token_can_be_renewed_and_a_persons_can_not(
    awx: FakeAwx, collections: str, tmp_path: Path
) -> None:
    kind = {"authorization_grant_type": "password", "client_type": "confidential"}
    application = {"awx.awx.application": {"name": "ci", "organization": "Default", **kind}}
    of_application = {"awx.awx.token": {"application": "ci", "scope": "write", "description": "for the runner"}}
    of_person = {"awx.awx.token": {"scope": "write"}}
    made, renewable, other, again = play(
        awx, collections, tmp_path, application, of_application, of_person, application
    )
    assert (made["changed"], again["changed"]) == (True, False)
    assert awx.tables.named("applications", "ci")["client_secret"] == made["client_secret"]
    told = renewable["ansible_facts"]["controller_token"]
    assert (told["application"], bool(told["refresh_token"])) == (made["id"], True)
    assert other["ansible_facts"]["controller_token"]["refresh_token"] is None


def test_a_launched_job_is_waited_for(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    awx.template("deploy", Script(artifacts={"answer": 42}))
    launch = {"name": "deploy", "extra_vars": {"version": "7"}, "wait": True, "interval": 0.1, "timeout": 20}
    [done] = play(awx, collections, tmp_path, {"awx.awx.job_launch": launch})
    assert (done["status"], done["changed"]) == ("successful", True)
    assert json.loads(awx.job(done["id"])["extra_vars"]) == {"version": "7"}


def test_a_failed_job_fails_its_task(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    awx.template("deploy", Script(status="failed", failures=(FailedTask("Restart", "web1", "no route"),)))
    launch = {"name": "deploy", "wait": True, "interval": 0.1, "timeout": 20}
    [done] = play(awx, collections, tmp_path, {"awx.awx.job_launch": launch})
    assert done["failed"]
    assert done["job_data"]["status"] == "failed"


def test_prompts_that_a_template_does_not_offer_are_told(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    awx.template("deploy", Script(), ask_variables_on_launch=False)
    [done] = play(
        awx, collections, tmp_path, {"awx.awx.job_launch": {"name": "deploy", "extra_vars": {"version": "7"}}}
    )
    assert "can not be passed into job template" in done["msg"]


def test_a_job_is_cancelled(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    awx.template("deploy", Script(hold=True))
    launch = {"awx.awx.job_launch": {"name": "deploy", "wait": False}}
    cancel = {"awx.awx.job_cancel": {"job_id": "{{ told[0].id }}", "fail_if_not_running": False}}
    done = play(awx, collections, tmp_path, launch, cancel)
    assert awx.job(done[0]["id"])["status"] == "canceled"


def test_a_workflow_is_made_of_nodes_and_run(awx: FakeAwx, collections: str, tmp_path: Path) -> None:
    awx.template("build", Script(artifacts={"image": "shop:1"}))
    awx.template("deploy", Script())
    workflow = {"name": "ship", "organization": "Default", "ask_variables_on_launch": True}
    node = "awx.awx.workflow_job_template_node"
    tasks = [
        {"awx.awx.workflow_job_template": workflow},
        *(
            {
                node: {
                    "identifier": name,
                    "workflow_job_template": "ship",
                    "organization": "Default",
                    "unified_job_template": name,
                }
            }
            for name in ("build", "deploy")
        ),
        {"awx.awx.workflow_launch": {"name": "ship", "wait": True, "interval": 0.1, "timeout": 20}},
    ]
    done = play(awx, collections, tmp_path, *tasks)
    assert done[-1]["status"] == "successful"
    [_, second] = awx.resources.listed("jobs", "/", [])["results"]
    assert json.loads(second["extra_vars"])["image"] == "shop:1"


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"CONTROLLER_PASSWORD": "wrong"}, "401"),
        ({"CONTROLLER_USERNAME": "auditor", "CONTROLLER_PASSWORD": "looks"}, "403"),
    ],
)
def test_who_may_not_is_refused(
    awx: FakeAwx, collections: str, tmp_path: Path, login: dict[str, str], said: str
) -> None:
    [done] = play(awx, collections, tmp_path, PROJECT, **login)
    assert said in done["msg"]
