"""Waiting for objects: the end is never missed, people see how far it is, and nothing goes on that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.controllers.awaiting import Awaiting
from kabanero.engine.inputs import StageEnded
from kabanero.model.errors import PermanentError, StoreUnavailableError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import API_VERSION, Key, Resource
from kabanero.model.selectors import EVERYTHING
from kabanero.stores.sqlite import SqliteStore
from kabanero.stores.sqlite.store import ALL_TYPES

from tests.support.clock import FakeClock
from tests.support.tekton import PIPELINE_RUN, TASK_RUN, ended, pipeline_run, running, task_run

PATIENCE = 10.0
OUTPUTS = {"output": [{"name": "image", "type": "image"}]}


class Trouble(SqliteStore):
    """A store that can be told to refuse, and that counts its watches."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.refuses_watches: Exception | None = None
        self.refuses_reads: Exception | None = None
        self.watches: list[str] = []

    def watch(self, type: Any, **options: Any) -> Any:
        if self.refuses_watches:
            raise self.refuses_watches
        wide = options.get("selector") == EVERYTHING
        self.watches.append(f"{type.plural}{' all' if wide else ''}")
        return super().watch(type, **options)

    async def get(self, key: Key, *, recent: bool = False) -> Resource:
        if self.refuses_reads and key.type == PIPELINE_RUN:
            raise self.refuses_reads
        return await super().get(key, recent=recent)


class World:
    """A store with Tekton's kinds, a stage that waits, and somebody who plays Tekton."""

    def __init__(self, store: Trouble, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.log = "line 1\nerror: no such file\n"
        self.awaiting = Awaiting(store, clock, self._tail)

    async def _tail(self, namespace: str, pod: str, container: str, lines: int) -> str:
        return f"{namespace}/{pod}/{container}\n{self.log}"

    async def waiting(self, own: str = "build-1", *, made: bool = True, **waiting_for: str) -> Resource:
        """A StageRun that waits for a PipelineRun of its own name."""
        spec = {
            "stageName": "build",
            "stageRef": {"kind": "TektonStage", "name": "build"},
            "contextID": "c1",
            "strategy": "main",
            "strategyRun": "main-1",
        }
        metadata = {"name": own, "namespace": "kabanero"}
        stage_run = await self.store.create(
            {"apiVersion": API_VERSION, "kind": "StageRun", "metadata": metadata, "spec": spec}
        )
        there = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": own, **waiting_for}
        began = {"attempt": 1, "startTime": "2026-01-01T12:00:00Z"}
        status = {**began, "phase": "Running", "waitsOn": "Object", "waitingFor": there}
        stage_run = await self.store.update({**stage_run, "status": status}, status=True)
        if made:
            await self.store.create(pipeline_run(own, uid=stage_run["metadata"]["uid"]))
        return stage_run

    def ended(self, stage_run: Resource, **spec: Any) -> asyncio.Task[StageEnded]:
        """The end, waited for in the background."""
        stage = {"kind": "TektonStage", "spec": {"resources": OUTPUTS, **spec}}
        return asyncio.create_task(self.awaiting.ended(stage_run, stage))

    async def run(self, name: str = "build-1") -> Resource:
        return await self.store.get(Key(PIPELINE_RUN, "kabanero", name))

    async def stage_run(self, name: str = "build-1") -> Resource:
        return await self.store.get(Key(STAGE_RUN.type, "kabanero", name))

    async def tells(self, resource: Resource) -> None:
        await self.store.update(resource, status=True)

    async def passes(self, seconds: float) -> None:
        """Lets others go on, the time pass, and others go on."""
        await settle()
        self.clock.advance(seconds)
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.005)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    store = await Trouble.open(tmp_path / "store.db", clock, types=(*ALL_TYPES, PIPELINE_RUN, TASK_RUN))
    assert isinstance(store, Trouble)
    yield World(store, clock)
    await store.close()


async def within(task: asyncio.Task[StageEnded]) -> StageEnded:
    async with asyncio.timeout(PATIENCE):
        return await task


# --- the end ---


