"""Which Pipelines a change of a Tekton Pipeline or Task concerns, and the event that says so. Pure.

A change counts when it is one of the spec. A Task concerns the Pipelines that refer to it by name in their namespace,
in `tasks` or `finally`, or anywhere through the cluster resolver. Deleted and made anew with another spec is a change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kabanero.model.events import Event
from kabanero.model.kubernetes_events import CREATE, DELETE, PIPELINE_CHANGED, SOURCE, TEKTON
from kabanero.model.resource import Resource, ResourceType
from kabanero.model.topics import Topic
from kabanero.sources.kubernetes_changes import Changed, cut, path_of, payload
from kabanero.sources.kubernetes_objects import Seen

PIPELINE, TASK = "Pipeline", "Task"
KINDS = (PIPELINE, TASK)
DELETED_LIMIT = 1000
"""Deleted objects whose last state is remembered, for when they are made anew."""

Place = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(frozen=True, slots=True)
class PipelineChange:
    """A Pipeline, and the object whose new spec concerns it."""

    pipeline: Seen
    type: ResourceType
    cause: Changed
    old_generation: int

    def head(self) -> dict[str, str]:
        """The attributes that tell whether anybody could want the event."""
        return {
            "eventName": PIPELINE_CHANGED,
            "namespace": self.pipeline.namespace,
            "name": self.pipeline.name,
        }


def is_tekton(type: ResourceType) -> bool:
    """Whether changes of this kind may concern a Pipeline."""
    return type.group == TEKTON and type.kind in KINDS


def references(pipeline: Resource) -> frozenset[Place]:
    """The Tasks, and Pipelines, that a Pipeline refers to by name."""
    spec, namespace = pipeline.get("spec") or {}, pipeline["metadata"].get("namespace", "")
    tasks = [*(spec.get("tasks") or ()), *(spec.get("finally") or ())]
    found = (_reference(task, namespace) for task in tasks if isinstance(task, dict))
    return frozenset(place for place in found if place)


def _reference(task: Mapping[str, Any], namespace: str) -> Place | None:
    for field, kind in (("taskRef", TASK), ("pipelineRef", PIPELINE)):
        ref = task.get(field)
        if isinstance(ref, dict) and ref.get("resolver") == "cluster":
            return _resolved(ref, kind)
        if isinstance(ref, dict) and not ref.get("resolver") and ref.get("name"):
            own = str(ref.get("apiVersion") or TEKTON).startswith(TEKTON) and ref.get("kind") in (None, "", kind)
            return (kind, namespace, str(ref["name"])) if own else None
    return None


def _resolved(ref: Mapping[str, Any], kind: str) -> Place | None:
    params = {each.get("name"): each.get("value") for each in ref.get("params") or () if isinstance(each, dict)}
    kind = {"task": TASK, "pipeline": PIPELINE}.get(str(params.get("kind") or kind).lower(), "")
    if not (kind and params.get("name") and params.get("namespace")):
        return None
    return kind, str(params["namespace"]), str(params["name"])


class PipelineIndex:
    """All Pipelines that are watched, by what they refer to."""

    def __init__(self) -> None:
        self._pipelines: dict[Place, tuple[ResourceType, Seen]] = {}
        self._references: dict[Place, frozenset[Place]] = {}
        self._referring: dict[Place, dict[Place, None]] = {}
        self._deleted: OrderedDict[Place, Seen] = OrderedDict()

    def begin(self, type: ResourceType, namespace: str, states: Iterable[Seen]) -> None:
        """Takes in what is there of a kind, in one namespace or in all (empty), instead of what was known."""
        kinds = [place for place in self._pipelines if place[0] == type.kind and namespace in ("", place[1])]
        for place in kinds:
            self._forget(place)
        for state in states:
            self.put(type, state)

    def put(self, type: ResourceType, state: Seen) -> None:
        """Takes the state of an object in, without asking what changed."""
        if type.kind != PIPELINE:
            return
        place = _place(type, state)
        self._forget(place)
        self._pipelines[place] = type, state
        resource = state.resource
        self._references[place] = references(resource) if resource else frozenset()
        for each in self._references[place]:
            self._referring.setdefault(each, {})[place] = None

    def take(self, changed: Changed) -> list[PipelineChange]:
        """Takes a change in; returns the Pipelines whose definition it changed."""
        place = _place(changed.type, changed.now)
        if changed.event_type == DELETE:
            self._forget(place)
            self._deleted[place] = changed.now
            while len(self._deleted) > DELETED_LIMIT:
                self._deleted.popitem(last=False)
            return []
        before = self._deleted.pop(place, None) if changed.event_type == CREATE else changed.before
        self.put(changed.type, changed.now)
        if not (_made_otherwise(before, changed.now) if changed.event_type == CREATE else changed.spec_changed):
            return []
        return list(self._concerned(place, changed, before.generation if before else 0))

    def namespaces(self) -> set[str]:
        """Where the Tasks are that Pipelines refer to."""
        return {namespace for kind, namespace, _ in self._referring if kind == TASK}

    def _concerned(self, place: Place, changed: Changed, old: int) -> Iterator[PipelineChange]:
        for each in dict.fromkeys([place, *self._referring.get(place, ())]):
            if each in self._pipelines:
                type, state = self._pipelines[each]
                yield PipelineChange(state, type, changed, old)

    def _forget(self, place: Place) -> None:
        self._pipelines.pop(place, None)
        for each in self._references.pop(place, ()):
            self._referring[each].pop(place, None)
            if not self._referring[each]:
                del self._referring[each]


def _made_otherwise(deleted: Seen | None, now: Seen) -> bool:
    """Whether what is made under the name of something deleted has another spec; where nobody knows, it has."""
    return deleted is not None and (not deleted.digest or deleted.digest != now.digest)


def _place(type: ResourceType, state: Seen) -> Place:
    return type.kind, state.namespace, state.name


def pipeline_event(change: PipelineChange, instance: str, now: datetime) -> Event:
    """The event that a Pipeline's definition has changed.

    Its identity names both objects and the generation of the changed one, so a change of metadata in between, or a
    restart, makes no second event.
    """
    state, cause = change.pipeline, change.cause.now
    attributes = {
        **change.head(),
        "uid": state.uid,
        "generation": state.generation,
        "changed": {
            "kind": change.cause.type.kind,
            "namespace": cause.namespace,
            "name": cause.name,
            "generation": cause.generation,
            "oldGeneration": change.old_generation,
        },
    }
    resource = state.resource or cut(change.type, state)
    more = {} if state.body else {"leftOut": "resource"}
    return Event(
        id=f"{state.uid}/{cause.uid}/{cause.generation}/{PIPELINE_CHANGED}",
        source=f"{SOURCE}{PIPELINE}.{TEKTON}",
        type="io.kabanero.kubernetes.pipelinechanged",
        topic=Topic.KUBERNETES_API,
        path=path_of(instance, change.type, state),
        time=now,
        payload=payload({**attributes, **more}, {"resource": resource}, cut(change.type, state)),
    )
