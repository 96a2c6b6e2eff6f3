"""The fake AWX as awxkit finds it: as a library, and as the program `awx` that asks the API what it can do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from awxkit import api, config, exceptions, utils

from tests.support.awx import FailedTask, FakeAwx, Script

AWX = Path(sys.executable).parent / "awx"


@pytest.fixture
def v2(awx: FakeAwx) -> Any:
    """The API's root, logged in."""
    config.base_url = awx.url
    config.credentials = utils.PseudoNamespace({"default": {"username": awx.user, "password": awx.password}})
    root = api.Api()
    root.connection.login(awx.user, awx.password)
    return root.get().available_versions.v2.get()


def test_a_job_is_launched_and_waited_for(awx: FakeAwx, v2: Any) -> None:
    awx.template("deploy", Script(artifacts={"answer": 42}))
    template = v2.job_templates.get(name="deploy").results[0]
    job = template.launch({"extra_vars": {"version": "7"}}).wait_until_completed(interval=0.05, timeout=10)
    assert job.is_successful
    assert dict(job.artifacts) == {"answer": 42}
    assert json.loads(job.extra_vars) == {"version": "7"}


def test_what_a_template_does_not_prompt_for_is_ignored_aloud(awx: FakeAwx, v2: Any) -> None:
    template = awx.template("deploy", Script(), ask_variables_on_launch=False, ask_limit_on_launch=True)
    page = v2.job_templates.get(id=template["id"]).results[0].get_related("launch")
    answer = page.post({"extra_vars": {"version": "7"}, "limit": "web"})
    assert answer.ignored_fields == {"extra_vars": {"version": "7"}}
    assert awx.job(answer.job)["limit"] == "web"


def test_a_survey_lets_its_own_variables_through(awx: FakeAwx, v2: Any) -> None:
    question = {"type": "text", "question_name": "Version", "variable": "version", "required": True}
    survey = {"name": "", "description": "", "spec": [question]}
    awx.template("deploy", Script(), ask_variables_on_launch=False, survey_enabled=True, survey_spec=survey)
    launch = v2.job_templates.get(name="deploy").results[0].get_related("launch")
    with pytest.raises(exceptions.BadRequest) as refused:
        launch.post({"extra_vars": {}})
    assert refused.value.msg == {"variables_needed_to_start": ["'version' value missing"]}
    answer = launch.post({"extra_vars": {"version": "7", "other": "x"}})
    assert answer.ignored_fields == {"extra_vars": {"other": "x"}}


def test_events_and_output_of_a_failed_job(awx: FakeAwx, v2: Any) -> None:
    awx.template("deploy", Script(status="failed", failures=(FailedTask("Restart", "web1", "no route"),)))
    job = v2.job_templates.get(name="deploy").results[0].launch().wait_until_completed(interval=0.05, timeout=10)
    [event] = job.related.job_events.get(event="runner_on_failed").results
    assert (event.task, event.host_name, event.event_data["res"]["msg"]) == ("Restart", "web1", "no route")
    assert "no route" in job.connection.get(job.related.stdout.endpoint, {"format": "txt"}).text


def test_a_running_job_is_cancelled_and_an_ended_one_is_not(awx: FakeAwx, v2: Any) -> None:
    awx.template("deploy", Script(hold=True))
    job = v2.job_templates.get(name="deploy").results[0].launch()
    job.cancel()
    assert job.wait_until_completed(interval=0.05, timeout=10).status == "canceled"
    with pytest.raises(exceptions.MethodNotAllowed):
        job.related.cancel.post()


def test_lists_come_in_pages_and_in_order(awx: FakeAwx, v2: Any) -> None:
    for number in range(5):
        awx.template(f"t{number}", Script())
    page = v2.job_templates.get(order_by="-name", page_size=2)
    assert [each.name for each in page.results] == ["t4", "t3"]
    assert [each.name for each in page.next.get().results] == ["t2", "t1"]
    assert page.count == 5


def test_many_jobs_of_all_kinds_are_asked_for_at_once(awx: FakeAwx, v2: Any) -> None:
    awx.workflow("ship", awx.template("deploy", Script()))
    job = v2.job_templates.get(name="deploy").results[0].launch()
    workflow = v2.workflow_job_templates.get(name="ship").results[0].launch()
    found = v2.unified_jobs.get(id__in=f"{job.id},{workflow.id},99999", order_by="id").results
    assert [(each.id, each.type) for each in found] == [(job.id, "job"), (workflow.id, "workflow_job")]


