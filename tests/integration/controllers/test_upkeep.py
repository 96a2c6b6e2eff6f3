"""The small controllers: keyed work, supervision, clean-up, what people are told, and starting runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from kabanero.controllers.keyed import KeyedWork
from kabanero.controllers.recorder import Recorder
from kabanero.controllers.retention import Ages, Discarding, Retention
from kabanero.controllers.stage_runs import ident_of
from kabanero.controllers.supervisor import supervise
from kabanero.controllers.trigger import TriggerController
from kabanero.engine.commands import CreateStageRuns, SettleStage, StartStage
from kabanero.engine.triggers import TriggerIndex
from kabanero.model.events import Event
from kabanero.model.kinds.core import EVENT
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_RUN
from kabanero.model.kinds.runs import RunPhase, RunStatus, StagePhase
from kabanero.model.resource import Key
from kabanero.ports import EventQuery, Fate, Page, Store, StoredEvent

from tests.integration.controllers.world import PATIENCE, World
from tests.support.clock import FakeClock
from tests.support.runner import resource
from tests.support.strategies import binding, match, strategy


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path) as opened:
        yield opened


class TestKeyedWork:
    async def test_jobs_of_one_key_come_one_after_the_other_and_of_two_side_by_side(self) -> None:
        work: KeyedWork[str] = KeyedWork()
        seen: list[str] = []
        gate = asyncio.Event()

        async def slow() -> None:
            seen.append("slow begins")
            await gate.wait()
            seen.append("slow ends")

        async def quick(name: str) -> None:
            seen.append(name)

        work.submit("a", slow)
        work.submit("a", lambda: quick("after slow"))
        work.submit("b", lambda: quick("beside slow"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert seen == ["slow begins", "beside slow"]
        gate.set()
        async with asyncio.timeout(PATIENCE):
            while len(seen) < 4:
                await asyncio.sleep(0)
        assert seen[2:] == ["slow ends", "after slow"]
        await work.close()

    async def test_a_job_that_fails_does_not_take_those_behind_it_along(self) -> None:
        work: KeyedWork[str] = KeyedWork()
        done = asyncio.Event()

        async def fails() -> None:
            raise ZeroDivisionError

        async def next_one() -> None:
            done.set()

        work.submit("a", fails)
        work.submit("a", next_one)
        await asyncio.wait_for(done.wait(), PATIENCE)
        await work.close()

    async def test_closing_breaks_off_what_runs(self) -> None:
        work: KeyedWork[str] = KeyedWork()
        ended = asyncio.Event()

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        work.submit("a", forever)
        await asyncio.sleep(0)
        await work.close()
        assert ended.is_set()


class Breaking:
    """A controller that breaks each time; remembers when it was started."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.starts = clock, list[datetime]()

    async def run(self) -> None:
        self.starts.append(self.clock.now())
        raise ZeroDivisionError


