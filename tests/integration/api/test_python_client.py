"""The official Python client against the embedded API: typed, custom objects, dynamic with its cache, watch."""

import asyncio
import threading

import pytest
from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException

from tests.integration.api.examples import RUNS, run

PLACE = ("kabanero.io", "v1alpha1", "default", "strategyruns")


@pytest.fixture
def connection(api):
    with config.new_client_from_config(str(api.kubeconfig)) as made:
        yield made


async def test_core_objects_have_their_types(api, connection):
    core = client.CoreV1Api(connection)
    body = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"a": "b"})
    await asyncio.to_thread(core.create_namespaced_secret, "default", body)
    found = await asyncio.to_thread(core.read_namespaced_secret, "s", "default")
    listed = await asyncio.to_thread(core.list_namespace)
    assert (found.data, [item.metadata.name for item in listed.items]) == ({"a": "Yg=="}, ["default", "kabanero"])


async def test_core_objects_are_patched_and_deleted(api, connection):
    core = client.CoreV1Api(connection)
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="c"), data={"a": "1"})
    await asyncio.to_thread(core.create_namespaced_config_map, "default", body)
    patched = await asyncio.to_thread(core.patch_namespaced_config_map, "c", "default", {"data": {"b": "2"}})
    await asyncio.to_thread(core.delete_namespaced_config_map, "c", "default")
    left = await asyncio.to_thread(core.list_namespaced_config_map, "default")
    assert (patched.data, left.items) == ({"a": "1", "b": "2"}, [])


async def test_an_event_can_be_reported(api, connection):
    reference = client.V1ObjectReference(kind="StrategyRun", name="r1", namespace="default")
    body = client.CoreV1Event(
        metadata=client.V1ObjectMeta(name="e"), involved_object=reference, reason="Test", message="it works"
    )
    made = await asyncio.to_thread(client.CoreV1Api(connection).create_namespaced_event, "default", body)
    assert made.reason == "Test"


async def test_custom_objects_are_created_patched_listed_and_deleted(api, connection):
    custom = client.CustomObjectsApi(connection)
    await asyncio.to_thread(custom.create_namespaced_custom_object, *PLACE, run())
    body = {"spec": {"cancel": True}}
    patched = await asyncio.to_thread(custom.patch_namespaced_custom_object, *PLACE, "r1", body)
    listed = await asyncio.to_thread(custom.list_namespaced_custom_object, *PLACE)
    await asyncio.to_thread(custom.delete_namespaced_custom_object, *PLACE, "r1")
    assert (patched["spec"]["cancel"], len(listed["items"])) == (True, 1)


async def test_refusals_carry_the_status_as_their_body(api, connection):
    with pytest.raises(ApiException, match=r"strategyruns\.kabanero\.io .* not found") as caught:
        await asyncio.to_thread(client.CustomObjectsApi(connection).get_namespaced_custom_object, *PLACE, "none")
    assert caught.value.status == 404


def runs_of(connection, cache_file):
    found = dynamic.DynamicClient(connection, cache_file=str(cache_file))
    return found.resources.get(api_version="kabanero.io/v1alpha1", kind="StrategyRun")


async def test_the_dynamic_client_finds_kinds_and_keeps_what_it_found(api, connection, tmp_path):
    for _ in range(2):
        resource = await asyncio.to_thread(runs_of, connection, tmp_path / "discovery.json")
    made = await asyncio.to_thread(resource.create, body=run(), namespace="default")
    content = "application/merge-patch+json"
    changed = await asyncio.to_thread(
        resource.patch, body={"spec": {"cancel": True}}, name="r1", namespace="default", content_type=content
    )
    assert (made.metadata.name, changed.spec.cancel) == ("r1", True)


async def test_a_watch_yields_events_and_goes_on_by_itself(api, connection):
    seen: list[tuple[str, str]] = []
    begun = threading.Event()
    custom = client.CustomObjectsApi(connection)

    def look() -> None:
        begun.set()
        for event in watch.Watch().stream(custom.list_namespaced_custom_object, *PLACE, timeout_seconds=20):
            seen.append((event["type"], event["object"]["metadata"]["name"]))
            if len(seen) == 3:
                return

    looking = asyncio.create_task(asyncio.to_thread(look))
    await asyncio.to_thread(begun.wait)
    for name in ("a", "b"):
        await api.call("POST", RUNS, run(name))
    await api.call("DELETE", f"{RUNS}/a")
    await asyncio.wait_for(looking, 20)
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