def test_the_jobs_of_a_template_that_are_newer_than_one(awx: FakeAwx, v2: Any) -> None:
    awx.template("other", Script())
    template = awx.template("deploy", Script())
    first, second = (v2.job_templates.get(name="deploy").results[0].launch() for _ in range(2))
    v2.job_templates.get(name="other").results[0].launch()
    found = v2.unified_jobs.get(unified_job_template=template["id"], id__gt=first.id, order_by="id").results
    assert [each.id for each in found] == [second.id]
    assert json.loads(found[0].extra_vars) == {}


def test_secret_and_unknown_fields_can_not_be_filtered_by(v2: Any) -> None:
    with pytest.raises(exceptions.Forbidden):
        v2.jobs.get(extra_vars__icontains="marker")
    with pytest.raises(exceptions.BadRequest):
        v2.jobs.get(no_such_field="x")


def test_a_deleted_job_is_not_found(awx: FakeAwx, v2: Any) -> None:
    awx.template("deploy", Script())
    job = v2.job_templates.get(name="deploy").results[0].launch().wait_until_completed(interval=0.05, timeout=10)
    job.delete()
    with pytest.raises(exceptions.NotFound):
        job.get()


def test_a_sliced_template_launches_a_workflow_of_slices(awx: FakeAwx, v2: Any) -> None:
    awx.template("deploy", Script(), ask_job_slice_count_on_launch=True)
    template = v2.job_templates.get(name="deploy").results[0]
    workflow = template.launch({"job_slice_count": 3}).wait_until_completed(interval=0.05, timeout=10)
    assert (workflow.type, workflow.is_sliced_job) == ("workflow_job", True)
    assert workflow.related.workflow_nodes.get().count == 3


def test_tokens_log_in_until_they_are_revoked(awx: FakeAwx, v2: Any) -> None:
    token = v2.tokens.post({"scope": "write", "description": "test"}).token
    v2.connection.login(token=token)
    assert v2.me.get().results[0].username == awx.user
    awx.call(awx.people.revoke_all)
    with pytest.raises(exceptions.Unauthorized):
        v2.me.get()


def test_an_application_gives_a_token_for_a_password_which_is_renewed_once(awx: FakeAwx, v2: Any) -> None:
    organization = v2.organizations.get(name="Default").results[0].id
    wanted = {"name": "ci", "client_type": "confidential", "authorization_grant_type": "password"}
    made = v2.applications.post({**wanted, "organization": organization})
    client = {"client_id": made.client_id, "client_secret": made.client_secret}
    root = api.Api()
    first = root.get_oauth2_token(awx.user, awx.password, **client, scope="read")
    root.connection.login(token=first)
    assert root.get().available_versions.v2.get().me.get().results[0].username == awx.user
    [shown] = v2.tokens.get(application=made.id).results
    assert (shown.token, shown.refresh_token, shown.scope) == ("************", "************", "read")

    renew = {"grant_type": "refresh_token", "refresh_token": awx.tables.rows["tokens"][shown.id]["refresh_token"]}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection = api.Api().connection
    connection.session.auth = tuple(client.values())
    answer = connection.post("/api/o/token/", data=renew, headers=form)
    second = answer.json()
    assert (answer.status_code, second["scope"]) == (200, "read")
    assert second["refresh_token"] != renew["refresh_token"]
    with pytest.raises(exceptions.Unauthorized):
        root.get().available_versions.v2.get().me.get()
    again = connection.post("/api/o/token/", data=renew, headers=form)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


def test_an_application_that_does_not_say_its_secret_gets_nothing(awx: FakeAwx, v2: Any) -> None:
    application = awx.application("ci")
    with pytest.raises(exceptions.Unauthorized):
        api.Api().get_oauth2_token(awx.user, awx.password, client_id=application["client_id"], client_secret="wrong")


def test_an_application_of_another_grant_gives_nothing_for_a_password(awx: FakeAwx, v2: Any) -> None:
    application = awx.application("web", "authorization-code")
    connection = api.Api().connection
    connection.session.auth = (application["client_id"], application["client_secret"])
    form = {"grant_type": "password", "username": awx.user, "password": awx.password}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = connection.post("/api/o/token/", data=form, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "unauthorized_client"})


def test_the_program_finds_out_what_it_can_do(awx: FakeAwx) -> None:
    awx.template("deploy", Script())
    login = ["--conf.host", awx.url, "--conf.token", awx.new_token()]
    command = [str(AWX), *login, "job_templates", "launch", "deploy", "--extra_vars", '{"version": 7}', "--monitor"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads(job["extra_vars"]) for job in awx.launched()] == [{"version": 7}]