async def test_an_object_that_has_ended_already_is_noticed(world: World) -> None:
    stage_run = await world.waiting()
    await world.tells(ended(await world.run(), "True", "Succeeded"))
    assert (await within(world.ended(stage_run))).phase is StagePhase.SUCCEEDED


async def test_an_end_that_comes_later_is_noticed(world: World) -> None:
    waiting = world.ended(await world.waiting())
    await settle()
    assert not waiting.done()
    await world.tells(ended(await world.run(), "True", "Succeeded"))
    assert (await within(waiting)).phase is StagePhase.SUCCEEDED


async def test_results_become_outputs(world: World) -> None:
    stage_run = await world.waiting()
    results = {"image-url": "registry/shop:1", "image-digest": "sha256:ab", "tests": "40"}
    await world.tells(ended(await world.run(), "True", "Succeeded", **results))
    end = await within(world.ended(stage_run))
    assert end.outputs == {"image": {"location": "registry/shop:1", "digest": "sha256:ab"}, "tests": "40"}


async def test_the_stage_is_looked_up_when_nobody_has_it(world: World) -> None:
    binding = {"result": "where", "output": "image", "field": "location"}
    stage = {"pipelineName": "build", "resources": OUTPUTS, "results": [binding]}
    about = {"name": "build", "namespace": "kabanero"}
    await world.store.create({"apiVersion": API_VERSION, "kind": "TektonStage", "metadata": about, "spec": stage})
    stage_run = await world.waiting()
    await world.tells(ended(await world.run(), "True", "Succeeded", where="registry/shop:1"))
    assert (await world.awaiting.ended(stage_run)).outputs == {"image": {"location": "registry/shop:1"}}


@pytest.mark.parametrize(
    ("reason", "phase"),
    [
        ("Cancelled", StagePhase.CANCELLED),
        ("PipelineRunTimeout", StagePhase.TIMED_OUT),
        ("CouldntGetTask", StagePhase.ERRORED),
    ],
)
async def test_tektons_reason_and_message_are_the_stages(world: World, reason: str, phase: StagePhase) -> None:
    stage_run = await world.waiting()
    await world.tells(ended(await world.run(), "False", reason, "so it was"))
    end = await within(world.ended(stage_run))
    assert (end.phase, end.reason, end.message) == (phase, reason, "so it was")


async def test_a_failure_names_task_step_code_and_the_end_of_the_log(world: World) -> None:
    stage_run = await world.waiting()
    run = await world.run()
    for task, code in (("fetch", 0), ("compile", 3)):
        made = task_run(run, task, code)
        await world.tells({**await world.store.create(made), "status": made["status"]})
    await world.tells(ended(run, "False", "Failed", "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0"))
    end = await within(world.ended(stage_run))
    assert end.message.splitlines() == [
        "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0",
        "task compile failed in step make with exit code 3 (StepFailed): compile exited",
        "the end of its log:",
        "kabanero/build-1-compile-pod/step-make",
        "line 1",
        "error: no such file",
    ]
    links = (await world.stage_run())["status"]["links"]
    assert links["Log"].endswith("/namespaces/kabanero/pods/build-1-compile-pod/log?container=step-make")


async def test_a_log_can_be_long_and_coloured(world: World) -> None:
    world.log = "x" * 100_000 + "\x1b[31mred\x1b[0m end"
    stage_run = await world.waiting()
    run = await world.run()
    made = task_run(run, "compile", 1)
    await world.tells({**await world.store.create(made), "status": made["status"]})
    await world.tells(ended(run, "False", "Failed"))
    message = (await within(world.ended(stage_run))).message
    assert message.endswith("xred end") and len(message) <= 4000


async def test_an_object_that_is_not_there_can_not_be_waited_for(world: World) -> None:
    end = await within(world.ended(await world.waiting(made=False)))
    assert (end.phase, end.reason) == (StagePhase.ERRORED, "ObjectGone")


async def test_an_object_that_is_deleted_counts_as_cancelled(world: World) -> None:
    waiting = world.ended(await world.waiting())
    await settle()
    await world.store.delete(Key(PIPELINE_RUN, "kabanero", "build-1"))
    end = await within(waiting)
    assert (end.phase, end.reason) == (StagePhase.CANCELLED, "ObjectDeleted")


