"""What every adapter of the port Jobs keeps: a template is launched once for a ticket, and followed to its end.

AWX lists jobs with their variables, newer versions without them; that must make no difference.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from kabanero.clock import SystemClock
from kabanero.executors.awx import AwxJobs, AwxSettings
from kabanero.model.errors import JobRefusedError
from kabanero.ports import JobOrder, JobPlace, Jobs, JobTicket, WorkResult, WorkStatus

from tests.support.awx import FakeAwx, Fault, Script

SETTINGS = AwxSettings(settle=0.5, login_patience=0.2, retry=0.05, retry_most=0.2)
PATIENCE = 20.0


@dataclass
class World:
    """A job server, an adapter that speaks with it, and how to open another one."""

    awx: FakeAwx
    jobs: Jobs
    token: str

    @property
    def place(self) -> JobPlace:
        return JobPlace(self.awx.url, "kabanero", "awx", poll=0.1)

    def another(self) -> Jobs:
        return AwxJobs(self, SystemClock(), SETTINGS)

    async def read(self, namespace: str, name: str) -> dict[str, str]:
        return {"token": self.token}

    async def keep(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        self.token = values["token"]

    def order(self, number: int = 1, **fields: Any) -> JobOrder:
        marks = {"stage_run_uid": f"uid-{number}", "stage_attempt": 1}
        return JobOrder(self.place, "deploy", marks, {"who": "me", **marks}, **fields)

    async def launched(self, order: JobOrder) -> JobTicket:
        ticket = await self.jobs.launch(order, await self.jobs.prepare(order))
        assert ticket
        return ticket

    async def end(self, ticket: JobTicket) -> WorkResult:
        async with asyncio.timeout(PATIENCE):
            return await self.jobs.ended(self.place, ticket)

    async def call(self, what: Any, *arguments: Any, **fields: Any) -> Any:
        return await asyncio.to_thread(what, *arguments, **fields)


@pytest_asyncio.fixture(params=[False, True], ids=["lists with variables", "lists without"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    with FakeAwx() as awx:
        awx.resources.slim_lists = request.param
        world = World(awx, None, awx.new_token())  # type: ignore[arg-type]
        world.jobs = world.another()
        yield world
        await world.jobs.close()


async def test_preparing_launches_nothing(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    await world.jobs.prepare(world.order())
    assert world.awx.launched() == []


async def test_a_launched_job_is_followed_to_its_end(world: World) -> None:
    artifacts = {"kabanero_stage_result": {"outputs": {"n": 1}, "links": {"log": "https://log"}}}
    await world.call(world.awx.template, "deploy", Script(artifacts=artifacts))
    ticket = await world.launched(world.order())
    result = await world.end(ticket)
    assert (result.status, result.outputs, result.links) == (WorkStatus.SUCCEEDED, {"n": 1}, {"log": "https://log"})
    assert ticket.link.endswith(f"/#/jobs/playbook/{ticket.id}/output")
    assert result.started
    assert result.finished


async def test_another_adapter_finds_what_was_launched_for_a_ticket(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    order = world.order()
    ticket = await world.jobs.prepare(order)
    launched = await world.jobs.launch(order, ticket)
    other = world.another()
    assert await other.launch(order, ticket) == launched
    assert await other.find(order, ticket) == launched
    assert len(world.awx.launched()) == 1
    await other.close()


async def test_another_adapter_launches_what_was_not(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    order = world.order()
    ticket = await world.jobs.prepare(order)
    other = world.another()
    assert await other.find(order, ticket) is None
    assert await other.launch(order, ticket)
    assert len(world.awx.launched()) == 1
    await other.close()


async def test_jobs_of_others_are_never_taken_for_ones_own(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    first, second = world.order(1), world.order(2)
    ticket = await world.jobs.prepare(first)
    theirs = await world.launched(second)
    other = world.another()
    mine = await other.launch(first, ticket)
    assert mine
    assert mine.id != theirs.id
    await other.close()


async def test_a_job_that_a_person_launched_again_is_not_followed(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script(hold=True))
    order = world.order()
    ticket = await world.jobs.prepare(order)
    mine = await world.jobs.launch(order, ticket)
    by_hand = replace(order, marks={"unheard of": 1})
    again = await world.jobs.launch(by_hand, await world.jobs.prepare(by_hand))
    assert mine
    assert again
    other = world.another()
    found = await other.find(order, ticket)
    assert found
    assert found.id == mine.id < again.id  # type: ignore[operator]
    await other.close()


async def test_what_is_not_wanted_any_more_is_not_launched(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    order = world.order()
    assert await world.jobs.launch(order, await world.jobs.prepare(order), wanted=lambda: False) is None
    assert world.awx.launched() == []


async def test_a_template_that_was_changed_meanwhile_runs_no_job_without_its_limit(world: World) -> None:
    template = await world.call(world.awx.template, "deploy", Script(hold=True), ask_limit_on_launch=True)
    order = world.order(prompts={"limit": "web"})
    ticket = await world.jobs.prepare(order)
    await world.call(world.awx.call, lambda: template.update(ask_limit_on_launch=False))
    with pytest.raises(JobRefusedError) as refused:
        await world.jobs.launch(order, ticket)
    assert refused.value.reason == "PromptMissing"
    assert [job["status"] for job in world.awx.launched()] == ["canceled"]


async def test_cancelling_ends_a_job_and_is_harmless_afterwards(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script(hold=True))
    ticket = await world.launched(world.order())
    await world.jobs.cancel(world.place, ticket)
    assert (await world.end(ticket)).status is WorkStatus.CANCELLED
    await world.jobs.cancel(world.place, ticket)
    await world.call(world.awx.delete, ticket.id)
    await world.jobs.cancel(world.place, ticket)


async def test_a_job_that_is_gone_is_an_error_with_a_reason(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script(hold=True))
    ticket = await world.launched(world.order())
    await world.call(world.awx.delete, ticket.id)
    result = await world.end(ticket)
    assert (result.status, result.reason) == (WorkStatus.ERRORED, "JobVanished")


async def test_variables_reach_the_job_as_they_are(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    hostile = "{{ lookup('pipe', 'id') }} ${x} \u2028 \U0001f4a5"
    order = replace(world.order(), extra_vars={**world.order().extra_vars, "text": hostile})
    await world.launched(order)
    assert json.loads(world.awx.launched()[0]["extra_vars"])["text"] == hostile


async def test_a_thousand_jobs_are_followed_by_a_handful_of_requests(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script(hold=True))
    first = await world.launched(world.order())
    taken = {"extra_vars": {}}

    def more() -> list[int]:
        kind, row = world.awx.tables.find("job_templates", first.template)
        return [world.awx.jobs.launch(kind, row, taken)[1]["id"] for _ in range(1000)]

    ids = await world.call(world.awx.call, more)
    ends = [asyncio.create_task(world.jobs.ended(world.place, replace(first, id=id))) for id in ids]
    seen = len(world.awx.requests)
    await _until(lambda: len(_polls(world, seen)) >= 15)
    polls = _polls(world, seen)
    assert {poll.count("%2C") + poll.count(",") + 1 for poll in polls} <= {200, len(ids) % 200 or 200}
    assert [request for request in world.awx.requests[seen:] if "id__in" not in request] == []
    await world.call(world.awx.call, lambda: [world.awx.jobs.end(id, Script()) for id in ids])
    async with asyncio.timeout(60):
        results = await asyncio.gather(*ends)
    assert {result.status for result in results} == {WorkStatus.SUCCEEDED}


async def test_a_lost_answer_is_no_second_job_even_for_many_at_once(world: World) -> None:
    await world.call(world.awx.template, "deploy", Script())
    await world.call(world.awx.fail, Fault("POST", "/launch/", 0, times=5, after_work=True))
    orders = [world.order(number) for number in range(10)]
    tickets = await asyncio.gather(*(world.launched(order) for order in orders))
    assert len({ticket.id for ticket in tickets}) == 10
    assert len(world.awx.launched()) == 10


def _polls(world: World, since: int) -> list[str]:
    return [request for request in world.awx.requests[since:] if "id__in" in request]


async def _until(true: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.02)
