"""Topic KubernetesAPI on a real API server: runs started by what happens to other people's objects."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.buses.sqlite import SqliteBus
from kabanero.model.resource import Resource
from kabanero.ports import EventQuery
from kabanero.sources.kubernetes_filter import FILTER_NAME
from kabanero.sources.kubernetes_refusals import REFUSED_SECONDS

from tests.cluster.events_world import World, a_namespace, a_world
from tests.cluster.store_world import opened
from tests.cluster.test_serve_on_kubernetes import KINDS, RunnerBesideApiServer
from tests.support.kubernetes_events import TOPIC, config_map, strategy, told, trigger, until
from tests.support.strategies import marking_project, playbook_stage
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
HUSH = "aHVzaC1odXNo"


@pytest.fixture
async def world(apiserver: ApiServer, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(apiserver, tmp_path) as found:
        yield found


def deployment(namespace: str, image: str, **annotations: str) -> Resource:
    labels = {"app": "shop"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "shop", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": namespace, "annotations": annotations},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }


IMAGE_CHANGED = {
    "match": {"eventType": "modify", "kind": "Deployment"},
    "filter": [
        {"attribute": "namespace", "allowed": ["app1*"]},
        {"attribute": "changedFields", "allowed": ["*.image*"]},
    ],
    "variableBindings": [
        {"name": "what", "value": "${event.resource.spec.template.spec.containers[0].image}"},
    ],
}


async def test_a_deployment_whose_image_changes_starts_a_run_and_what_else_changes_does_not(world: World) -> None:
    one, other = f"app1-{world.space}", f"app2-{world.space}"
    await world.apply(a_namespace(one), a_namespace(other), deployment(one, "shop:1"), deployment(other, "shop:1"))
    await world.apply(*world.own(trigger("watch", IMAGE_CHANGED)))
    async with world.listening():
        await world.ready()
        await world.apply(deployment(other, "shop:2"), deployment(one, "shop:1", note="new"))
        await world.kubectl("scale", "deployment/shop", "--replicas=3", "-n", one)
        await world.quiet()
        assert not await world.runs()
        await world.apply(deployment(one, "shop:2", note="new"))
        (run,) = await until(world.runs)
        events = await told(world.bus)
    assert run["spec"]["variables"] == [{"name": "what", "value": "shop:2"}]
    assert {each["namespace"] for each in events} == {one}
    assert [each["specChanged"] for each in events] == ["false", "true", "true"]
    assert not any("managedFields" in each["resource"]["metadata"] for each in events)


async def test_a_restart_over_forgotten_history_loses_and_repeats_nothing(world: World) -> None:
    space = f"app1-{world.space}"
    rule = {"match": {"kind": "Deployment", "namespace": space, "specChanged": "true"}}
    await world.apply(a_namespace(space), deployment(space, "shop:1"), *world.own(trigger("watch", rule)))
    async with world.listening():
        await world.ready()
        await world.apply(deployment(space, "shop:2"))
        await until(world.runs)
    await world.apply(deployment(space, "shop:3"))
    await asyncio.to_thread(world.server.forget_history)
    async with world.listening():
        await until(lambda: at_least(world, 2))
        await world.quiet()
        assert len(await world.runs()) == 2


async def at_least(world: World, count: int) -> bool:
    return len(await world.runs()) >= count


async def test_a_watch_goes_on_after_410_with_what_was_before(world: World) -> None:
    space = f"app1-{world.space}"
    await world.apply(a_namespace(space), deployment(space, "shop:1"), *world.own(trigger("watch", IMAGE_CHANGED)))
    async with world.listening():
        await world.ready()
        for number in range(3):
            await world.kubectl("create", "configmap", f"noise{number}", "-n", space)
        await asyncio.to_thread(world.server.forget_history)
        await world.apply(deployment(space, "shop:2"))

        async def started() -> list[Resource]:
            world.clock.advance(2)
            return await world.runs()

        (run,) = await until(started)
    assert run["spec"]["variables"][0]["value"] == "shop:2"


# --- rights ---


def rights(account: str, space: str, *rules: dict[str, Any], name: str = "watch", where: str = "") -> list[Resource]:
    """A role with rules in a namespace, bound to the runner's account."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": name, "namespace": where or space}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": space}
    role = {"apiGroup": group, "kind": "Role", "name": name}
    return [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": list(rules)},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "subjects": [subject],
            "roleRef": role,
        },
    ]


def may(group: str, *resources: str) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    return {"apiGroups": [group], "resources": list(resources), "verbs": verbs}


def everywhere(account: str, space: str, *rules: dict[str, Any]) -> list[Resource]:
    """The same in all namespaces."""
    role, binding = rights(account, space, *rules, name=f"{space}-runner")
    for each in (role, binding):
        each["metadata"] = {"name": f"{space}-runner"}
        each["kind"] = f"Cluster{each['kind']}"
    binding["roleRef"]["kind"] = "ClusterRole"
    return [role, binding]


