"""A hundred thousand runs that wait for approval: memory, restart, and a push beside them.

One run is carried to its approval by the runner; the others are copies of it, written through the store.
"""

from __future__ import annotations

import asyncio
import copy
import os
import time
import uuid
from pathlib import Path
from typing import Any

from kabanero.clock import SystemClock
from kabanero.ports import Write
from kabanero.stores.sqlite import SqliteStore

from tests.bench.figures import Figure, median
from tests.bench.idle import resident
from tests.bench.stamps import next_stamp, stamping_project, stamps_in
from tests.support import runs
from tests.support.runner import API, Runner, resource
from tests.support.strategies import binding, match, playbook_stage, strategy

COUNT = int(os.environ.get("BENCH_WAITING", "100000"))
BATCH = 500
PUSHES = 15


def measure(folder: Path) -> list[Figure]:
    """Megabytes, seconds and milliseconds, with all of them in the store."""
    runner = Runner(folder)
    with runner:
        template = _one_waits(runner)
        stamps = stamping_project(runner.project)
        runner.source()
        runner.apply(playbook_stage("first", "stamp.yml"))
        runner.apply(*strategy("one", [binding("First", "PlaybookStage", [match("Start")])]))
    asyncio.run(_copies(runner.data / "store.db", template))
    with runner:
        ready = _restart(runner)
        pushes = [_push(runner, stamps, number) for number in range(PUSHES + 2)][2:]
        assert runner.process
        memory = resident(runner.process.pid)
        decided = _approve(runner)
    what = f"{COUNT:,} runs waiting"
    return [
        Figure(f"{what}: memory", "kabanero", memory, "MB", "< 1024"),
        Figure(f"{what}: restart to ready", "kabanero", ready, "s", "< 10"),
        Figure(f"{what}: push to first task", "kabanero", median(pushes) * 1000, "ms", "< 150"),
        Figure(f"{what}: approval to end of run", "kabanero", decided * 1000, "ms"),
    ]


def _restart(runner: Runner) -> float:
    runner.kill()
    return runner.start()


def _one_waits(runner: Runner) -> tuple[dict[str, Any], dict[str, Any]]:
    runner.apply(resource("EmailApprovalStage", "approval", {"message": "Deploy it?"}))
    runner.apply(*strategy("patient", [binding("Approval", "EmailApprovalStage", [match("Start")])])[:1])
    name = runs.start(runner, "patient", emit={"name": "Start"})
    stage_run = runs.waits_on(runner, name, "Approval", "Approval")
    runs.wait(lambda: "waiting" in runs.get(runner, "strategyruns", name)["status"].get("summary", ""))
    return runs.get(runner, "strategyruns", name), stage_run


async def _copies(path: Path, template: tuple[dict[str, Any], dict[str, Any]]) -> None:
    store = await SqliteStore.open(path, SystemClock())
    try:
        for begin in range(0, COUNT, BATCH):
            pairs = [_copy(template, number) for number in range(begin, min(begin + BATCH, COUNT))]
            made = await store.write_all([Write("create", run) for run, _ in pairs])
            owned = [_owned(run, made_run) for (_, run), made_run in zip(pairs, made, strict=True)]
            created = await store.write_all([Write("create", each) for each in owned])
            statuses = [(run, each) for (run, _), each in zip(pairs, made, strict=True)]
            statuses += [(each, new) for each, new in zip(owned, created, strict=True)]
            updates = [Write("update_status", {**new, "status": old["status"]}) for old, new in statuses]
            for answer in await store.write_all(updates):
                assert isinstance(answer, dict), answer
    finally:
        await store.close()


def _copy(template: tuple[dict[str, Any], dict[str, Any]], number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    run, stage_run = copy.deepcopy(template)
    name = f"patient-copy-{number:06d}"
    context = f"20261123000000000-{uuid.UUID(int=number).hex[-10:]}"
    for each in (run, stage_run):
        each["metadata"] = {
            key: each["metadata"][key] for key in ("namespace", "labels", "ownerReferences") if key in each["metadata"]
        }
    run["metadata"]["name"], stage_run["metadata"]["name"] = name, f"{name}-approval"
    run["status"]["contextID"] = stage_run["spec"]["contextID"] = context
    run["status"]["stages"][0]["stageRun"] = f"{name}-approval"
    stage_run["spec"]["strategyRun"] = name
    return run, stage_run


def _owned(stage_run: dict[str, Any], run: Any) -> dict[str, Any]:
    owner = {
        **stage_run["metadata"]["ownerReferences"][0],
        "name": run["metadata"]["name"],
        "uid": run["metadata"]["uid"],
    }
    return {**stage_run, "metadata": {**stage_run["metadata"], "ownerReferences": [owner]}}


def _push(runner: Runner, stamps: Path, number: int) -> float:
    before, began = len(stamps_in(stamps)), time.time_ns()
    assert runner.push(commit=f"c{number}") == 202
    took = (next_stamp(stamps, before) - began) / 1e9
    time.sleep(0.3)
    return took


def _approve(runner: Runner) -> float:
    name = f"patient-copy-{COUNT // 2:06d}"
    began = time.monotonic()
    patch = {"spec": {"approval": {"decision": "Approved"}}}
    runner.request("PATCH", f"{API}/stageruns/{name}-approval", patch, runs.MERGE)
    runs.ended(runner, name)
    return time.monotonic() - began
