"""Stages that log in at AWX as an application does: their token is renewed, and what is renewed is kept."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

import pytest
from kabanero.clock import SystemClock
from kabanero.executors.awx import AwxJobs, AwxSettings
from kabanero.model.errors import ForbiddenError
from kabanero.ports import JobOrder, JobPlace, WorkResult, WorkStatus

from tests.integration.awx.world import World
from tests.support.awx import FakeAwx, Fault, Script

PATIENT = AwxSettings(login_patience=10.0, retry=0.05, retry_most=0.2)
SECRET = "/api/v1/namespaces/kabanero/secrets/awx"


def login(awx: FakeAwx) -> dict[str, str]:
    """What a Secret holds of an application and the token that it gave."""
    application, user = awx.application("runner"), awx.tables.named("users", awx.user)
    token = awx.call(lambda: awx.people.issue(user, application=application["id"]))
    return {
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
        "token": token["token"],
        "refresh_token": token["refresh_token"],
    }


def kept(world: World) -> dict[str, str]:
    """The Secret as it is now."""
    data: dict[str, str] = world.runner.request("GET", SECRET)["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def renewals(awx: FakeAwx) -> int:
    return sum(each == "POST /api/o/token/" for each in awx.requests)


def test_a_token_that_has_expired_is_renewed_and_the_new_one_kept(world: World) -> None:
    awx, first = world.awx, login(world.awx)
    awx.template("deploy", Script(hold=True))
    world.set_up(first)
    world.start()
    id = world.job_known()
    assert renewals(awx) == 0
    awx.call(awx.people.expire_all)
    second = world.until(lambda: now if (now := kept(world))["token"] != first["token"] else None, "a new token")
    assert second["refresh_token"] != first["refresh_token"]
    assert second["client_secret"] == first["client_secret"]
    awx.end(id)
    assert world.ended()["phase"] == "Succeeded"
    assert renewals(awx) == 1


def test_a_secret_needs_no_token_to_begin_with(world: World) -> None:
    world.awx.template("deploy", Script())
    first = login(world.awx)
    del first["token"]
    world.set_up(first)
    world.start()
    assert world.ended()["phase"] == "Succeeded"
    assert kept(world)["token"] in {row["token"] for row in world.awx.tables.rows["tokens"].values()}


def test_an_application_without_a_secret_names_itself_in_the_form(world: World) -> None:
    world.awx.template("deploy", Script())
    first = login(world.awx)
    world.awx.tables.named("applications", "runner")["client_type"] = "public"
    world.set_up({name: first[name] for name in ("client_id", "refresh_token")})
    world.start()
    assert world.ended()["phase"] == "Succeeded"


def test_a_runner_that_starts_later_goes_on_with_what_was_renewed(world: World) -> None:
    awx = world.awx
    awx.template("deploy", Script())
    world.set_up(login(awx))
    for count in (1, 2, 3):
        awx.call(awx.people.expire_all)
        name = world.start()
        assert world.ended(name)["phase"] == "Succeeded"
        assert renewals(awx) == count
        world.runner.kill()
        world.runner.start()


def test_a_refresh_token_that_was_used_up_is_told_with_what_to_put_there(world: World) -> None:
    world.awx.template("deploy", Script())
    first = login(world.awx)
    world.awx.call(world.awx.people.revoke_all)
    world.set_up(first)
    world.start()
    status = world.ended()
    assert (status["phase"], status["reason"]) == ("Errored", "LoginRefused")
    for said in ("invalid_grant", "Secret kabanero/awx", "`refresh_token` was used or revoked"):
        assert said in status["message"]


def test_another_applications_secret_is_told(world: World) -> None:
    world.awx.template("deploy", Script())
    first = login(world.awx)
    world.awx.call(world.awx.people.expire_all)
    world.set_up(first | {"client_secret": "another"})
    world.start()
    status = world.ended()
    assert status["reason"] == "LoginRefused"
    assert "invalid_client" in status["message"]


def test_a_refresh_token_without_its_application_is_told(world: World) -> None:
    world.awx.template("deploy", Script())
    world.set_up({"refresh_token": "anything"})
    world.start()
    status = world.ended()
    assert status["reason"] == "SecretInvalid"
    assert "`client_id`" in status["message"]


@pytest.mark.parametrize("status", [429, 503])
def test_an_awx_that_is_busy_when_it_should_renew_is_asked_again(world: World, status: int) -> None:
    world.awx.template("deploy", Script())
    first = login(world.awx)
    del first["token"]
    world.awx.fail(Fault("POST", "/api/o/token/", status, headers={"Retry-After": "1"}))
    world.set_up(first)
    world.start()
    assert world.ended()["phase"] == "Succeeded"


def test_tokens_and_secrets_are_never_shown(world: World) -> None:
    world.awx.template("deploy", Script())
    first = login(world.awx)
    world.awx.call(world.awx.people.expire_all)
    world.set_up(first)
    world.start()
    world.ended()
    shown = f"{world.stage()} {world.run()} {world.runner.log.read_text()} {world.awx.launched()}"
    for value in {*first.values(), *kept(world).values()} - {first["client_id"]}:
        assert value not in shown


# --- several runners, and Secrets that can't be written ---


class Shared:
    """The Secret of all runners on a cluster; `locked` is one that their account may not change."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values, self.locked = values, False

    async def read(self, namespace: str, name: str) -> dict[str, str]:
        return dict(self.values)

    async def keep(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        if self.locked:
            raise ForbiddenError("may not update secrets", "update", "secrets", namespace)
        self.values |= values


async def launched(awx: FakeAwx, jobs: AwxJobs, number: int) -> WorkResult:
    """How a job ends that this runner launches."""
    place = JobPlace(awx.url, "kabanero", "awx", poll=0.05)
    order = JobOrder(place, "deploy", {"stage_run_uid": f"uid-{number}"}, {"stage_run_uid": f"uid-{number}"})
    ticket = await jobs.launch(order, await jobs.prepare(order))
    assert ticket
    return await jobs.ended(place, ticket)


@pytest.mark.parametrize("at_once", [True, False])
async def test_runners_that_share_a_secret_do_not_take_the_login_from_each_other(awx: FakeAwx, at_once: bool) -> None:
    await asyncio.to_thread(awx.template, "deploy", Script())
    secret = Shared(await asyncio.to_thread(login, awx))
    runners = [AwxJobs(secret, SystemClock(), PATIENT) for _ in range(3)]
    for round in range(3):
        await asyncio.to_thread(awx.call, awx.people.expire_all)
        work = [launched(awx, jobs, 10 * round + number) for number, jobs in enumerate(runners)]
        results = await asyncio.gather(*work) if at_once else [await each for each in work]
        assert [each.status for each in results] == [WorkStatus.SUCCEEDED] * 3
    await asyncio.gather(*(jobs.close() for jobs in runners))


async def test_what_can_not_be_kept_is_told_and_serves_until_the_runner_ends(
    awx: FakeAwx, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(awx.template, "deploy", Script())
    first = await asyncio.to_thread(login, awx)
    secret = Shared(dict(first))
    secret.locked = True
    jobs = AwxJobs(secret, SystemClock(), PATIENT)
    for number in range(2):
        await asyncio.to_thread(awx.call, awx.people.expire_all)
        assert (await launched(awx, jobs, number)).status is WorkStatus.SUCCEEDED
    assert "Let the runner's account get and update that Secret" in caplog.text
    assert secret.values == first
    secret.locked = False
    await jobs.close()
    assert secret.values["token"] in {row["token"] for row in awx.tables.rows["tokens"].values()}


async def test_what_somebody_puts_into_the_secret_counts_more_than_what_could_not_be_kept(awx: FakeAwx) -> None:
    await asyncio.to_thread(awx.template, "deploy", Script())
    secret = Shared(await asyncio.to_thread(login, awx))
    secret.locked = True
    jobs = AwxJobs(secret, SystemClock(), PATIENT)
    await asyncio.to_thread(awx.call, awx.people.expire_all)
    assert (await launched(awx, jobs, 1)).status is WorkStatus.SUCCEEDED
    await asyncio.to_thread(awx.call, awx.people.revoke_all)
    secret.values = {"token": await asyncio.to_thread(awx.new_token)}
    assert (await launched(awx, jobs, 2)).status is WorkStatus.SUCCEEDED
    await jobs.close()
    assert set(secret.values) == {"token"}
