"""Topic KubernetesAPI on the embedded store: what is kept there is told of, and triggers start runs by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kabanero.buses.sqlite import SqliteBus
from kabanero.model.errors import BusUnavailableError, InvalidError
from kabanero.model.kinds.core import CONFIG_MAP, EVENT, SECRET
from kabanero.model.kinds.registry import STRATEGY_TRIGGER
from kabanero.model.resource import Key, Resource
from kabanero.ports import EventQuery
from kabanero.sources.kubernetes_filter import FILTER_NAME
from kabanero.sources.kubernetes_marks import LABEL
from kabanero.stores.sqlite import SqliteStore

from tests.support.clock import FakeClock
from tests.support.kubernetes_events import (
    TOPIC,
    config_map,
    listening,
    ready,
    runs,
    strategy,
    told,
    trigger,
    until,
)

CHANGES = {"match": {"kind": "ConfigMap"}}


@dataclass
class World:
    store: SqliteStore
    bus: SqliteBus
    clock: FakeClock

    async def create(self, *resources: Resource) -> None:
        for each in resources:
            await self.store.create(each)

    async def change(self, name: str, namespace: str = "app1", **data: str) -> None:
        await self.store.update(config_map(name, namespace, **data))

    async def delete(self, name: str, namespace: str = "app1") -> None:
        await self.store.delete(Key(CONFIG_MAP, namespace, name))

    async def told(self, count: int) -> list[str]:
        """What happened to which object, once so many events are there, and a moment later still."""

        async def enough() -> bool:
            return len(await told(self.bus)) >= count

        await until(enough)
        await asyncio.sleep(0.1)
        return [f"{each['eventType']} {each['name']}" for each in await told(self.bus)]

    async def saved(self) -> None:
        """Lets the marks be written."""
        await asyncio.sleep(0.05)
        self.clock.advance(11)
        await asyncio.sleep(0.2)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    store, bus = await SqliteStore.open(tmp_path / "store.db", clock), await SqliteBus.open(tmp_path / "bus.db", clock)
    found = World(store, bus, clock)
    await found.create(*strategy())
    yield found
    await bus.close()
    await store.close()


async def test_a_changed_config_map_starts_a_run_that_knows_what_changed(world: World) -> None:
    what = "${event.name}: ${event.oldResource.data.colour} -> ${event.resource.data.colour} (${event.changedFields})"
    rule = {
        "match": {"eventType": "modify", "kind": "ConfigMap"},
        "filter": [{"attribute": "namespace", "allowed": ["app1*"]}],
        "variableBindings": [{"name": "what", "value": what}],
    }
    await world.create(config_map("paint", colour="red"), trigger("watch", rule))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.change("paint", colour="blue")
        (run,) = await until(lambda: runs(world.store))
    assert run["spec"]["variables"] == [{"name": "what", "value": "paint: red -> blue (data.colour)"}]
    assert run["spec"]["cause"]["trigger"] == "watch"


async def test_what_was_there_before_is_no_news_and_each_change_is_told_once(world: World) -> None:
    await world.create(config_map("old"), trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.create(config_map("new"))
        await world.change("new", a="1")
        await world.delete("new")
        assert await world.told(3) == ["create new", "modify new", "delete new"]


async def test_kinds_for_which_no_trigger_asks_are_not_told_of(world: World) -> None:
    await world.create(trigger("watch", {"match": {"kind": "ConfigMap", "namespace": "app1"}}))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.create(config_map("elsewhere", "app2"), config_map("here"))
        await world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "app9"}})
        assert await world.told(1) == ["create here"]


async def test_a_trigger_that_comes_later_is_heard_and_one_that_goes_is_not(world: World) -> None:
    async with listening(world.store, world.bus, world.clock):
        await world.create(config_map("before"), trigger("watch", CHANGES))
        await ready(world.store)
        await world.create(config_map("during"))
        assert await world.told(1) == ["create during"]
        await world.store.delete(Key(STRATEGY_TRIGGER.type, "kabanero", "watch"))
        await asyncio.sleep(0.2)
        await world.create(config_map("after"))
        assert await world.told(1) == ["create during"]


# --- restarts ---


async def test_a_restart_tells_what_happened_meanwhile_and_nothing_twice(world: World) -> None:
    await world.create(config_map("kept", a="1"), config_map("gone"), trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.create(config_map("seen"))
        await world.told(1)
    await world.change("kept", a="2")
    await world.delete("gone")
    await world.create(config_map("short"))
    await world.delete("short")
    async with listening(world.store, world.bus, world.clock):
        expected = ["create seen", "modify kept", "delete gone", "create short", "delete short"]
        assert await world.told(5) == expected
        (modified,) = await told(world.bus, eventType="modify")
    assert modified["oldResource"]["data"] == {"a": "1"} and modified["changedFields"] == "data.a"


async def test_without_memory_a_modification_is_told_without_what_was_before(world: World) -> None:
    await world.create(config_map("kept", a="1"), trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock, memory=0):
        await ready(world.store)
        await world.change("kept", a="2")
        assert await world.told(1) == ["modify kept"]
        (modified,) = await told(world.bus, eventType="modify")
    assert "oldResource" not in modified
    told_still = {"changedFields": "", "specChanged": "true"}
    assert told_still.items() <= modified.items() and modified["resource"]["data"] == {"a": "2"}


async def test_when_history_is_forgotten_the_sum_of_what_happened_is_told(world: World) -> None:
    await world.create(config_map("kept", a="1"), config_map("gone"), config_map("same"), trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
    await world.change("kept", a="2")
    await world.delete("gone")
    await world.create(config_map("new"))
    await forget(world)
    async with listening(world.store, world.bus, world.clock):
        assert sorted(await world.told(3)) == ["create new", "delete gone", "modify kept"]
        (modified,) = await told(world.bus, eventType="modify")
    assert "oldResource" not in modified and modified["specChanged"] == "true"


async def forget(world: World) -> None:
    await world.store.compact()
    world.clock.advance(3601)
    await world.store.compact()
    world.clock.advance(3601)
    await world.store.compact()


async def test_marks_move_on_and_are_not_told_of_and_go_with_their_watch(world: World) -> None:
    await world.create(trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        before = await marks(world)
        await world.create(config_map("new"))
        await world.told(1)
        await world.saved()
        assert (await marks(world))[0]["data"]["resourceVersion"] != before[0]["data"]["resourceVersion"]
        assert await world.told(1) == ["create new"]
        await world.store.delete(Key(STRATEGY_TRIGGER.type, "kabanero", "watch"))
        await until(lambda: none(world))


async def marks(world: World) -> list[Resource]:
    there = (await world.store.list(CONFIG_MAP)).items
    return [each for each in there if (each["metadata"].get("labels") or {}).get(LABEL, "").endswith("-mark")]


async def none(world: World) -> bool:
    return not await marks(world)


async def test_two_replicas_add_nothing_to_each_other(world: World) -> None:
    await world.create(config_map("paint", a="1"), trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock), listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await asyncio.sleep(0.2)
        await world.change("paint", a="2")
        assert await world.told(1) == ["modify paint"]
        assert len(await runs(world.store)) == 1


# --- secrets ---


async def test_secrets_are_told_of_without_what_is_in_them(world: World) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "password", "namespace": "app1", "annotations": {"note": "hush-annotation"}},
        "data": {"password": "aHVzaC1kYXRh"},
    }
    await world.create(trigger("watch", {"match": {"kind": "Secret"}}, CHANGES))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.create(secret)
        await world.store.update({**secret, "data": {"password": "aHVzaC1uZXc="}})
        inside = 'apiVersion: v1\nkind: Secret\ndata:\n  password: "aHVzaC1kYXRh"\n'
        await world.create(config_map("manifest", manifest=inside))
        await world.store.delete(Key(SECRET, "app1", "password"))
        await world.told(4)
        stored = await world.bus.find(EventQuery(topic=TOPIC))
    assert not any(b"aHVzaC" in each.event.payload or b"hush" in each.event.payload for each in stored)
    of_secrets = [each.event.data for each in reversed(stored) if each.event.data["kind"] == "Secret"]
    assert [each["eventType"] for each in of_secrets] == ["create", "modify", "delete"]
    assert not any({"resource", "oldResource"} & set(each) for each in of_secrets)
    assert [each["specChanged"] for each in of_secrets if each["eventType"] == "modify"] == ["true"]


# --- the filter ---


def event_filter(**data: str) -> Resource:
    return config_map(FILTER_NAME, "kabanero", **data)


async def test_the_filter_holds_at_once_and_without_it_the_default_does(world: World) -> None:
    rule = {**CHANGES, "filter": [{"attribute": "name", "allowed": ["?"]}]}
    await world.create(trigger("watch", rule), trigger("wide", {"match": {"kind": "Namespace"}}))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        assert "lets no event about namespaces" in (await ready(world.store, "NotPermitted", "wide"))["message"]
        await world.create(config_map("a"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "no1"}})
        assert await world.told(1) == ["create a"]
        lists = {"allowedNamespaces": "- app*\n", "disallowedNamespaces": "*temp", "allowedNoNamespacedKinds": '["N*"]'}
        await world.create(event_filter(**lists))
        await ready(world.store, "Listening", "wide")
        await world.create(config_map("b", "app-temp"), config_map("c", "other"), config_map("d", "app2"))
        await world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "yes"}})
        assert sorted(await world.told(3)) == ["create a", "create d", "create yes"]


async def test_an_unreadable_filter_is_reported_and_the_last_good_one_stays_over_a_restart(world: World) -> None:
    await world.create(trigger("watch", CHANGES), event_filter(allowedNamespaces="app1"))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.store.update(event_filter(allowedNamespace="*", disallowed="x"))
        (said,) = await until(lambda: warnings(world))
        assert said["involvedObject"]["name"] == FILTER_NAME and said["reason"] == "FilterUnreadable"
        assert "data.disallowed" in said["message"]
        await world.create(config_map("no1", "app2"), config_map("a"))
        assert await world.told(1) == ["create a"]
    async with listening(world.store, world.bus, world.clock):
        await asyncio.sleep(0.2)
        await world.create(config_map("no2", "app2"), config_map("b"))
        assert await world.told(2) == ["create a", "create b"]


async def warnings(world: World) -> list[Resource]:
    return (await world.store.list(EVENT)).items


async def test_the_spelling_of_the_document_counts_too(world: World) -> None:
    spelt = config_map("kaganero.kubernetes.api.event.filter", "kabanero", disallowedNamespaces="app2")
    await world.create(trigger("watch", CHANGES), spelt)
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.create(config_map("no", "app2"), config_map("a"))
        assert await world.told(1) == ["create a"]


# --- what is in the way ---


async def test_a_kind_that_is_not_there_is_said_with_the_one_that_was_meant(world: World) -> None:
    await world.create(trigger("watch", {"match": {"kind": "ConfgMap"}}))
    async with listening(world.store, world.bus, world.clock):
        said = await ready(world.store, "KindUnknown")
    assert said["status"] == "False"
    assert said["message"] == "spec.events[0]: no kind ConfgMap is served here; did you mean ConfigMap?"


async def test_a_pipeline_can_not_be_waited_for_where_there_is_no_tekton(world: World) -> None:
    await world.create(trigger("watch", {"match": {"eventName": "PipelineChanged", "name": "build"}}))
    async with listening(world.store, world.bus, world.clock):
        assert "no kind Pipeline of tekton.dev" in (await ready(world.store, "KindUnknown"))["message"]


async def test_mistakes_and_missing_strategies_and_suspension_stand_in_the_status(world: World) -> None:
    wrong = trigger("wrong", {"match": {"kind": "ConfigMap", "eventType": "updated"}})
    lost = trigger("lost", CHANGES, strategy="reakt")
    await world.create(wrong, lost, trigger("watch", CHANGES, suspended=True))
    async with listening(world.store, world.bus, world.clock):
        assert "did you mean modify?" in (await ready(world.store, "Invalid", "wrong"))["message"]
        assert "did you mean react?" in (await ready(world.store, "StrategyMissing", "lost"))["message"]
        await ready(world.store, "Suspended")
        await world.create(*[each for each in strategy("reakt") if each["kind"] == "StrategyDefinition"])
        await ready(world.store, "Listening", "lost")


async def test_what_can_not_be_stored_does_not_hold_up_the_rest_and_an_outage_holds_up_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, troubles = world.bus.publish, {"away"}

    async def troubled(events: Any, **options: Any) -> Any:
        if any("poison" in each.path for each in events):
            raise InvalidError("event", [])
        if troubles:
            raise BusUnavailableError("the disk is full")
        return await publish(events, **options)

    monkeypatch.setattr(world.bus, "publish", troubled)
    await world.create(trigger("watch", CHANGES))
    async with listening(world.store, world.bus, world.clock):
        await ready(world.store)
        await world.create(config_map("poison"), config_map("a"), config_map("b"))
        await asyncio.sleep(0.2)
        assert await told(world.bus) == []
        troubles.clear()
        world.clock.advance(2)
        assert await world.told(2) == ["create a", "create b"]