async def test_a_kind_that_the_store_does_not_hold_is_an_error_that_says_so(world: World) -> None:
    end = await within(world.ended(await world.waiting(made=False, apiVersion="batch/v1", kind="Job")))
    assert (end.phase, end.reason) == (StagePhase.ERRORED, "NotWatchable")
    assert "batch/v1 Job" in end.message


async def test_our_own_runs_can_be_waited_for(world: World) -> None:
    other = await world.waiting("other")
    stage_run = await world.waiting(made=False, apiVersion=API_VERSION, kind="StageRun", name="other")
    waiting = world.ended(stage_run)
    await settle()
    said = {"type": "Succeeded", "status": "False", "reason": "TestsFailed", "message": "2 of 40"}
    await world.tells({**other, "status": {**other["status"], "conditions": [said]}})
    end = await within(waiting)
    assert (end.phase, end.reason, end.message) == (StagePhase.FAILED, "TestsFailed", "2 of 40")


# --- watches ---


async def test_one_watch_does_for_all(world: World) -> None:
    waiting = [world.ended(await world.waiting(f"build-{index}")) for index in range(50)]
    await settle()
    assert world.store.watches == ["pipelineruns"]
    for index in range(50):
        await world.tells(ended(await world.run(f"build-{index}"), "True", "Succeeded"))
    assert {(await within(each)).phase for each in waiting} == {StagePhase.SUCCEEDED}


async def test_what_the_watch_tells_of_need_not_be_looked_at(world: World) -> None:
    first = world.ended(await world.waiting("build-1"))
    await settle()
    stage_run = await world.waiting("build-2")
    await world.tells(ended(await world.run("build-2"), "True", "Succeeded"))
    await settle()
    world.store.refuses_reads = PermanentError("nobody asks")
    assert (await within(world.ended(stage_run))).phase is StagePhase.SUCCEEDED
    world.store.refuses_reads = None
    await world.tells(ended(await world.run("build-1"), "True", "Succeeded"))
    assert (await within(first)).phase is StagePhase.SUCCEEDED


async def test_what_was_deleted_before_anybody_waited_is_not_waited_for(world: World) -> None:
    first, stage_run = world.ended(await world.waiting("build-1")), await world.waiting("build-2")
    await settle()
    await world.store.delete(Key(PIPELINE_RUN, "kabanero", "build-2"))
    await settle()
    assert (await within(world.ended(stage_run))).reason == "ObjectGone"
    first.cancel()


async def test_the_watch_stays_for_the_next(world: World) -> None:
    for name in ("build-1", "build-2"):
        stage_run = await world.waiting(name)
        await world.tells(ended(await world.run(name), "True", "Succeeded"))
        await within(world.ended(stage_run))
        await settle()
    assert world.store.watches == ["pipelineruns"]


async def test_an_object_without_our_label_is_noticed_too(world: World) -> None:
    stage_run = await world.waiting(made=False)
    await world.store.create(pipeline_run("build-1"))
    labelled, bare = world.ended(await world.waiting("build-2")), world.ended(stage_run)
    await settle()
    for name in ("build-1", "build-2"):
        await world.tells(ended(await world.run(name), "True", "Succeeded"))
    assert [(await within(each)).phase for each in (bare, labelled)] == [StagePhase.SUCCEEDED] * 2
    assert world.store.watches[-1] == "pipelineruns all"


async def test_where_watches_are_refused_objects_are_looked_at_now_and_then(world: World) -> None:
    world.store.refuses_watches = PermanentError("pipelineruns is forbidden")
    waiting = world.ended(await world.waiting())
    await settle()
    await world.tells(ended(await world.run(), "True", "Succeeded"))
    await world.passes(6)
    assert (await within(waiting)).phase is StagePhase.SUCCEEDED


