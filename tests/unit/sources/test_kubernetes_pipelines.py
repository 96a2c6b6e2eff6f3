"""Which Pipelines a changed Pipeline or Task concerns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from kabanero.model.kubernetes_events import CREATE, DELETE, MODIFY
from kabanero.sources.kubernetes_changes import Changed
from kabanero.sources.kubernetes_objects import Seen
from kabanero.sources.kubernetes_pipelines import PipelineIndex, pipeline_event, references

from tests.unit.sources.kubernetes import PIPELINE, TASK, state, thing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ref(name: str, **more: Any) -> dict[str, Any]:
    return {"name": f"t-{name}", "taskRef": {"name": name, **more}}


def resolved(**params: str) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in params.items()]
    return {"name": "t", "taskRef": {"resolver": "cluster", "params": listed}}


def pipeline(name: str, *tasks: Any, version: int = 1, **more: Any) -> Seen:
    return state("Pipeline", name, version, spec={"tasks": list(tasks)}, **{"generation": version, **more})


def task(name: str, step: str = "one", version: int = 1, **more: Any) -> Seen:
    return state("Task", name, version, spec={"steps": [step]}, **{"generation": version, **more})


def index(*pipelines: Seen) -> PipelineIndex:
    found = PipelineIndex()
    found.begin(PIPELINE, "", pipelines)
    return found


def concerned(at: PipelineIndex, changed: Changed) -> list[str]:
    return [each.pipeline.name for each in at.take(changed)]


def modified(now: Seen, before: Seen | None) -> Changed:
    return Changed(MODIFY, TASK if now.uid.startswith("uid-t") else PIPELINE, now, before)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (ref("a"), {("Task", "app1", "a")}),
        (ref("a", kind="Task", apiVersion="tekton.dev/v1beta1"), {("Task", "app1", "a")}),
        (ref("a", kind="Custom", apiVersion="example.com/v1"), set()),
        (ref("a", resolver="git"), set()),
        (resolved(kind="task", name="a", namespace="lib"), {("Task", "lib", "a")}),
        (resolved(name="a", namespace="lib"), {("Task", "lib", "a")}),
        (resolved(kind="task", name="a"), set()),
        ({"name": "t", "pipelineRef": {"name": "p"}}, {("Pipeline", "app1", "p")}),
        ({"name": "t", "taskSpec": {"steps": []}}, set()),
        ("not a task", set()),
        ({"name": "t", "taskRef": {"resolver": "cluster", "params": ["odd"]}}, set()),
    ],
)
def test_what_a_pipeline_refers_to(entry: Any, expected: set[tuple[str, str, str]]) -> None:
    for place in ("tasks", "finally"):
        assert references(thing("Pipeline", spec={place: [entry]})) == expected


def test_a_task_concerns_every_pipeline_that_refers_to_it_and_no_other() -> None:
    at = index(pipeline("p1", ref("t1")), pipeline("p2", ref("t1"), ref("t2")), pipeline("p3", ref("t3")))
    assert concerned(at, modified(task("t1", "two", 2), task("t1"))) == ["p1", "p2"]
    assert concerned(at, modified(task("t9", "two", 2), task("t9"))) == []


def test_a_change_of_metadata_concerns_nobody() -> None:
    at = index(pipeline("p1", ref("t1")))
    assert concerned(at, modified(task("t1", version=2, generation=1, labels={"a": "b"}), task("t1"))) == []
    assert (
        concerned(at, modified(pipeline("p1", ref("t1"), version=2, labels={"a": "b"}), pipeline("p1", ref("t1"))))
        == []
    )


def test_a_pipeline_is_concerned_by_its_own_spec_and_its_new_references_count() -> None:
    at = index(pipeline("p1", ref("t1")))
    assert concerned(at, modified(pipeline("p1", ref("t2"), version=2), pipeline("p1", ref("t1")))) == ["p1"]
    assert concerned(at, modified(task("t1", "two", 2), task("t1"))) == []
    assert concerned(at, modified(task("t2", "two", 2), task("t2"))) == ["p1"]


def test_what_is_made_for_the_first_time_or_deleted_is_no_change() -> None:
    at = index(pipeline("p1", ref("t1")))
    assert concerned(at, Changed(CREATE, TASK, task("t1"))) == []
    assert concerned(at, Changed(CREATE, PIPELINE, pipeline("p2", ref("t1")))) == []
    assert concerned(at, Changed(DELETE, TASK, task("t1"), task("t1"))) == []
    assert concerned(at, modified(task("t1", "two", 2), task("t1"))) == ["p1", "p2"]


@pytest.mark.parametrize(("step", "expected"), [("one", []), ("two", ["p1"])])
def test_made_anew_with_another_spec_is_a_change(step: str, expected: list[str]) -> None:
    at = index(pipeline("p1", ref("t1")))
    at.take(Changed(DELETE, TASK, task("t1"), task("t1")))
    assert concerned(at, Changed(CREATE, TASK, task("t1", step, uid="uid-t1-again"))) == expected


def test_a_deleted_pipeline_is_concerned_by_nothing() -> None:
    at = index(pipeline("p1", ref("t1")))
    at.take(Changed(DELETE, PIPELINE, pipeline("p1"), pipeline("p1")))
    assert concerned(at, modified(task("t1", "two", 2), task("t1"))) == []


def test_the_event_tells_what_changed_and_has_no_kind() -> None:
    at = index(pipeline("p1", ref("t1")))
    (change,) = at.take(modified(task("t1", "two", 3), task("t1", generation=2)))
    found = pipeline_event(change, "kabanero", NOW)
    told = {"kind": "Task", "namespace": "app1", "name": "t1", "generation": 3, "oldGeneration": 2}
    assert found.data["changed"] == told and found.data["resource"]["kind"] == "Pipeline"
    assert {"eventName": "PipelineChanged", "namespace": "app1", "name": "p1"}.items() <= found.data.items()
    assert not {"kind", "eventType"} & set(found.data)


def test_one_change_has_one_identity_however_often_metadata_changes() -> None:
    at = index(pipeline("p1", ref("t1")))
    identities = [
        pipeline_event(each, "kabanero", NOW).identity
        for version in (2, 3)
        for each in at.take(modified(task("t1", "two", version, generation=2), Seen("uid-t1", "app1", "t1", "", 1)))
    ]
    assert len(identities) == 2 and len(set(identities)) == 1