async def test_what_is_not_permitted_is_said_and_the_rest_is_heard_until_it_is_granted(world: World) -> None:
    allowed, denied = f"app1-{world.space}", f"app2-{world.space}"
    kubeconfig = await asyncio.to_thread(world.server.service_account, world.space, "runner")
    await world.apply(
        a_namespace(allowed),
        a_namespace(denied),
        *everywhere("runner", world.space, may("kabanero.io", "*"), may("", "configmaps")),
        *rights("runner", world.space, may("apps", "deployments"), where=allowed),
        *world.own(
            trigger("watch", {"match": {"kind": "Deployment", "namespace": allowed}}),
            trigger("refused", {"match": {"kind": "Deployment", "namespace": denied}}),
        ),
    )
    async with opened(kubeconfig) as (store, _), world.listening(store):
        await world.ready()
        said = await world.ready("NotPermitted", "refused")
        assert f"may not list deployments in namespace {denied}" in said["message"] and said["status"] == "False"
        await world.apply(deployment(allowed, "shop:1"), deployment(denied, "shop:1"))
        await until(world.runs)
        await world.apply(*rights("runner", world.space, may("apps", "deployments"), where=denied))

        async def heard() -> bool:
            world.clock.advance(REFUSED_SECONDS)
            return bool(await world.ready(name="refused"))

        await until(heard)
        await world.apply(deployment(denied, "shop:2"))
        await until(lambda: at_least(world, 2))
        assert {each["eventType"] for each in await told(world.bus, namespace=denied)} == {"modify"}


async def test_a_kind_whose_definition_comes_later_is_heard_then(world: World) -> None:
    await world.apply(*world.own(trigger("watch", {"match": {"kind": "Gadget"}})))
    async with world.listening():
        assert "no kind Gadget is served here" in (await world.ready("KindUnknown"))["message"]
        await world.apply(gadgets())

        async def heard() -> bool:
            world.clock.advance(REFUSED_SECONDS)
            await asyncio.sleep(0.2)
            return (
                "lets no event about gadgets" in (await asyncio.wait_for(world.ready("NotPermitted"), 0.5))["message"]
            )

        async def patiently() -> bool:
            try:
                return await heard()
            except TimeoutError:
                return False

        await until(patiently)
        allowed = {"allowedNoNamespacedKinds": "Gad*"}
        await world.apply(*world.own(config_map(FILTER_NAME, **allowed)))
        await world.ready()
        body = {
            "apiVersion": "example.com/v1",
            "kind": "Gadget",
            "metadata": {"name": "g"},
            "spec": {"list": secrets()},
        }
        await world.apply(body)
        await until(world.runs)
        (found,) = await told(world.bus, kind="Gadget")
    assert "namespace" not in found and HUSH not in json.dumps(found)


def gadgets() -> Resource:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": names, "versions": [version]},
    }


def secrets() -> Resource:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": HUSH}}
    return {"apiVersion": "v1", "kind": "List", "items": [secret]}


# --- secrets ---


async def test_no_stored_event_ever_has_a_secret_in_it(world: World) -> None:
    space = f"app1-{world.space}"
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "password", "namespace": space},
        "data": {"password": HUSH},
    }
    rules = [{"match": {"kind": kind, "namespace": space}} for kind in ("Secret", "ConfigMap")]
    await world.apply(a_namespace(space), *world.own(trigger("watch", *rules)))
    async with world.listening():
        await world.ready()
        applied = lambda body: world.server.kubectl("apply", "-f", "-", stdin=json.dumps(body))  # noqa: E731
        await asyncio.to_thread(applied, secret)
        await asyncio.to_thread(applied, {**secret, "data": {"password": f"{HUSH}{HUSH}"}})
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": space}}
        await asyncio.to_thread(applied, {**manifest, "data": {"all": json.dumps(secrets()), "plain": "text"}})
        await world.kubectl("delete", "secret", "password", "-n", space)
        await until(lambda: enough(world.bus, 4))
        stored = await world.bus.find(EventQuery(topic=TOPIC))
    assert not [each for each in stored if HUSH.encode() in each.event.payload]
    of_map = next(each.event.data for each in stored if each.event.data["name"] == "m")
    assert of_map["resource"]["data"]["plain"] == "text"


async def enough(bus: SqliteBus, count: int) -> bool:
    return len(await told(bus)) >= count


# --- whole runners ---


def test_a_whole_runner_reacts_to_a_deployment_before_and_after_it_is_killed(
    apiserver: ApiServer, tmp_path: Path
) -> None:
    space = f"app1-{uuid.uuid4().hex[:8]}"
    apiserver.apply(a_namespace("kabanero"), a_namespace(space), deployment(space, "shop:1"))
    runner = RunnerBesideApiServer(tmp_path, apiserver)
    marks = marking_project(runner.project)
    name = f"react-{space}"
    resources = [each for each in strategy(name) if each["kind"] != "PlaybookStage"]
    with runner:
        runner.apply(*resources, playbook_stage("look"), trigger(name, IMAGE_CHANGED, strategy=name))
        apiserver.kubectl("wait", "--for=condition=Ready", f"trigger/{name}", "-n", "kabanero", "--timeout=30s")
        apiserver.apply(deployment(space, "shop:2"))
        assert [each["status"]["phase"] for each in runner.wait_for_runs(1)] == ["Succeeded"]
        id = json.loads(runner.text(f"/runner/v1/events?topic={TOPIC}"))["items"][0]["id"]
        explained = json.loads(runner.text(f"/runner/v1/events/{id}/explain"))["triggers"]
        assert [each["name"] for each in explained if each["matched"]] == [name]
        runner.kill()
        apiserver.apply(deployment(space, "shop:3"))
        runner.start()
        contexts = [each["status"]["contextID"] for each in runner.wait_for_runs(2)]
    assert len(contexts) == 2
    done = [line.split()[0] for line in marks.read_text().splitlines()]
    assert sorted(each for each in done if each in contexts) == sorted(contexts)
    apiserver.kubectl("delete", f"{KINDS},configmaps", "--all", "-n", "kabanero", "--wait=false")