async def test_a_controller_that_breaks_is_started_again_after_growing_pauses() -> None:
    clock = FakeClock()
    breaking = Breaking(clock)
    task = asyncio.create_task(supervise({"breaking": breaking}, clock))
    for _ in range(200):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        clock.advance(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    pauses = [(b - a).total_seconds() for a, b in zip(breaking.starts, breaking.starts[1:], strict=False)]
    assert pauses[:7] == [0.5, 1, 2, 4, 8, 16, 30]


class BreakingWhenStopped:
    """A controller that breaks in the moment in which it is stopped."""

    def __init__(self) -> None:
        self.started = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work())

    async def _work(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError


async def test_a_controller_that_breaks_while_it_is_stopped_is_not_started_again() -> None:
    assert (await stopped(BreakingWhenStopped())).cancelled()


class EndingWhenStopped:
    """A controller that takes being stopped for its end, and does not tell."""

    def __init__(self) -> None:
        self.starts, self.started = 0, asyncio.Event()

    async def run(self) -> None:
        self.starts += 1
        self.started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def test_a_controller_that_ends_in_peace_when_it_is_stopped_is_not_started_again() -> None:
    ending = EndingWhenStopped()
    task = await stopped(ending)
    assert (task.cancelled(), ending.starts) == (True, 1)


async def stopped(controller: BreakingWhenStopped | EndingWhenStopped) -> asyncio.Task[None]:
    """The supervisor of a controller that has started, after it was cancelled."""
    task = asyncio.create_task(supervise({"one": controller}, FakeClock()))
    await controller.started.wait()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    return task


class Reopening:
    """A store in which every run is taken up again right after it was listed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def list(self, *arguments: Any, **options: Any) -> Page:
        page = await self._store.list(*arguments, **options)
        for run in page.items:
            await self._store.update({**run, "status": {"phase": "Running"}}, status=True)
        return page


class TestRetention:
    async def test_runs_that_ended_long_ago_go_and_others_stay(self, world: World) -> None:
        for name, phase in (("old", "Succeeded"), ("open", "Running")):
            await world.start(name, "any")
            run = await world.run(name)
            ended = {"completionTime": "2026-01-01T12:00:00Z"} if phase == "Succeeded" else {}
            await world.store.update({**run, "status": {"phase": phase, "contextID": name, **ended}}, status=True)
        await self.cleaned(world, after=3599)
        assert await self.names(world) == ["old", "open"]
        await self.cleaned(world, after=2)
        assert await self.names(world) == ["open"]

    async def test_an_age_of_zero_keeps_for_ever(self, world: World) -> None:
        await world.start("old", "any")
        run = await world.run("old")
        status = {"phase": "Failed", "contextID": "c", "completionTime": "2020-01-01T12:00:00Z"}
        await world.store.update({**run, "status": status}, status=True)
        await self.cleaned(world, after=10**8, runs=0)
        assert await self.names(world) == ["old"]

    async def test_a_run_that_was_reopened_while_the_clean_up_is_at_work_stays(self, world: World) -> None:
        await world.start("again", "any")
        status = {"phase": "Failed", "contextID": "c", "completionTime": "2020-01-01T12:00:00Z"}
        await world.store.update({**await world.run("again"), "status": status}, status=True)
        ages = Ages(runs=3600, messages=0, events=0, every=60)
        await Retention(Reopening(world.store), world.clock, world.bus.prune, ages).once()  # type: ignore[arg-type]
        assert (await world.run("again"))["status"]["phase"] == "Running"

    async def cleaned(self, world: World, *, after: float, runs: float = 3600) -> None:
        world.clock.advance(after)
        ages = Ages(runs=runs, messages=runs, events=runs, every=60)
        await Retention(world.store, world.clock, world.bus.prune, ages).once()

    async def names(self, world: World) -> list[str]:
        return [each["metadata"]["name"] for each in (await world.store.list(STRATEGY_RUN.type)).items]


async def test_people_are_told_of_each_step_of_a_run_once_and_counters_of_all_in_it(world: World) -> None:
    counted: list[tuple[str, str]] = []
    recorder = Recorder(world.store, world.clock, lambda what, outcome: counted.append((what, outcome)))
    await world.start("told", "any")
    run = await world.run("told")
    settle = SettleStage("Build", 1, StagePhase.FAILED, "R", "no space")
    status = RunStatus(phase=RunPhase.FAILED, completion_time="2026-01-01T12:00:00Z", summary="1/1 stages")
    recorder.stepped(run, RunStatus(phase=RunPhase.RUNNING), [CreateStageRuns(), StartStage("Build", 1, {}, {})])
    recorder.stepped(run, status, [settle])
    task = asyncio.create_task(recorder.run())
    async with asyncio.timeout(PATIENCE):
        while len(items := (await world.store.list(EVENT)).items) < 2:
            world.clock.advance(1)
            await asyncio.sleep(0.01)
    task.cancel()
    assert counted == [("run", "started"), ("stage", "Failed"), ("run", "Failed")]
    assert {(each["type"], each["reason"], each["message"]) for each in items} == {
        ("Normal", "Started", "the run has begun; stage Build was triggered"),
        ("Warning", "Failed", "1/1 stages; stage Build: no space"),
    }


async def test_a_stage_that_failed_gives_its_reason_to_a_step_that_goes_on(world: World) -> None:
    recorder = Recorder(world.store, world.clock)
    await world.start("goes-on", "any")
    again, failed = StartStage("Clean", 1, {}, {}), SettleStage("Build", 1, StagePhase.FAILED, "R", "no space")
    passed = SettleStage("Test", 1, StagePhase.SUCCEEDED, "R", "fine")
    recorder.stepped(await world.run("goes-on"), RunStatus(phase=RunPhase.RUNNING), [again, passed, failed])
    task = asyncio.create_task(recorder.run())
    async with asyncio.timeout(PATIENCE):
        while not (items := (await world.store.list(EVENT)).items):
            world.clock.advance(1)
            await asyncio.sleep(0.01)
    task.cancel()
    assert [(each["type"], each["reason"], each["message"]) for each in items] == [
        ("Warning", "StageFailed", "stage Build: no space; stage Test: fine; stage Clean was triggered")
    ]


def push(id: str = "1", **data: Any) -> Event:
    given = {"eventName": "Push", "location": "l", "branch": "main", "commit": "c", **data}
    given.setdefault("rawData", {"head_commit": {"message": "m"}})
    time = datetime(2026, 1, 1, 12, tzinfo=UTC)
    return Event(id, "/github", "t", "SourceRepository", "/k/repository/a", time, orjson.dumps(given))


def _handled(stored: StoredEvent) -> bool:
    return [each.fate for each in stored.handlings if each.consumer == "triggers"] not in ([], [Fate.PENDING])


class TestStartingRuns:
    @pytest.fixture
    async def triggers(self, world: World) -> AsyncIterator[World]:
        await world.apply(strategy("one", [binding("Build", "PlaybookStage", [match("Start")])]))
        controller = TriggerController(world.store, world.bus, world.clock, TriggerIndex(), {})  # type: ignore[arg-type]
        task = asyncio.create_task(controller.run())
        yield world
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def runs_after(self, world: World, *events: Event) -> list[dict[str, Any]]:
        """All runs, once every event has been handled."""
        await world.bus.publish(events)
        async with asyncio.timeout(PATIENCE):
            while not all(map(_handled, await world.bus.find(EventQuery(topic="SourceRepository")))):
                await asyncio.sleep(0.01)
        return (await world.store.list(STRATEGY_RUN.type)).items

    async def test_an_event_that_is_handled_twice_finds_its_run_there(self, triggers: World) -> None:
        first = await self.runs_after(triggers, push())
        assert await triggers.bus.replay(EventQuery(topic="SourceRepository"), consumer="triggers") == 1
        assert await self.runs_after(triggers) == first
        assert len(await self.runs_after(triggers, push("2"))) == 2

    async def test_an_event_of_another_namespace_starts_nothing(self, triggers: World) -> None:
        assert await self.runs_after(triggers, push(namespace="team")) == []

    async def test_what_can_not_be_started_is_a_dead_letter_that_says_why(self, triggers: World) -> None:
        assert await self.runs_after(triggers, push(rawData={})) == []
        (found,) = await triggers.bus.find(EventQuery(consumer="triggers", fate=Fate.DEAD))
        assert "${event.rawData.head_commit.message} names nothing" in found.handlings[0].note

    async def test_the_run_says_what_started_it_and_has_the_values_of_the_event(self, triggers: World) -> None:
        (run,) = await self.runs_after(triggers, push(branch="feature/ü"))
        assert run["spec"]["cause"] == {"trigger": "one", "event": "/github#1"}
        assert run["spec"]["variables"][0]["branch"] == "feature/ü"
        assert await triggers.store.get(Key(STRATEGY_RUN.type, "kabanero", run["metadata"]["name"]))


async def test_the_artifacts_of_every_attempt_go_with_their_stage_run(world: World) -> None:
    task = asyncio.create_task(Discarding(world.store, world.clock, world.executor).run())
    spec = {"stageName": "Build", "stageRef": {"kind": "PlaybookStage", "name": "b"}, "contextID": "c"}
    found = await world.store.create(resource("StageRun", "r-build", {**spec, "strategy": "s", "strategyRun": "r"}))
    found = await world.store.update({**found, "status": {"phase": "Failed", "attempt": 2}}, status=True)
    await asyncio.sleep(0.05)
    await world.delete(Key(STAGE_RUN.type, "kabanero", "r-build"))
    async with asyncio.timeout(PATIENCE):
        while len(world.executor.discarded) < 2:
            await asyncio.sleep(0.01)
    task.cancel()
    assert world.executor.discarded == [ident_of(found, 1), ident_of(found, 2)]
