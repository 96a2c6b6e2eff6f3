"""JobTemplateStages when the runner dies and when AWX is away, busy, locked or forgetful: launched once, brought on."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests.integration.awx.world import QUICK, World, secret
from tests.support.awx import FakeAwx, Fault, Script
from tests.support.runner import API, Runner

LAUNCH = r"/launch/$"


def requested(world: World, method: str, part: str) -> bool:
    """Waits until AWX has been asked so."""
    return world.until(
        lambda: any(each.startswith(method) and part in each for each in world.awx.requests), f"{method} {part}"
    )


# --- the runner dies ---


def test_a_runner_that_died_takes_up_its_job_again(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.runner.kill()
    world.awx.end(id, Script(artifacts={"kabanero_stage_result": {"outputs": {"endpoint": "https://shop"}}}))
    world.runner.start()
    status = world.ended()
    assert (status["phase"], status["outputs"]) == ("Succeeded", {"endpoint": "https://shop"})
    assert len(world.awx.launched()) == 1


@pytest.mark.parametrize("slim", [False, True], ids=["lists with variables", "lists without"])
def test_a_launch_that_the_runner_died_under_is_found(world: World, slim: bool) -> None:
    world.awx.resources.slim_lists = slim
    world.awx.template("deploy", Script(seconds=1.0))
    world.awx.fail(Fault("POST", LAUNCH, 201, seconds=3, after_work=True))
    world.set_up()
    world.start()
    world.launched()
    world.runner.kill()
    world.runner.start()
    assert world.ended()["phase"] == "Succeeded"
    assert len(world.awx.launched()) == 1


def test_a_launch_that_never_arrived_is_made_after_the_restart(world: World) -> None:
    world.awx.template("deploy", Script())
    world.awx.fail(Fault("POST", LAUNCH, 503, seconds=3))
    world.set_up()
    world.start()
    requested(world, "POST", "/launch/")
    world.runner.kill()
    world.runner.start()
    assert world.ended()["phase"] == "Succeeded"
    assert len(world.awx.launched()) == 1


def test_a_cancel_that_was_asked_for_while_no_runner_was_there_reaches_the_job(world: World) -> None:
    world.awx.template("deploy", Script(hold=True, stubborn=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.patch("strategyruns", "ship-1", {"cancel": True})
    world.until(lambda: world.awx.job(id).get("_cancelled"), "the cancel")
    world.runner.kill()
    world.awx.end(id)
    world.runner.start()
    assert world.ended()["phase"] == "Cancelled"


def test_killed_again_and_again_it_launches_each_stage_once(awx: FakeAwx, tmp_path: Path) -> None:
    awx.template("deploy", Script(seconds=0.5))
    when = random.Random(7)
    with Runner(tmp_path, config=QUICK) as runner:
        world = World(runner, awx)
        world.set_up()
        for _ in range(6):
            name = world.start()
            time.sleep(when.uniform(0, 0.4))
            runner.kill()
            runner.start()
            assert world.ended(name)["phase"] == "Succeeded"
    runs = [json.loads(job["extra_vars"])["strategy_run"] for job in awx.launched()]
    assert sorted(runs) == [f"ship-{number}" for number in range(1, 7)]


# --- answers are lost ---


@pytest.mark.parametrize("status", [0, 502, 504], ids=["connection lost", "bad gateway", "gateway timeout"])
def test_a_launch_whose_answer_was_lost_is_not_sent_again(world: World, status: int) -> None:
    world.awx.template("deploy", Script(seconds=0.3))
    world.awx.fail(Fault("POST", LAUNCH, status, after_work=True))
    world.set_up()
    world.start()
    assert world.ended()["phase"] == "Succeeded"
    assert len(world.awx.launched()) == 1


@pytest.mark.parametrize("status", [0, 500, 503], ids=["connection lost", "server error", "unavailable"])
def test_a_launch_that_failed_is_sent_again(world: World, status: int) -> None:
    world.awx.template("deploy", Script())
    world.awx.fail(Fault("POST", LAUNCH, status))
    world.set_up()
    world.start()
    assert world.ended()["phase"] == "Succeeded"
    assert len(world.awx.launched()) == 1


def test_an_awx_that_wants_less_is_left_alone_for_as_long_as_it_says(world: World) -> None:
    world.awx.template("deploy", Script())
    world.awx.fail(Fault("POST", LAUNCH, 429, headers={"Retry-After": "2"}))
    world.set_up()
    world.start()
    requested(world, "POST", "/launch/")
    began, asked = time.monotonic(), len(world.awx.requests)
    world.until(lambda: len(world.awx.requests) > asked, "the next request")
    assert time.monotonic() - began > 1.5
    assert world.ended()["phase"] == "Succeeded"
    assert len(world.awx.launched()) == 1


# --- AWX is away ---


def test_an_awx_that_is_away_for_a_while_costs_nothing_but_time(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.awx.stop()
    world.until(
        lambda: "can't be reached" in (world.stage()["status"].get("progress") or {}).get("message", ""), "news"
    )
    world.awx.end(id)
    world.awx.start()
    assert world.ended()["phase"] == "Succeeded"


def test_a_launch_waits_for_an_awx_that_is_away(world: World) -> None:
    world.awx.template("deploy", Script())
    world.set_up()
    world.awx.stop()
    world.start()
    world.until(lambda: "Connect call failed" in world.runner.log.read_text() or world.stage()["status"], "a try")
    world.awx.start()
    assert world.ended()["phase"] == "Succeeded"


def test_server_errors_while_a_job_runs_are_waited_out(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.awx.fail(Fault("GET", "unified_jobs/.*id__in", 500, times=2))
    world.until(lambda: not any(fault.times for fault in world.awx.faults), "the errors")
    world.awx.end(id)
    assert world.ended()["phase"] == "Succeeded"


def test_a_job_that_was_deleted_at_awx_ends_its_stage(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    world.awx.delete(world.job_known())
    status = world.ended()
    assert (status["phase"], status["reason"]) == ("Errored", "JobVanished")


# --- logins ---


def test_a_token_that_was_exchanged_in_its_secret_is_read_again(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.set_up()
    world.start()
    id = world.job_known()
    world.awx.call(world.awx.people.revoke_all)
    world.until(
        lambda: "does not let us in" in (world.stage()["status"].get("progress") or {}).get("message", ""), "news"
    )
    world.awx.end(id)
    renewed = secret("awx", token=world.awx.new_token())
    world.runner.request(
        "PATCH", "/api/v1/namespaces/kabanero/secrets/awx", {"data": renewed["data"]}, "application/merge-patch+json"
    )
    assert world.ended()["phase"] == "Succeeded"


def test_a_password_becomes_a_token_which_is_renewed_and_given_back(world: World) -> None:
    awx = world.awx
    awx.template("deploy", Script(hold=True))
    world.set_up({"username": awx.user, "password": awx.password})
    world.start()
    id = world.job_known()
    assert awx.people.tokens_made == 1
    awx.call(awx.people.revoke_all)
    world.until(lambda: awx.people.tokens_made == 2, "a second token")
    awx.end(id)
    assert world.ended()["phase"] == "Succeeded"
    world.runner.stop()
    assert awx.tables.rows["tokens"] == {}


def test_where_there_are_no_tokens_the_password_is_used_itself(world: World) -> None:
    world.awx.template("deploy", Script())
    world.awx.fail(Fault("POST", "/tokens/", 404, times=99))
    world.set_up({"username": world.awx.user, "password": world.awx.password})
    world.start()
    assert world.ended()["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("login", "reason", "said"),
    [
        ({"token": "old"}, "LoginRefused", "does not let us in with Secret kabanero/awx"),
        ({"username": "admin", "password": "wrong"}, "LoginRefused", "Invalid username/password"),
        ({"user": "admin"}, "SecretInvalid", "has neither `token` nor `username` and `password`"),
    ],
)
def test_a_login_that_stays_refused_ends_a_stage_before_its_launch(
    world: World, login: dict[str, str], reason: str, said: str
) -> None:
    world.awx.template("deploy", Script())
    world.set_up(login)
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"]) == ("Errored", reason)
    assert said in status["message"]


def test_a_secret_that_is_missing_is_named(world: World) -> None:
    world.awx.template("deploy", Script())
    world.set_up(connection={"secret": "nowhere"})
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"]) == ("Errored", "SecretMissing")
    assert "Secret kabanero/nowhere is not there" in status["message"]


def test_secrets_are_never_shown(world: World) -> None:
    token = world.awx.new_token()
    world.awx.template("deploy", Script())
    world.set_up({"token": token})
    world.start()
    world.ended()
    shown = json.dumps([world.stage(), world.run(), world.runner.request("GET", f"{API}/jobtemplatestages")])
    assert token not in shown + world.runner.log.read_text() + json.dumps(world.awx.launched(), default=str)


# --- cancelled at the worst moment ---


def test_a_run_that_is_cancelled_while_its_launch_is_under_way_leaves_no_job_running(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.awx.fail(Fault("POST", LAUNCH, 504, seconds=1, after_work=True))
    world.set_up()
    world.start()
    [job] = world.launched()
    world.patch("strategyruns", "ship-1", {"cancel": True})
    assert world.ended()["phase"] == "Cancelled"
    assert world.awx.job(job["id"])["status"] == "canceled"


def test_a_stage_run_that_is_deleted_while_its_launch_is_under_way_leaves_no_job_running(world: World) -> None:
    world.awx.template("deploy", Script(hold=True))
    world.awx.fail(Fault("POST", LAUNCH, 504, seconds=1, after_work=True))
    world.set_up()
    world.start()
    [job] = world.launched()
    world.delete("stageruns", "ship-1-deploy")
    world.until(lambda: world.awx.job(job["id"])["finished"], "the job's end")


def test_a_cancelled_run_launches_nothing_once_awx_is_back(world: World) -> None:
    world.awx.template("deploy", Script())
    world.awx.fail(Fault("POST", LAUNCH, 503, times=99))
    world.set_up()
    world.start()
    requested(world, "POST", "/launch/")
    world.patch("strategyruns", "ship-1", {"cancel": True})
    assert world.ended()["phase"] == "Cancelled"
    assert world.awx.launched() == []
