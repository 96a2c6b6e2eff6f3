"""What the reference of events says of topic KubernetesAPI. Called by `events_reference`.

Its attributes have meanings of their own, so they stand here, as do the samples from which the tables are made.
"""

from __future__ import annotations

from datetime import datetime

from kabanero.model.events import Event
from kabanero.model.kubernetes_events import MODIFY
from kabanero.model.resource import ResourceType
from kabanero.sources.kubernetes_changes import Changed, event_of
from kabanero.sources.kubernetes_objects import seen
from kabanero.sources.kubernetes_pipelines import PipelineChange, pipeline_event

_KIND = ResourceType("GROUP", "VERSION", "KIND", "", "")
_PIPELINE = ResourceType("tekton.dev", "v1", "Pipeline", "pipelines", "pipeline")

MEANINGS = {
    "eventType": "`create`, `modify` or `delete`",
    "eventName": "the same",
    "apiVersion": "group and version of the kind, such as `apps/v1`",
    "kind": "kind of the object; a rule has to say it, by `match` or by a filter with `allowed`",
    "namespace": "its namespace; absent for a kind without namespaces",
    "name": "its name",
    "uid": "its UID",
    "generation": "its generation, where the kind has one",
    "specChanged": "of `modify`: whether anything but metadata and status changed (`true` or `false`)",
    "changedFields": "of `modify`: paths of the fields that changed, at most 100, separated by blanks: "
    "`spec.replicas spec.template.spec.containers[0].image`; empty where the old object isn't known",
    "resource": "the object, of `delete` as it was last, without managedFields and last-applied; absent for a Secret",
    "oldResource": "of `modify`: the object before; absent for a Secret, and where it isn't known",
    "leftOut": "present where `resource` or `oldResource` is too big or too deep: names of what was left out",
}
OF_PIPELINES = {
    "eventName": "`PipelineChanged`",
    "namespace": "namespace of the Pipeline",
    "name": "its name",
    "changed": "what has a new spec: `changed.kind` (`Pipeline` or `Task`), `changed.namespace`, `changed.name`, "
    "`changed.generation`, `changed.oldGeneration` (0 where it isn't known)",
    "resource": "the Pipeline as it is now",
}


def sample(now: datetime) -> Event:
    """A modification, with words in capitals."""
    states = [
        {"metadata": {"namespace": "NAMESPACE", "name": "NAME", "uid": "UID", "resourceVersion": each, "generation": 1}}
        for each in ("OLD", "RESOURCEVERSION")
    ]
    before, after = (seen(_KIND, each) for each in states)
    return event_of(Changed(MODIFY, _KIND, after, before), "INSTANCE", now)


def pipeline_sample(now: datetime) -> Event:
    """A Pipeline whose definition changed."""
    metadata = {"namespace": "NAMESPACE", "name": "NAME", "uid": "UID", "generation": 1}
    state = seen(_PIPELINE, {"metadata": metadata})
    return pipeline_event(PipelineChange(state, _PIPELINE, Changed(MODIFY, _PIPELINE, state), 0), "INSTANCE", now)