async def test_an_object_that_may_not_be_read_is_an_error_that_says_so(world: World) -> None:
    stage_run = await world.waiting(made=False)
    await world.store.create(pipeline_run("build-1"))
    world.store.refuses_reads = PermanentError("pipelineruns is forbidden")
    end = await within(world.ended(stage_run))
    assert (end.phase, end.reason) == (StagePhase.ERRORED, "NotWatchable")
    assert "is forbidden" in end.message


async def test_an_outage_is_waited_out(world: World) -> None:
    stage_run = await world.waiting()
    world.store.refuses_reads = StoreUnavailableError("away")
    waiting = world.ended(stage_run)
    await world.passes(1)
    world.store.refuses_reads = None
    await world.tells(ended(await world.run(), "True", "Succeeded"))
    await world.passes(1)
    assert (await within(waiting)).phase is StagePhase.SUCCEEDED


# --- meanwhile ---


async def test_progress_is_shown_but_not_too_often(world: World) -> None:
    waiting = world.ended(await world.waiting())
    await settle()
    await world.tells(running(await world.run(), 1, 3))
    await settle()
    assert "progress" not in (await world.stage_run())["status"]
    await world.passes(2)
    shown = {"task": "t1", "done": 1, "percent": 25, "message": "1 of 4 tasks are done"}
    assert (await world.stage_run())["status"]["progress"] == shown
    await world.tells(running(await world.run(), 2, 2))
    await world.passes(1)
    assert (await world.stage_run())["status"]["progress"] == shown
    await world.passes(5)
    assert (await world.stage_run())["status"]["progress"]["done"] == 2
    waiting.cancel()


# --- stopping ---


async def test_a_pipeline_run_is_asked_to_run_its_finally_tasks_and_end(world: World) -> None:
    stage_run = await world.waiting()
    assert await world.awaiting.stop(stage_run) is True
    assert (await world.run())["spec"]["status"] == "CancelledRunFinally"


async def test_asking_twice_changes_nothing(world: World) -> None:
    stage_run = await world.waiting()
    await world.awaiting.stop(stage_run)
    before = await world.run()
    assert await world.awaiting.stop(stage_run) is True
    assert await world.run() == before


async def test_a_run_that_has_ended_is_left_as_it_is(world: World) -> None:
    stage_run = await world.waiting()
    await world.tells(ended(await world.run(), "True", "Succeeded"))
    assert await world.awaiting.stop(stage_run) is True
    assert "status" not in (await world.run())["spec"]


async def test_what_is_gone_or_no_run_of_tekton_can_not_be_stopped(world: World) -> None:
    assert await world.awaiting.stop(await world.waiting(made=False)) is False
    secret = await world.waiting("other", made=False, apiVersion="v1", kind="Secret")
    assert await world.awaiting.stop(secret) is False


async def test_what_a_broken_off_playbook_made_is_found_by_its_labels(world: World) -> None:
    stage_run = await world.waiting()
    uid = stage_run["metadata"]["uid"]
    await world.store.create(pipeline_run("elsewhere", "builds", uid=uid, attempt=2))
    await world.store.create(pipeline_run("of-another", uid="another"))
    found = await world.awaiting.left_behind(stage_run)
    assert found == {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "name": "build-1",
        "namespace": "kabanero",
    }
    await world.awaiting.stop_left_behind(stage_run)
    assert (await world.run())["spec"]["status"] == "CancelledRunFinally"
    assert "status" not in (await world.run("of-another"))["spec"]
    second = {**stage_run, "status": {**stage_run["status"], "attempt": 2}}
    assert (await world.awaiting.left_behind(second) or {})["namespace"] == "builds"


async def test_a_stage_that_ended_or_went_on_without_its_object_has_abandoned_it(world: World) -> None:
    stage_run = await world.waiting()
    waiting = world.ended(stage_run)
    await settle()
    assert not world.awaiting.abandoned(stage_run)
    over = {**stage_run, "status": {**stage_run["status"], "phase": "TimedOut"}}
    again = {**stage_run, "status": {"phase": "Triggered", "attempt": 2}}
    for later in (over, again):
        [(attempt, key)] = world.awaiting.abandoned(later)
        assert (attempt, key.name) == (1, "build-1")
    waiting.cancel()
