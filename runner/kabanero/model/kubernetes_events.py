"""The words of events on topic KubernetesAPI: what they may be called and which attributes they have.

Spoken by `sources.kubernetes`, which makes the events, and by the verifier, which reads triggers that wait for them.
"""

from __future__ import annotations

CREATE, MODIFY, DELETE = "create", "modify", "delete"
EVENT_TYPES = (CREATE, MODIFY, DELETE)
PIPELINE_CHANGED = "PipelineChanged"
EVENT_NAMES = (*EVENT_TYPES, PIPELINE_CHANGED)

SOURCE = "kubernetes/"
"""How the source of such an event begins. What people send on the topic themselves has another one."""
HEAD = ("eventType", "eventName", "apiVersion", "kind", "namespace", "name", "specChanged")
"""Attributes by which an event that no trigger could want is left out before it is made."""
ATTRIBUTES = (*HEAD, "uid", "generation", "changedFields", "leftOut", "resource", "oldResource")
"""Attributes of create, modify and delete."""
PIPELINE_ATTRIBUTES = ("eventName", "namespace", "name", "uid", "generation", "changed", "leftOut", "resource")
"""Attributes of PipelineChanged. It has no kind, so that a rule about the kind Pipeline does not hear it as well."""

OF_RUNS = ("StrategyRun", "StageRun", "StrategyEvent", "QueuedEvent", "Event", "Lease", "Endpoints", "EndpointSlice")
"""Kinds that change with every run or every few seconds: a wildcard does not mean them, they have to be named."""
TEKTON = "tekton.dev"
