"""JobTemplateStages on a real runner: what is launched, what comes back, and how it is stopped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.awx.world import World
from tests.support.awx import FailedTask, Script

RESULT = "kabanero_stage_result"


def report(**fields: Any) -> dict[str, Any]:
    """The artifacts of a playbook that ended with stage_result."""
    return {RESULT: {"status": "Success", **fields}}


def test_the_job_gets_what_a_playbook_gets(world: World) -> None:
    world.awx.template("deploy", Script())
    world.set_up(extraVars={"image": "${resources.input.app.location}", "contextID": "not this one"})
    world.start()
    variables = json.loads(world.launched()[0]["extra_vars"])
    assert variables["image"] == variables["variables"]["app_image"]["location"] == "registry/shop:1"
    assert (variables["stage_name"], variables["strategy_run"]) == ("Deploy", "ship-1")
    assert variables["contextID"] == world.run()["status"]["contextID"]


def test_what_the_playbook_reports_becomes_outputs_and_starts_the_next_stage(world: World) -> None:
    world.awx.template("deploy", Script(artifacts=report(outputs={"endpoint": "https://shop"})))
    world.set_up()
    world.start()
    status = world.ended()
    assert (status["phase"], status["outputs"]) == ("Succeeded", {"endpoint": "https://shop"})
    assert world.run()["status"]["variables"]["endpoint"] == "https://shop"
    assert world.until(lambda: world.stage("ship-1-after")["status"], "the next stage")["phase"] != "Waiting"


def test_the_status_links_to_the_jobs_page_while_it_runs(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    status = world.stage()["status"]
    assert status["links"] == {"AWX job": f"{world.awx.url}/#/jobs/playbook/{id}/output"}
    assert (status["phase"], status["waitsOn"]) == ("Running", "Job")
    assert world.until(lambda: world.stage()["status"].get("progress"), "progress")["message"] == f"job {id} is running"


def test_a_failure_names_task_host_and_the_end_of_the_output(world: World) -> None:
    failed = (FailedTask("Look", "web0", "never mind", ignored=True), FailedTask("Restart", "web1", "no route"))
    world.awx.template("deploy", Script(status="failed", failures=failed, output=("PLAY [web] \x1b[31m***\x1b[0m",)))
    world.set_up()
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"]) == ("Failed", "JobFailed")
    assert "task Restart failed on web1: no route" in status["message"]
    assert "PLAY [web] ***" in status["message"]
    assert "PLAY RECAP" in status["message"]


def test_a_playbook_may_say_itself_why_it_failed(world: World) -> None:
    said = {RESULT: {"status": "Failed", "reason": "TestsFailed", "message": "3 tests failed", "outputs": {"n": "3"}}}
    world.awx.template("deploy", Script(status="failed", artifacts=said))
    world.set_up()
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"], status["outputs"]) == ("Failed", "TestsFailed", {"n": "3"})
    assert status["message"].startswith("3 tests failed")


@pytest.mark.parametrize(
    ("script", "phase", "reason"),
    [
        (Script(status="error", explanation="Task was marked as running but was not present"), "Errored", "JobError"),
        (Script(status="failed", explanation="Job terminated due to timeout"), "TimedOut", "JobTimedOut"),
        (Script(status="canceled"), "Cancelled", "JobCanceled"),
    ],
)
def test_every_end_of_a_job_is_an_end_of_the_stage(world: World, script: Script, phase: str, reason: str) -> None:
    world.awx.template("deploy", script)
    world.set_up()
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"]) == (phase, reason)
    assert script.explanation in status["message"]


def test_a_job_may_hand_over_to_an_object(world: World) -> None:
    waiting_for = {"apiVersion": "kabanero.io/v1alpha1", "kind": "StageRun", "name": "ship-1-after"}
    world.awx.template("deploy", Script(artifacts={RESULT: {"waiting_for": waiting_for}}))
    world.set_up()
    world.start()
    status = world.until(
        lambda: status if (status := world.stage()["status"]).get("waitsOn") == "Object" else None, "the object"
    )
    assert status["waitingFor"] == waiting_for
    assert "AWX job" in status["links"]


def test_prompts_are_handed_on_by_name(world: World) -> None:
    awx = world.awx
    kind = awx.tables.named("credential_types", "Machine")["id"]
    credential = awx.call(lambda: awx.tables.add("credentials", name="ssh", credential_type=kind))
    organization = awx.tables.named("organizations", "Default")["id"]
    other = awx.call(lambda: awx.tables.add("inventories", name="Production", organization=organization))
    asks = ("inventory", "limit", "credential", "tags", "skip_tags", "verbosity", "scm_branch", "timeout")
    awx.template("deploy", Script(), **{f"ask_{name}_on_launch": True for name in asks})
    world.set_up(
        inventory="Production",
        limit="web",
        credentials=["ssh"],
        tags=["a", "b"],
        skipTags=["c"],
        verbosity=2,
        scmBranch="v1",
        timeout="90s",
        organization="Default",
    )
    world.start()
    job = world.launched()[0]
    told = {name: job[name] for name in ("inventory", "limit", "job_tags", "skip_tags", "verbosity", "scm_branch")}
    assert told == {
        "inventory": other["id"],
        "limit": "web",
        "job_tags": "a,b",
        "skip_tags": "c",
        "verbosity": 2,
        "scm_branch": "v1",
    }
    assert job["timeout"] == 90
    assert awx.tables.lists["jobs", job["id"], "credentials"] == [credential["id"]]


@pytest.mark.parametrize(
    ("template", "spec", "reason", "said"),
    [
        ({}, {"jobTemplate": "nobody"}, "TemplateUnknown", "no job template nobody"),
        ({}, {"jobTemplate": "999"}, "TemplateUnknown", "job_templates/999/launch/"),
        ({}, {"organization": "Elsewhere"}, "TemplateUnknown", "no job template deploy"),
        ({"ask_variables_on_launch": False}, {}, "PromptMissing", "switch ask_variables_on_launch on"),
        ({}, {"limit": "web"}, "PromptMissing", "does not prompt for limit"),
        ({"ask_inventory_on_launch": True}, {"inventory": "none"}, "PromptUnknown", "none"),
        ({"inventory": None}, {}, "LaunchRefused", "'inventory' is missing"),
    ],
)
def test_what_can_not_be_launched_ends_with_what_to_change(
    world: World, template: dict[str, Any], spec: dict[str, Any], reason: str, said: str
) -> None:
    world.awx.template("deploy", Script(), **template)
    world.set_up(**spec)
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"]) == ("Errored", reason)
    assert said in status["message"]
    assert world.awx.launched() == []


def test_a_survey_that_asks_for_more_is_told(world: World) -> None:
    question = {"type": "text", "question_name": "Version", "variable": "version", "required": True}
    spec = {"name": "", "description": "", "spec": [question]}
    world.awx.template("deploy", Script(), survey_enabled=True, survey_spec=spec)
    world.set_up()
    world.start()
    assert "'version' value missing" in world.ended()["message"]


def test_a_workflow_is_launched_and_its_last_report_counts(world: World) -> None:
    awx = world.awx
    first = awx.template("build", Script(artifacts=report(outputs={"endpoint": "first"})))
    last = awx.template("publish", Script(artifacts=report(outputs={"endpoint": "last"}), seconds=0.1))
    awx.workflow("ship it", first, last)
    world.set_up(workflowTemplate="ship it")
    world.start()
    status = world.ended()
    assert (status["phase"], status["outputs"]) == ("Succeeded", {"endpoint": "last"})
    assert "/#/jobs/workflow/" in status["links"]["AWX job"]


def test_a_failed_workflow_names_the_job_that_failed(world: World) -> None:
    awx = world.awx
    bad = Script(status="failed", failures=(FailedTask("Push", "web1", "denied"),))
    awx.workflow("ship it", awx.template("build", Script()), awx.template("publish", bad))
    world.set_up(workflowTemplate="ship it")
    world.start()
    status = world.ended()
    assert status["phase"] == "Failed"
    assert "(publish) failed" in status["message"]
    assert "task Push failed on web1: denied" in status["message"]


def test_a_sliced_job_is_one_job_to_the_stage(world: World) -> None:
    world.awx.template("deploy", Script(), ask_job_slice_count_on_launch=True)
    world.set_up(jobSliceCount=3)
    world.start()
    assert world.ended()["phase"] == "Succeeded"
    assert [job["is_sliced_job"] for job in world.launched()] == [True]


def test_cancelling_the_run_cancels_the_job(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.patch("strategyruns", "ship-1", {"cancel": True})
    assert world.ended()["phase"] == "Cancelled"
    assert world.awx.job(id)["status"] == "canceled"


def test_deleting_the_stage_run_cancels_the_job(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.delete("stageruns", "ship-1-deploy")
    assert world.until(lambda: world.awx.job(id)["finished"], "the job's end")
    assert world.stage() == {"status": {}}


def test_a_stage_that_takes_too_long_cancels_its_job(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up(timeout="2s")
    world.start()
    id = world.job_known()
    assert world.ended()["phase"] == "TimedOut"
    assert world.until(lambda: world.awx.job(id)["finished"], "the job's end")


def test_a_failed_stage_is_tried_again_with_another_job(world: World) -> None:
    world.awx.template("deploy", Script(status="failed"))
    world.set_up(retries=1)
    world.start()
    status = world.until(lambda: s if (s := world.stage()["status"]).get("attempt") == 2 else None, "attempt 2")
    assert world.ended()["attempt"] == 2, status
    attempts = [json.loads(job["extra_vars"])["stage_attempt"] for job in world.launched(2)]
    assert attempts == [1, 2]


def test_all_jobs_of_one_awx_are_asked_for_together(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    for _ in range(25):
        world.start()
    ids = [job["id"] for job in world.launched(25)]
    world.until(
        lambda: all(world.stage(f"ship-{n}-deploy")["status"].get("job", {}).get("id") for n in range(1, 26)), "ids"
    )
    seen = len(world.awx.requests)
    polls = world.until(
        lambda: found if len(found := [r for r in world.awx.requests[seen:] if "id__in" in r]) >= 3 else None, "polls"
    )
    assert all(str(id) in polls[-1] for id in ids)
    assert [r for r in world.awx.requests[seen:] if "id__in" not in r] == []
    for id in ids:
        world.awx.end(id)
    assert {world.ended(f"ship-{number}-deploy")["phase"] for number in range(1, 26)} == {"Succeeded"}
