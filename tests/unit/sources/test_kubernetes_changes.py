"""From states of objects to the events that tell what changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from kabanero.model.kubernetes_events import CREATE, DELETE, MODIFY
from kabanero.sources.kubernetes_changes import PAYLOAD_LIMIT, Changed, Known, differences, event_of
from kabanero.sources.kubernetes_objects import MAX_FIELDS, Budget, Remembered, Seen, changed_fields, spec_changed

from tests.unit.sources.kubernetes import DEPLOYMENT, NODE, TYPES, state

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD = state("Deployment", spec={"replicas": 1, "containers": [{"image": "shop:1"}]}, generation=1)
NEW = state("Deployment", version=2, spec={"replicas": 1, "containers": [{"image": "shop:2"}]}, generation=2)
LABELLED = state("Deployment", version=3, spec=NEW.resource["spec"], labels={"a": "b"}, generation=2)  # type: ignore[index]


def data(event_type: str, now: Seen, before: Seen | None = None, kind: str = "Deployment") -> dict[str, Any]:
    return event_of(Changed(event_type, TYPES[kind], now, before), "kabanero", NOW).data


# --- events ---


def test_a_modification_has_all_attributes_of_the_document_and_what_changed() -> None:
    found = data(MODIFY, NEW, OLD)
    assert found == {
        "eventType": "modify",
        "eventName": "modify",
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "app1",
        "name": "shop",
        "specChanged": "true",
        "uid": "uid-shop",
        "generation": 2,
        "changedFields": "spec.containers[0].image",
        "resource": NEW.resource,
        "oldResource": OLD.resource,
    }


def test_only_a_modification_has_an_old_resource() -> None:
    assert not {"oldResource", "specChanged", "changedFields"} & set(data(CREATE, NEW))
    assert "oldResource" not in data(DELETE, NEW, OLD) and data(DELETE, NEW, OLD)["resource"] == NEW.resource


def test_what_has_no_namespace_names_none() -> None:
    found = event_of(Changed(CREATE, NODE, state("Node")), "kabanero", NOW)
    assert "namespace" not in found.data and found.path == "/kabanero/kubernetes/-/Node/shop"


def test_a_secret_has_neither_resource_nor_old_resource() -> None:
    found = data(MODIFY, state("Secret", version=2, data={"a": "b"}), state("Secret", data={"a": "a"}), "Secret")
    assert not {"resource", "oldResource", "leftOut"} & set(found)
    assert (found["specChanged"], found["changedFields"]) == ("true", "")


def test_the_same_change_has_the_same_identity_whoever_sees_it_and_another_has_another() -> None:
    def identity(event_type: str, now: Seen, before: Seen | None = None) -> str:
        return event_of(Changed(event_type, DEPLOYMENT, now, before), "kabanero", NOW).identity

    assert identity(MODIFY, NEW, OLD) == identity(MODIFY, NEW)
    assert identity(CREATE, OLD) == identity(CREATE, NEW), "an object is created once, whatever version is seen first"
    others = [identity(MODIFY, NEW), identity(MODIFY, LABELLED), identity(CREATE, OLD), identity(DELETE, NEW)]
    assert len(set(others)) == 4


# --- size ---


def big(version: int, size: int) -> Seen:
    return state("ConfigMap", version=version, data={"text": "x" * size})


def test_of_two_big_states_the_old_one_is_left_out() -> None:
    found = data(MODIFY, big(2, PAYLOAD_LIMIT - 1000), big(1, PAYLOAD_LIMIT - 1000), "ConfigMap")
    assert found["leftOut"] == "oldResource" and len(found["resource"]["data"]["text"]) == PAYLOAD_LIMIT - 1000


def test_of_a_huge_object_only_its_name_is_told() -> None:
    event = event_of(Changed(CREATE, TYPES["ConfigMap"], big(1, 2 * PAYLOAD_LIMIT)), "kabanero", NOW)
    assert event.data["leftOut"] == "resource" and set(event.data["resource"]) == {"apiVersion", "kind", "metadata"}
    assert len(event.payload) < 2000


def test_changed_fields_are_bounded() -> None:
    many = {f"k{number}": "a" for number in range(5000)}
    found = changed_fields(state("ConfigMap", data=many), state("ConfigMap", data=dict.fromkeys(many, "b")))
    assert len(found.split()) == MAX_FIELDS


def test_bodies_are_remembered_while_there_is_room_and_forgotten_ones_make_room() -> None:
    remembered = Remembered(Budget(len(OLD.body or b"") + 20))
    other = state("Deployment", "other", spec={"replicas": 1, "containers": [{"image": "shop:1"}]})
    remembered.put(OLD)
    remembered.put(other)
    assert remembered.objects["uid-other"].body is None and remembered.objects["uid-other"].digest == other.digest
    remembered.drop("uid-shop")
    remembered.put(other)
    assert remembered.objects["uid-other"].body == other.body


# --- what changed ---


def test_metadata_and_status_are_no_change_of_the_spec() -> None:
    with_status = state("Deployment", version=4, spec=NEW.resource["spec"], status={"ready": 1})  # type: ignore[index]
    assert not spec_changed(NEW, LABELLED) and not spec_changed(NEW, with_status) and spec_changed(OLD, NEW)


def test_fields_that_come_and_go_are_named() -> None:
    before = state("ConfigMap", data={"a": "1", "gone": "x"}, labels={"l": "1"})
    now = state("ConfigMap", version=2, data={"a": "1", "come": "y"}, labels={"l": "2"}, generation=7)
    assert changed_fields(before, now) == "metadata.labels.l data.gone data.come"


@pytest.mark.parametrize(("generation", "now", "expected"), [(1, 1, False), (1, 2, True), (0, 1, False), (0, 2, True)])
def test_without_the_old_object_its_generation_tells(generation: int, now: int, expected: bool) -> None:
    known = Seen("uid-shop", "app1", "shop", "", generation)
    assert spec_changed(known, state("Deployment", version=9, generation=now)) is expected


# --- comparing ---


def compared(known: Known, *items: Seen, created: str = "2026-01-02") -> list[str]:
    found = differences(DEPLOYMENT, known, [(each, created) for each in items])
    return [f"{each.event_type} {each.now.name}" for each in found]


def named(*names: str, version: int = 1) -> list[Seen]:
    return [state("Deployment", name, version) for name in names]


def test_what_came_went_and_changed_is_found_by_comparing() -> None:
    known = {each.uid: each for each in named("same", "gone", "changed")}
    there = [*named("changed", version=9), *named("new", version=5), *named("same")]
    assert compared(Known(known), *there) == ["delete gone", "create new", "modify changed"]


def test_what_is_known_by_name_alone_changed_when_it_is_newer_than_the_mark() -> None:
    known = {f"uid-{name}": Seen(f"uid-{name}", "app1", name, "", 1) for name in ("same", "changed")}
    there = [*named("same", version=10), *named("changed", version=11)]
    assert compared(Known(known, 10, "2026-01-01"), *there) == ["modify changed"]


def test_where_not_all_is_known_age_tells_what_is_new_and_nothing_is_said_to_be_gone() -> None:
    known = Known({}, 10, "2026-01-01", complete=False)
    assert compared(known, *named("new", version=11)) == ["create new"]
    assert compared(known, *named("old", version=11), created="2025-12-31") == ["modify old"]
    assert compared(known, *named("old", version=9), created="2025-12-31") == []
