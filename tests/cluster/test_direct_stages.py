"""A stage of Tekton's made with its playbook and without: the same PipelineRun, or the same reason for none."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Work, WorkResult, WorkStatus

from tests.cluster.stage_world import PLAYBOOK, SOURCE, Begun, StageWorld, pipeline, step_task
from tests.support.collection import collections_path
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.cluster
PATIENCE = 120.0
BUILD = pipeline(
    "build",
    step_task("compile"),
    params=[{"name": "source-url"}, {"name": "image"}, {"name": "flavour", "default": "x"}],
    workspaces=[{"name": "work"}],
)
RESOURCES = {"input": [{"name": "source", "type": "github"}], "output": [{"name": "image", "type": "image"}]}
WORKSPACES = [{"name": "work", "emptyDir": {}}]
FULL = {"pipelineName": "build", "resources": RESOURCES, "workspaces": WORKSPACES}
SPECS: dict[str, dict[str, Any]] = {
    "inputs and outputs": FULL,
    "params, timeouts and an account": FULL
    | {
        "params": {"flavour": "{{ 7 * 7 }}"},
        "timeouts": {"pipeline": "1h", "tasks": "10m"},
        "serviceAccount": "builder",
    },
    "a resolver": {"resolver": {"name": "git", "params": {"url": SOURCE["location"]}}, "params": {"list": ["a", "b"]}},
    "a pipeline that is not there": FULL | {"pipelineName": "biuld"},
    "a param that it does not have": FULL | {"params": {"flavor": "y"}},
    "a workspace of no kind": FULL | {"workspaces": [{"name": "work"}]},
    "what the server refuses": FULL | {"timeouts": {"pipeline": "1s", "tasks": "10m"}},
    "another namespace": FULL | {"pipelineNamespace": "not-there"},
}
BOUND: dict[str, Any] = {"inputs": {"source": SOURCE}, "outputs": {"image": {"location": "registry/shop"}}}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collections_path(tmp_path_factory.mktemp("collections"))


@pytest.fixture(scope="module")
def world(cluster: SimulatedCluster, collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    name = f"direct-{uuid.uuid4().hex[:8]}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    made = StageWorld(cluster, name, tmp_path_factory.mktemp("world"), collections)
    made.apply(BUILD)
    yield made
    for kind in ("stageruns", "pipelineruns"):
        cluster.kubectl("delete", kind, "--all", f"--namespace={name}", "--wait=false")


async def carried_out(world: StageWorld, folder: Path, begun: Begun, *, direct: bool) -> WorkResult:
    for name in ("project", "data"):
        (folder / name).mkdir(exist_ok=True)
    settings = AnsibleExecutorSettings(
        folder / "data", folder / "project", str(world.collections), direct=direct, log_limit=100_000
    )
    executor = await AnsibleExecutor.open(settings, SystemClock())
    try:
        environment = {"K8S_AUTH_KUBECONFIG": str(world.cluster.kubeconfig)}
        what = Work(f"{begun.name}.{'direct' if direct else 'played'}", PLAYBOOK, begun.extra_vars(), environment)
        async with asyncio.timeout(PATIENCE):
            return await executor.carry_out(what)
    finally:
        await executor.close(cancel=True)


def taken_up(world: StageWorld, name: str) -> dict[str, Any]:
    """The PipelineRun once Tekton has added what it adds to each."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        found[:] = [world.cluster.get("pipelinerun", name, world.namespace)]
        return bool(found[0].get("status", {}).get("conditions"))

    wait_until(look, f"Tekton to take up {name}", PATIENCE)
    return found[0]


def told(world: StageWorld, result: WorkResult) -> tuple[Any, ...]:
    """What came of it, without what only one of two stage runs has: names, uids and the times of Tekton's own."""
    made: dict[str, Any] = {}
    if result.waiting_for:
        found = taken_up(world, result.waiting_for["name"])
        metadata = {name: found["metadata"].get(name) for name in ("labels", "annotations", "ownerReferences")}
        made = {"metadata": metadata, "spec": found["spec"]}
    names = re.compile(r"main-[0-9a-f]{8}-build(-[0-9a-f]{8}-\d+)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    return result.status, result.reason, names.sub("NAME", f"{result.message} {made}")


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
async def test_both_ways_come_to_the_same(world: StageWorld, tmp_path: Path, spec: dict[str, Any]) -> None:
    with_playbook, without = await world.begin(spec, **BOUND), await world.begin(spec, **BOUND)
    expected = await carried_out(world, tmp_path, with_playbook, direct=False)
    result = await carried_out(world, tmp_path, without, direct=True)
    assert told(world, result) == told(world, expected)


async def test_the_second_way_finds_what_the_first_made(world: StageWorld, tmp_path: Path) -> None:
    begun = await world.begin(FULL, **BOUND)
    first = await carried_out(world, tmp_path, begun, direct=True)
    second = await carried_out(world, tmp_path, begun, direct=False)
    assert first.status is WorkStatus.WAITING
    assert first.waiting_for == second.waiting_for
