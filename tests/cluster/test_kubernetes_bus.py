"""What the bus on a real API server does beyond the contract: large events, crashes, outages, requests, clean-up."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from kabanero.buses.kubernetes import BusSettings, KubernetesBus
from kabanero.buses.kubernetes.objects import name_of, objects_of
from kabanero.buses.kubernetes.requests import TYPE, Objects
from kabanero.clock import SystemClock
from kabanero.kubernetes import Client, ClientSettings, Request
from kabanero.model.errors import BusUnavailableError, NotFoundError
from kabanero.model.events import Event
from kabanero.ports import Consumer, EventQuery, Fate

from tests.contract.events import event, reading
from tests.contract.kubernetes_bus import new_namespace
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
CLOCK = SystemClock()
PATIENCE = 30.0
TOPIC = "passing"
HOUR = timedelta(hours=1)


@dataclass
class Place:
    """A namespace on the API server, and buses on it."""

    client: Client
    settings: BusSettings

    def bus(self, **settings: Any) -> KubernetesBus:
        return KubernetesBus(self.client, CLOCK, replace(self.settings, **settings))

    async def names(self) -> list[str]:
        answer = await self.client.call(Request("list", TYPE, self.settings.namespace))
        return sorted(each["metadata"]["name"] for each in answer["items"])

    async def requests_of(self, work: Callable[[], Awaitable[object]]) -> Counter[tuple[str, str]]:
        before = self.client.requests.numbers.copy()
        await work()
        return self.client.requests.numbers - before


@pytest.fixture
async def place(apiserver: ApiServer) -> AsyncIterator[Place]:
    client = await Client.open(CLOCK, ClientSettings(kubeconfig=apiserver.kubeconfig, qps=0))
    namespace = await new_namespace(client)
    yield Place(client, BusSettings(namespace, frozenset({TOPIC}), flush_seconds=0.01))
    await client.close()


@pytest.fixture
async def bus(place: Place) -> AsyncIterator[KubernetesBus]:
    bus = place.bus()
    yield bus
    await bus.close()


def large(id: str, size: int = 2_000_000) -> Event:
    """An event whose payload does not get shorter by packing."""
    text = random.Random(id).randbytes(size).hex()
    return replace(event(id), payload=json.dumps({"name": text}).encode())


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_an_event_costs_two_writes(place: Place, bus: KubernetesBus) -> None:
    await bus.publish([event("warm")])
    async with reading(bus) as reader:
        await reader.ids(1)
        await bus.find(EventQuery())

        async def ten() -> None:
            await bus.publish([event() for _ in range(10)])
            await reader.ids(10)
            await bus.find(EventQuery(limit=0))

        asked = await place.requests_of(ten)
    assert asked["create", "queuedevents"] == 10
    assert asked["patch", "queuedevents/status"] == 10
    assert set(asked) - {("get", "configmaps"), ("list", "queuedevents")} == {
        ("create", "queuedevents"),
        ("patch", "queuedevents/status"),
    }


async def test_an_event_of_a_passing_topic_is_gone_when_it_is_handled(place: Place, bus: KubernetesBus) -> None:
    async with reading(bus) as reader:
        await bus.publish([event("control", topic=TOPIC), event("kept")])
        await reader.ids(2)
        await bus.find(EventQuery())
    assert await place.names() == [name_of(event("kept"))]


async def test_a_dead_letter_of_a_passing_topic_stays(place: Place, bus: KubernetesBus) -> None:
    async with reading(bus) as reader:
        await bus.publish([event("control", topic=TOPIC)])
        await (await reader.next()).dead("no such run")
        assert [each.event.id for each in await bus.find(EventQuery(fate=Fate.DEAD))] == ["control"]


async def test_a_body_as_large_as_github_sends_them_comes_out_as_it_went_in(bus: KubernetesBus) -> None:
    given = large("big", 12_000_000)
    assert len(given.payload) > 24_000_000
    await bus.publish([given])
    async with reading(bus) as reader:
        assert (await reader.next()).event == given
    assert [each.event for each in await bus.find(EventQuery())] == [given]


async def test_a_large_event_that_is_handled_and_old_leaves_nothing(place: Place, bus: KubernetesBus) -> None:
    await bus.publish([large("big")])
    async with reading(bus) as reader:
        assert len(await place.names()) > 2
        await reader.ids(1)
    assert await bus.prune(CLOCK.now() + HOUR) == 1
    assert await place.names() == []


async def test_a_duplicate_of_a_large_event_leaves_no_parts(place: Place, bus: KubernetesBus) -> None:
    await bus.publish([large("big")])
    there = await place.names()
    (again,) = await bus.publish([large("big")])
    assert again.duplicate
    assert await place.names() == there


@pytest.mark.parametrize("written", range(4))
async def test_killed_between_the_parts_of_an_event_nothing_of_it_is_delivered(place: Place, written: int) -> None:
    bus, objects = place.bus(), Objects(place.client, place.settings.namespace, 500)
    given = large("big")
    made = objects_of(given, None, place.settings)
    assert len(made) == 5
    for part in made[:written]:
        await objects.create(part)
    async with reading(bus) as reader:
        assert await reader.has_nothing()
        assert await bus.find(EventQuery()) == []
        (published,) = await bus.publish([given])
        assert not published.duplicate
        assert (await reader.next()).event == given
    await bus.close()


async def test_parts_of_an_event_that_never_came_are_cleared_away_when_they_are_old(place: Place) -> None:
    objects = Objects(place.client, place.settings.namespace, 500)
    for part in objects_of(large("big"), None, place.settings)[:2]:
        await objects.create(part)
    await place.bus().prune(CLOCK.now() - HOUR)
    assert len(await place.names()) == 2
    late = KubernetesBus(place.client, _Later(), place.settings)
    await late.prune(CLOCK.now() - HOUR)
    assert await place.names() == []


class _Later(SystemClock):
    """Two hours from now."""

    def now(self) -> Any:
        return super().now() + 2 * HOUR


async def test_pruning_keeps_what_waits_and_what_is_dead(place: Place, bus: KubernetesBus) -> None:
    await bus.publish([event("done", key="/1"), event("dead", key="/2"), event("waits", key="/3")])
    async with reading(bus) as reader:
        done, dead, _ = await reader.take(3)
        await done.ack()
        await dead.dead("no such thing")
        await bus.find(EventQuery())
        assert await bus.prune(CLOCK.now() + HOUR) == 1
        assert {each.event.id for each in await bus.find(EventQuery())} == {"dead", "waits"}
        assert await bus.prune(CLOCK.now() + HOUR, dead_too=True) == 1


async def test_pruning_takes_what_nobody_wants(place: Place, bus: KubernetesBus) -> None:
    async with reading(bus, Consumer("reader", topics=frozenset({"Timer"}))) as reader:
        await bus.publish([event("unwanted"), event("wanted", topic="Timer")])
        await reader.next()
        assert await bus.prune(CLOCK.now() + HOUR) == 1
        assert [each.event.id for each in await bus.find(EventQuery())] == ["wanted"]


async def test_a_consumer_that_is_new_gets_what_others_have_handled_long_ago(place: Place, bus: KubernetesBus) -> None:
    await bus.publish([event("a"), event("b")])
    async with reading(bus, "one") as one:
        await one.ids(2)
    async with reading(bus, "two") as two:
        assert await two.ids(2) == ["a", "b"]
    async with reading(bus, "one") as one:
        assert await one.has_nothing()


async def test_a_place_in_the_bus_stays_when_the_object_changes(place: Place, bus: KubernetesBus) -> None:
    (published,) = await bus.publish([event("a")])
    async with reading(bus) as reader:
        delivery = await reader.next()
        assert delivery.sequence == published.sequence
        await delivery.ack("started run-1")
        assert [each.sequence for each in await bus.find(EventQuery())] == [published.sequence]


async def test_what_one_runner_publishes_another_delivers(place: Place, bus: KubernetesBus) -> None:
    other = place.bus()
    async with reading(bus) as reader:
        await other.publish([event("a")])
        assert await reader.ids(1) == ["a"]
    await other.close()


async def test_a_replay_that_another_runner_was_asked_for_is_delivered(place: Place, bus: KubernetesBus) -> None:
    other = place.bus()
    async with reading(bus) as reader:
        await bus.publish([event("a")])
        await (await reader.next()).dead("not yet")
        await bus.find(EventQuery())
        assert await other.replay(EventQuery(fate=Fate.DEAD)) == 1
        assert await reader.ids(1) == ["a"]
    await other.close()


async def test_payloads_that_wait_take_no_more_memory_than_they_may(place: Place) -> None:
    bus = place.bus(remembered=20_000, delivered=1)
    given = [replace(large(f"e{number}", 5000), path=f"/{number}") for number in range(30)]
    await bus.publish(given)
    async with reading(bus) as reader:
        await reader.next()
        assert bus._backlog._held <= 20_000
        assert await reader.has_nothing()
    async with reading(bus) as reader:
        assert sorted(await reader.ids(30)) == sorted(each.id for each in given)
    await bus.close()


async def test_an_object_that_is_no_event_becomes_a_dead_letter_and_holds_up_nothing(
    place: Place, bus: KubernetesBus
) -> None:
    body = {
        "apiVersion": TYPE.api_version,
        "kind": TYPE.kind,
        "metadata": {"name": "garbage"},
        "spec": {"payload": "no base64", "time": "yesterday"},
    }
    await place.client.call(Request("create", TYPE, place.settings.namespace), body)
    async with reading(bus) as reader:
        await bus.publish([event("a")])
        assert await reader.ids(1) == ["a"]
        await bus.find(EventQuery())
    found = await place.client.call(Request("get", TYPE, place.settings.namespace, "garbage"))
    assert found["status"]["fate"] == "Dead"
    assert "can't be read" in found["status"]["handlings"]["reader"]["note"]


async def test_a_namespace_that_is_missing_is_named_with_the_fix(place: Place) -> None:
    bus = place.bus(namespace="nowhere")
    with pytest.raises(BusUnavailableError, match="kubectl create namespace nowhere"):
        await bus.publish([event("a")])


async def test_an_outage_with_a_gap_in_history_loses_nothing(place: Place, apiserver: ApiServer) -> None:
    bus = place.bus()
    before, later = [event(key=f"/{n}") for n in range(20)], [event(key=f"/{n}") for n in range(20)]
    await bus.publish(before)
    async with reading(bus) as reader:
        taken = await reader.take(10)
        apiserver.kill_apiserver()
        with pytest.raises(BusUnavailableError):
            await bus.publish([event("away")])
        for delivery in taken:
            await delivery.ack()
        apiserver.compact_etcd()
        await asyncio.to_thread(apiserver.start_apiserver)
        await eventually(lambda: _published(bus, later))
        assert sorted(await reader.ids(30)) == sorted(each.id for each in (*before[10:], *later))
        await eventually(lambda: _all_handled(bus))
        assert await reader.has_nothing()
    await bus.close()


async def _published(bus: KubernetesBus, events: list[Event]) -> bool:
    try:
        await bus.publish(events)
    except (BusUnavailableError, NotFoundError):
        return False
    return True


async def _all_handled(bus: KubernetesBus) -> bool:
    try:
        return not await bus.find(EventQuery(fate=Fate.PENDING))
    except BusUnavailableError:
        return False
