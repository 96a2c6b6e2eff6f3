"""Topic KubernetesAPI on a real API server: runs that a change of a Tekton Pipeline or of its Tasks starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kabanero.model.resource import Resource

from tests.cluster.events_world import World, a_namespace, a_world
from tests.support.kubernetes_events import trigger, until
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster


@pytest.fixture
async def tekton(cluster: ApiServer, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(cluster, tmp_path) as found:
        yield found


def a_task(space: str, script: str, name: str = "compile", **annotations: str) -> Resource:
    steps = [{"name": "work", "image": "busybox", "script": script}]
    metadata = {"name": name, "namespace": space, "annotations": annotations}
    return {"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": metadata, "spec": {"steps": steps}}


def a_pipeline(space: str, *tasks: Resource, **annotations: str) -> Resource:
    named = [{"name": f"t{number}", **task} for number, task in enumerate(tasks)]
    metadata = {"name": "build", "namespace": space, "annotations": annotations}
    spec = {"tasks": named[:1], "finally": named[1:]}
    return {"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": metadata, "spec": spec}


def by_name(name: str) -> Resource:
    return {"taskRef": {"name": name}}


def elsewhere(name: str, space: str) -> Resource:
    params = {"kind": "task", "name": name, "namespace": space}
    return {"taskRef": {"resolver": "cluster", "params": [{"name": k, "value": v} for k, v in params.items()]}}


def pipeline_trigger(world: World) -> list[Resource]:
    match = {"eventName": "PipelineChanged", "name": "build", "namespace": world.space}
    what = "${event.changed.kind} ${event.changed.name}"
    return world.own(trigger("watch", {"match": match, "variableBindings": [{"name": "what", "value": what}]}))


async def causes(world: World) -> list[str]:
    return sorted(run["spec"]["variables"][0]["value"] for run in await world.runs())


async def caused(world: World, *expected: str) -> None:
    async def so() -> bool:
        return await causes(world) == sorted(expected)

    await until(so)
    await world.quiet()
    assert await causes(world) == sorted(expected)


async def test_a_new_spec_of_a_pipeline_or_its_tasks_starts_a_run_and_metadata_does_not(tekton: World) -> None:
    world, space, other = tekton, tekton.space, f"lib-{tekton.space}"
    tasks = by_name("compile"), by_name("tidy")
    await world.apply(
        a_namespace(other), a_task(space, "one"), a_task(space, "one", "tidy"), a_task(other, "one", "lib")
    )
    await world.apply(a_task(space, "one", "unrelated"), a_pipeline(space, *tasks), *pipeline_trigger(world))
    async with world.listening():
        await world.ready()
        await world.apply(a_task(space, "one", note="new"), a_pipeline(space, *tasks, note="new"))
        await world.apply(a_task(space, "two", "unrelated"))
        await caused(world)
        await world.apply(a_task(space, "two", note="new"))
        await caused(world, "Task compile")
        await world.apply(a_task(space, "two", "tidy"))
        await caused(world, "Task compile", "Task tidy")
        await world.apply(a_pipeline(space, *tasks, elsewhere("lib", other)))
        await caused(world, "Pipeline build", "Task compile", "Task tidy")
        await world.apply(a_task(other, "two", "lib"))
        await caused(world, "Pipeline build", "Task compile", "Task lib", "Task tidy")


async def test_a_pipeline_changed_while_the_runner_was_away_starts_one_run(tekton: World) -> None:
    world, space = tekton, tekton.space
    await world.apply(a_task(space, "one"), a_pipeline(space, by_name("compile")), *pipeline_trigger(world))
    async with world.listening():
        await world.ready()
    await world.apply(a_task(space, "two"))
    await world.apply(a_task(space, "two", note="new"))
    for _ in range(2):
        async with world.listening():
            await caused(world, "Task compile")
