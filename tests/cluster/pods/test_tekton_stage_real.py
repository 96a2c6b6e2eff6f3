"""A TektonStage whose steps really run: what only a real pod can show."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kabanero.model.kinds.runs import StagePhase

from tests.cluster.stage_world import StageWorld, pipeline, step_task
from tests.support.collection import collections_path
from tests.testbed.real import RealCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def world(real_cluster: RealCluster, tmp_path: Path) -> Iterator[StageWorld]:
    name = f"stages-{uuid.uuid4().hex[:8]}"
    real_cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield StageWorld(real_cluster, name, tmp_path, collections_path(tmp_path / "collections"))
    for kind in ("stageruns", "pipelineruns"):
        real_cluster.kubectl("delete", kind, "--all", f"--namespace={name}", "--wait=false")


async def test_a_failure_ends_with_the_end_of_the_steps_log(world: StageWorld) -> None:
    script = "for n in $(seq 1 100); do echo line $n; done; echo error: no such file; exit 3"
    world.apply(pipeline("build", step_task("compile", script)))
    begun = await world.begin({"pipelineName": "build"})
    end = await world.end(begun, world.play(begun))
    assert (end.phase, end.reason) == (StagePhase.FAILED, "Failed")
    said, told, *tail = end.message.splitlines()[1:]
    assert said.startswith("task compile failed in step work with exit code 3")
    assert told == "the end of its log:"
    assert tail[0] == "line 82" and tail[-1] == "error: no such file"
    log = world.cluster.kubectl("get", "--raw", begun.stage_run["status"]["links"]["Log"])
    assert log.splitlines()[0] == "line 1"


async def test_what_a_step_writes_becomes_an_output(world: StageWorld) -> None:
    made = step_task("compile", "echo registry/$(params.name):1 > /tekton/results/image", results={"image": ""})
    made["taskSpec"]["params"] = [{"name": "name"}]
    made["params"] = [{"name": "name", "value": "$(params.app)"}]
    results = [{"name": "image", "value": "$(tasks.compile.results.image)"}]
    world.apply(pipeline("build", made, params=[{"name": "app"}], results=results))
    declared = {"input": [{"name": "app"}], "output": [{"name": "image", "type": "image"}]}
    begun = await world.begin({"pipelineName": "build", "resources": declared}, inputs={"app": "shop"})
    end = await world.end(begun, world.play(begun))
    assert end.outputs == {"image": {"location": "registry/shop:1"}}, end.message
