"""Several runners over one store: what is claimed is begun once, told by who began it, ended when that one is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kabanero.app.secrets import StoredSecrets
from kabanero.controllers.carrying import Carrier
from kabanero.controllers.claiming import GIVEN_UP, ClaimingCarrier
from kabanero.controllers.job_stages import JobStages
from kabanero.controllers.outbox import Outbox
from kabanero.controllers.recorder import Recorder
from kabanero.controllers.stage_run import StageRunController
from kabanero.controllers.strategy_run import StrategyRunController
from kabanero.executors.awx import AwxJobs
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key, Resource
from kabanero.ports import WorkResult, WorkStatus

from tests.integration.controllers.world import INSTANCE, World
from tests.support.strategies import binding, match, playbook_stage, strategy
from tests.support.tekton import ended as pipeline_run_ended
from tests.support.tekton import pipeline_run
from tests.support.work import ScriptedExecutor

PATIENCE = 5.0
MOMENT = 0.2


class Others:
    """Who we are, and which runners are gone."""

    def __init__(self, identity: str, gone: dict[str, asyncio.Event]) -> None:
        self.identity, self._gone = identity, gone

    async def gone(self, identity: str) -> None:
        await self._gone.setdefault(identity, asyncio.Event()).wait()


class Runner:
    """One of them, with a machine of its own."""

    def __init__(self, world: World, identity: str, gone: dict[str, asyncio.Event]) -> None:
        self._world, self._identity = world, identity
        self.executor = ScriptedExecutor({"Build": None})
        carrier = Carrier(world.store, world.clock, self.executor, dict)
        self.claiming = ClaimingCarrier(carrier, world.store, world.clock, Others(identity, gone))

    @contextlib.asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        store, bus, clock = self._world.store, self._world.bus, self._world.clock
        outbox = Outbox(store, bus, clock, INSTANCE, self.executor.cancel)
        runs = StrategyRunController(store, bus, clock, outbox, Recorder(store, clock))
        stages = self._stages(runs.stage_started)
        async with running(runs, stages):
            yield

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        async with running(self._stages(lambda *_: None, own_only=True)):
            yield

    def _stages(self, started: Callable[..., None], *, own_only: bool = False) -> StageRunController:
        world = self._world
        return StageRunController(
            world.store,
            world.bus,
            world.clock,
            self.claiming,
            INSTANCE,
            started,
            jobs=JobStages(world.store, world.clock, AwxJobs(StoredSecrets(world.store), world.clock)),
            identity=self._identity,
            own_only=own_only,
        )


@contextlib.asynccontextmanager
async def running(*controllers: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in controllers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Team:
    """A world with one run, and two runners."""

    def __init__(self, world: World) -> None:
        self.world, self.gone = world, dict[str, asyncio.Event]()
        self.one, self.two = Runner(world, "one", self.gone), Runner(world, "two", self.gone)

    async def start(self, **stage: Any) -> None:
        build = binding("Build", "PlaybookStage", [match("Start")])
        await self.world.apply([playbook_stage("build", **stage), *strategy("main", [build])])
        await self.world.start("run", "main")

    async def status(self) -> dict[str, Any]:
        found = await self.world.stage_run("run", "Build")
        return dict((found or {}).get("status") or {})

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while not condition(status := await self.status()):
                self.world.clock.advance(1)
                await asyncio.sleep(0.01)
        return status

    async def change(self, **spec: Any) -> None:
        found = await self.world.stage_run("run", "Build")
        assert found
        await self.world.change(found, **spec)

    async def moment(self) -> None:
        """Time in which something that must not happen would."""
        for _ in range(10):
            self.world.clock.advance(2)
            await asyncio.sleep(MOMENT / 10)

    @property
    def begun(self) -> int:
        return sum((self.one.executor.begun + self.two.executor.begun).values())


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    async with World.opened(tmp_path) as world:
        await world.learn_tekton()
        yield Team(world)


def by(runner: str) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status.get("runner") == runner and status.get("phase") == "Running"


def ended(status: dict[str, Any]) -> bool:
    return "completionTime" in status


def waiting_for_others() -> int:
    return sum("Others.gone" in str(task.get_coro()) for task in asyncio.all_tasks())


async def test_a_playbook_is_claimed_before_it_begins(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        assert (await team.until(by("one")))["phase"] == "Running"
        assert team.one.claiming.is_busy
        team.one.executor.end_all("run Build.1")
        status = await team.until(ended)
        assert (status["phase"], status["runner"]) == ("Succeeded", "one")
        assert not team.one.claiming.is_busy


async def test_a_stage_that_may_be_begun_twice_is_not_claimed(team: Team) -> None:
    await team.start(onInterrupted="Retry")
    async with team.one.leading():
        await team.until(lambda status: status.get("phase") == "Running")
    async with team.two.leading():
        await team.until(lambda _: team.begun == 2)
        team.two.executor.end_all("run Build.1")
        assert "runner" not in await team.until(ended)


async def test_another_leader_begins_nothing_that_is_claimed(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    async with team.two.leading():
        await team.moment()
        assert (await team.status())["phase"] == "Running"
    assert team.begun == 1


async def test_who_leads_no_more_tells_how_its_work_ended(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    async with team.two.leading(), team.one.following():
        await team.moment()
        team.one.executor.end_all("run Build.1")
        assert (await team.until(ended))["phase"] == "Succeeded"
    assert team.begun == 1


async def test_what_the_playbook_of_another_waits_for_is_waited_for_by_who_leads(team: Team) -> None:
    there = await team.world.store.create(pipeline_run("build-1", "builds", uid="u"))
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    async with team.two.leading(), team.one.following():
        await team.moment()
        team.one.executor.end_all("run Build.1", WorkResult(WorkStatus.WAITING, waiting_for=place_of(there)))
        await team.until(lambda status: status.get("waitsOn") == "Object")
        await team.moment()
        await team.world.store.update(pipeline_run_ended(there, "True", "Succeeded"), status=True)
        assert (await team.until(ended))["phase"] == "Succeeded"


async def test_work_whose_stage_run_was_deleted_is_ours_no_more(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
        found = await team.world.stage_run("run", "Build")
        assert found
        await team.world.delete(Key(STAGE_RUN.type, "kabanero", found["metadata"]["name"]))
        await team.moment()
        assert not team.one.claiming.is_busy


async def test_work_that_was_cancelled_while_nobody_followed_it_is_ours_no_more(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    assert team.one.claiming.is_busy
    await team.change(cancel=True)
    async with team.two.leading(), team.one.following():
        await team.until(ended)
    assert not team.one.claiming.is_busy


def place_of(there: Resource) -> dict[str, Any]:
    """What a playbook reports that waits for this."""
    metadata = there["metadata"]
    names = {"name": metadata["name"], "namespace": metadata["namespace"]}
    return {"apiVersion": there["apiVersion"], "kind": there["kind"], **names}


async def test_an_attempt_of_a_runner_that_is_gone_was_interrupted(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    async with team.two.leading():
        await team.moment()
        team.gone["one"].set()
        status = await team.until(ended)
    assert (status["phase"], status["reason"]) == ("Errored", "Interrupted")
    assert "runner one, which carried it out, is gone" in status["message"]


async def test_a_new_attempt_is_anybodys(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    team.gone["one"] = asyncio.Event()
    team.gone["one"].set()
    async with team.two.leading():
        await team.until(ended)
        await team.change(attempt=2)
        await team.until(by("two"))
        team.two.executor.end_all("run Build.2")
        assert (await team.until(lambda status: status.get("attempt") == 2 and ended(status)))["phase"] == "Succeeded"


async def test_a_follower_begins_nothing(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
        await team.change(cancel=False)
        async with team.two.following():
            await team.moment()
    assert team.two.executor.begun == {}


async def test_a_cancel_reaches_the_runner_that_carries_it_out(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    async with team.two.leading():
        await team.change(cancel=True)
        await team.moment()
        assert (await team.status())["phase"] == "Running"
        async with team.one.following():
            assert (await team.until(ended))["phase"] == "Cancelled"


async def test_who_waits_for_a_claimant_stops_waiting_when_the_stage_has_ended(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    async with team.two.leading(), team.one.following():
        await team.moment()
        assert waiting_for_others() == 1
        team.one.executor.end_all("run Build.1")
        await team.until(ended)
        await team.moment()
        assert waiting_for_others() == 0


async def test_work_that_was_given_up_was_interrupted_and_nobody_cancelled_it(team: Team) -> None:
    await team.start()
    async with team.one.leading():
        await team.until(by("one"))
    await team.one.claiming.give_up()
    async with team.one.leading():
        status = await team.until(ended)
    assert (status["phase"], status["reason"], status["message"]) == ("Errored", "Interrupted", GIVEN_UP)
