"""Hundreds of stages that wait for PipelineRuns: what that costs the API server, and that none is forgotten."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kabanero.controllers.awaiting import Awaiting
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import API_VERSION, Resource
from kabanero.ports import Write
from kabanero.stores.kubernetes import KubernetesStore

from tests.cluster.store_world import CLOCK, opened
from tests.support.tekton import ended, pipeline_run
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.tekton import SHELL_IMAGE

pytestmark = pytest.mark.cluster
MANY = 300
PATIENCE = 120.0


@pytest.fixture
def namespace(cluster: SimulatedCluster) -> Iterator[str]:
    name = f"many-{uuid.uuid4().hex[:8]}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.kubectl("delete", "pipelineruns", "--all", f"--namespace={name}", "--wait=false")


def held_back(name: str, namespace: str) -> Resource:
    """A PipelineRun that Tekton does not begin."""
    run = pipeline_run(name, namespace, uid=name)
    step = {"name": "work", "image": SHELL_IMAGE, "command": ["true"]}
    spec = {"status": "PipelineRunPending", "pipelineSpec": {"tasks": [{"name": "a", "taskSpec": {"steps": [step]}}]}}
    return {**run, "spec": spec}


def waiting(name: str, namespace: str) -> Resource:
    """A StageRun that waits for it, as a controller has it in hand."""
    there = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": name}
    return {
        "apiVersion": API_VERSION,
        "kind": "StageRun",
        "metadata": {"name": name, "namespace": namespace, "uid": name},
        "spec": {"stageName": "build", "stageRef": {"kind": "TektonStage", "name": "build"}},
        "status": {"phase": "Running", "attempt": 1, "waitsOn": "Object", "waitingFor": there},
    }


async def test_one_watch_does_for_hundreds_and_a_broken_one_loses_nothing(
    cluster: SimulatedCluster, namespace: str
) -> None:
    names = [f"run-{number}" for number in range(MANY)]
    async with opened(cluster.kubeconfig) as (store, client), asyncio.timeout(PATIENCE):
        await store.find_type("tekton.dev/v1", "PipelineRun")
        runs = await store.write_all([Write("create", held_back(name, namespace)) for name in names])
        awaiting = Awaiting(store, CLOCK)
        ends = [asyncio.create_task(awaiting.ended(waiting(name, namespace), _stage())) for name in names]
        await _watched(client)
        assert client.requests.numbers["watch", "pipelineruns"] == 1
        await _end(store, runs[: MANY // 2])
        cluster.kill_apiserver()
        cluster.start_apiserver()
        await _end(store, runs[MANY // 2 :])
        phases = {(await each).phase for each in ends}
        await awaiting.close()
    assert phases == {StagePhase.SUCCEEDED}
    assert not client.requests.numbers["get", "pipelineruns"], "the list and the watch told of all"


def _stage() -> Resource:
    return {"kind": "TektonStage", "spec": {}}


async def _watched(client: Any) -> None:
    while not client.requests.numbers["watch", "pipelineruns"]:
        await asyncio.sleep(0.05)


async def _end(store: KubernetesStore, runs: Any) -> None:
    """Writes the end of each, as Tekton would; without a version, since Tekton may have written meanwhile."""
    for run in runs:
        bare = {key: value for key, value in run["metadata"].items() if key in ("name", "namespace")}
        end = ended({**run, "metadata": bare}, "True", "Succeeded")
        await store.update({**end, "status": {**end["status"], "childReferences": []}}, status=True)
