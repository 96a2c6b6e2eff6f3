"""Copies of a run that waits for a PipelineRun, written through the store: thousands without a playbook for each."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kabanero.model.resource import Resource
from kabanero.ports import Store, Write

from tests.cluster.store_world import opened

BATCH = 100
KEPT = ("namespace", "labels", "annotations", "ownerReferences")
Template = tuple[Resource, Resource, Resource]
"""A StrategyRun, its StageRun, and the PipelineRun that this waits for."""


async def multiply(kubeconfig: Path, template: Template, count: int) -> None:
    """So many copies; their PipelineRuns are such as Tekton does not begin (`PipelineRunPending`)."""
    async with opened(kubeconfig) as (store, _):
        await store.find_type("tekton.dev/v1", "PipelineRun")
        for begin in range(0, count, BATCH):
            await _batch(store, template, range(begin, min(begin + BATCH, count)))


def commit_of(number: int) -> str:
    """The commit that copy `number` is about."""
    return f"w{number:07x}"


async def _batch(store: Store, template: Template, numbers: Sequence[int]) -> None:
    run, stage_run, pipeline_run = template
    runs = await _made(store, [_run(run, number) for number in numbers])
    stage_runs = await _made(store, [_stage_run(stage_run, each) for each in runs])
    pairs = zip(numbers, stage_runs, strict=True)
    await _all(store, [Write("create", _pipeline_run(pipeline_run, each, number)) for number, each in pairs])


async def _made(store: Store, resources: Sequence[Resource]) -> list[Resource]:
    """Created, and with their statuses."""
    made = await _all(store, [Write("create", each) for each in resources])
    pairs = zip(made, resources, strict=True)
    return await _all(store, [Write("update_status", {**each, "status": told["status"]}) for each, told in pairs])


async def _all(store: Store, writes: Sequence[Write]) -> list[Resource]:
    answers = await store.write_all(writes)
    failed = [each for each in answers if not isinstance(each, dict)]
    if failed:
        raise failed[0]
    return [each for each in answers if isinstance(each, dict)]


def _bare(resource: Resource, name: str) -> Resource:
    """A copy under another name, without what the API server writes."""
    made = copy.deepcopy(resource)
    made["metadata"] = {"name": name} | {key: made["metadata"][key] for key in KEPT if key in made["metadata"]}
    return made


def _run(template: Resource, number: int) -> Resource:
    made = _bare(template, f"waiting-{number:05d}")
    made["status"]["contextID"] = f"20261123000000000-{uuid.UUID(int=number).hex[-10:]}"
    made["status"]["stages"][0]["stageRun"] = f"waiting-{number:05d}-build"
    for variable in made["spec"]["variables"]:
        variable["commit"] = commit_of(number)
    return made


def _stage_run(template: Resource, run: Resource) -> Resource:
    name = run["metadata"]["name"]
    made = _owned(_bare(template, f"{name}-build"), run)
    made["spec"] |= {"strategyRun": name, "contextID": run["status"]["contextID"]}
    made["status"]["waitingFor"]["name"] = f"{name}-build-1"
    return made


def _pipeline_run(template: Resource, stage_run: Resource, number: int) -> Resource:
    made = _owned(_bare(template, stage_run["status"]["waitingFor"]["name"]), stage_run)
    made.pop("status", None)
    own = {"kabanero.io/stage-run": stage_run["metadata"]["name"]}
    made["metadata"]["labels"] |= own | {"kabanero.io/stage-run-uid": stage_run["metadata"]["uid"]}
    made["spec"] |= {
        "status": "PipelineRunPending",
        "params": [{"name": "source-revision", "value": commit_of(number)}],
    }
    return made


def _owned(resource: Resource, owner: Resource) -> Resource:
    named: dict[str, Any] = {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    resource["metadata"]["ownerReferences"] = [{**resource["metadata"]["ownerReferences"][0], **named}]
    return resource
