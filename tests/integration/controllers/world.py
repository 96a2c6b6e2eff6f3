"""Controllers over a real store and bus, and the people around them. What a run comes to, for comparing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from kabanero.app.secrets import StoredSecrets
from kabanero.buses.sqlite import SqliteBus
from kabanero.controllers.carrying import Carrier
from kabanero.controllers.following import every
from kabanero.controllers.job_stages import JobStages
from kabanero.controllers.outbox import Outbox
from kabanero.controllers.recorder import Recorder
from kabanero.controllers.stage_run import StageRunController
from kabanero.controllers.strategy_event import StrategyEventController
from kabanero.controllers.strategy_run import StrategyRunController
from kabanero.executors.awx import AwxJobs
from kabanero.model.errors import ConflictError, NotFoundError
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_RUN
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import EventQuery
from kabanero.stores.sqlite import SqliteStore

from tests.support.clock import FakeClock
from tests.support.mortal import Life, MortalBus, MortalStore
from tests.support.runner import resource
from tests.support.tekton import PIPELINE_RUN, TASK_RUN
from tests.support.work import ScriptedExecutor

INSTANCE = "test"
PATIENCE = 10.0
ENDED = ("Succeeded", "Failed", "Errored", "Cancelled", "TimedOut", "Skipped")
People = Callable[["World", str], Awaitable[None]]


class World:
    """What outlives a runner: store, bus, running work."""

    tells_runs = False
    """Whether ends of stages are told in the process, as on a cluster, and not over the bus."""
    begins_early = False
    """Whether work that may begin twice begins beside the write that triggers it, as on a cluster."""

    def __init__(self, store: SqliteStore, bus: SqliteBus, clock: FakeClock) -> None:
        self.store, self.bus, self.clock = store, bus, clock
        self.executor = ScriptedExecutor()

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator[World]:
        clock = FakeClock()
        store = await SqliteStore.open(folder / "store.db", clock)
        bus = await SqliteBus.open(folder / "bus.db", clock)
        yield cls(store, bus, clock)
        await bus.close()
        await store.close()

    async def learn_tekton(self) -> None:
        """The store has Tekton's kinds, as on a cluster."""
        for type in (PIPELINE_RUN, TASK_RUN):
            await self.store.learn(type)

    async def apply(self, resources: Sequence[Resource]) -> None:
        for each in resources:
            await self.store.create(each)

    async def start(self, name: str, strategy: str, **spec: Any) -> None:
        await self.store.create(
            resource("StrategyRun", name, {"strategy": strategy, "emit": {"name": "Start"}, **spec})
        )

    # --- runners ---

    @contextlib.asynccontextmanager
    async def runner(self, life: Life) -> AsyncIterator[StrategyRunController]:
        """The controllers of one runner, until the block ends; then nothing of it goes on."""
        store, bus, clock = MortalStore(self.store, life), MortalBus(self.bus, life), self.clock
        outbox = Outbox(store, bus, clock, INSTANCE, self.executor.cancel)  # type: ignore[arg-type]
        recorder = Recorder(self.store, clock)
        runs = StrategyRunController(store, bus, clock, outbox, recorder, beside=self.begins_early)  # type: ignore[arg-type]
        carrier = Carrier(store, clock, self.executor, dict)  # type: ignore[arg-type]
        tell = runs.tell if self.tells_runs else None
        awx = AwxJobs(StoredSecrets(self.store), clock)
        jobs = JobStages(store, clock, awx)  # type: ignore[arg-type]
        stages = StageRunController(store, bus, clock, carrier, INSTANCE, runs.stage_started, jobs=jobs, tell_run=tell)  # type: ignore[arg-type]
        outbox.begin = stages.begin if self.begins_early else None
        events = StrategyEventController(store, bus, clock, INSTANCE)  # type: ignore[arg-type]
        tasks = [asyncio.create_task(each.run()) for each in (runs, stages, events)]
        try:
            yield runs
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await awx.close()

    async def settled(self, run: str, people: People, phase: str) -> None:
        """Returns when the run has ended so and its books are closed; people act meanwhile, time passes when needed."""
        async with asyncio.timeout(PATIENCE):
            rounds = 0
            while not await self._is_settled(run, phase):
                await people(self, run)
                await asyncio.sleep(0.004)
                rounds += 1
                if rounds % 25 == 0:
                    self.clock.advance(2)

    async def _is_settled(self, run: str, phase: str) -> bool:
        status = (await self.run(run)).get("status") or {}
        if status.get("phase") != phase or status.get("outbox"):
            return False
        return all(_at_rest(each) for each in await self.stage_runs(run))

    # --- looking ---

    async def run(self, name: str) -> Resource:
        return await self.store.get(Key(STRATEGY_RUN.type, "kabanero", name))

    async def stage_runs(self, run: str) -> list[Resource]:
        selector = Selector(fields=(Requirement("spec.strategyRun", "=", (run,)),))
        return [each async for each in every(self.store, STAGE_RUN.type, selector)]

    async def stage_run(self, run: str, stage: str) -> Resource | None:
        return next((each for each in await self.stage_runs(run) if each["spec"]["stageName"] == stage), None)

    async def change(self, found: Resource, **spec: Any) -> None:
        """A person changes a spec; what is changed meanwhile is looked at again in the next round."""
        with contextlib.suppress(ConflictError, NotFoundError):
            await self.store.update({**found, "spec": {**found["spec"], **spec}})

    async def delete(self, key: Key) -> None:
        """A person deletes something, if it is still there."""
        with contextlib.suppress(NotFoundError):
            await self.store.delete(key)

    async def comes_to(self, run: str) -> dict[str, Any]:
        """How it ended, without names and times."""
        found = await self.run(run)
        status, context = found["status"], found["status"]["contextID"]
        published = await self.bus.find(EventQuery(context=context, topic="Strategy", limit=1000))
        return {
            "phase": status["phase"],
            "reason": status["conditions"][0]["reason"],
            "stages": {each["name"]: (each["phase"], each.get("attempt", 0)) for each in status["stages"]},
            "variables": status.get("variables"),
            "events": sorted(each["id"] for each in status["events"]),
            "stage runs": {
                each["spec"]["stageName"]: (each["status"]["phase"], each["status"].get("attempt", 0))
                for each in await self.stage_runs(run)
            },
            "published": sorted(each.event.id for each in published),
            "work": {
                name.split(" ", 1)[1]: count
                for name, count in self.executor.begun.items()
                if name.startswith(f"{run} ")
            },
        }

    async def hear_all_again(self) -> None:
        """As after a crash that lost every acknowledgement."""
        await self.bus.replay(EventQuery(topic="kabanero.control", limit=100_000))


def _at_rest(stage_run: Resource) -> bool:
    status = stage_run.get("status") or {}
    return status.get("phase") in ENDED and "waitsOn" not in status
