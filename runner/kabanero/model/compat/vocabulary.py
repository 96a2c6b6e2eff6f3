"""Words that older descriptions of strategies use beside the canonical fields, and the attributes of push events."""

from __future__ import annotations

from kabanero.model.kinds.registry import KINDS
from kabanero.model.nearmiss import fold
from kabanero.model.shapes import Shape

ATTRIBUTE_FORM = ("attribute", "value")
BINDING_FORM = ("stageKind", "stage-local-name", "name")
RUN_FORM = ("variableBindings", "status")
STAGE_RUN_FORM = ("stage", "stageKind")
TRIGGER_FORM = ("trigger", *ATTRIBUTE_FORM)
FILTER_KEYS = (
    "allowedNamespaces",
    "disallowedNamespaces",
    "allowedNoNamespacedKinds",
    "disallowedNoNamespacedKinds",
)
FILTER_NAME = "kabanero.kubernetes.api.event.filter"
EVENT_ATTRIBUTES = (
    "repositoryType",
    "eventName",
    "user",
    "repository",
    "location",
    "branch",
    "commit",
    "rawData",
)
"""Attributes of an event on the SourceRepository topic."""
STAGE_PHASES = {
    "inprogress": "Running",
    "inpgoress": "Running",
    "running": "Running",
    "success": "Succeeded",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "failure": "Failed",
    "error": "Errored",
    "cancelled": "Cancelled",
}
"""The canonical phase of a state, written without case and separators."""


def _words(shape: Shape) -> set[str]:
    found = set(shape.fields)
    for inner in [*shape.fields.values(), *([shape.item] if shape.item else [])]:
        found |= _words(inner)
    return found


FIELD_WORDS = {
    fold(word)
    for words in (
        *(_words(Shape("object", model=model)) for kind in KINDS for model in (kind.spec, kind.status)),
        (*ATTRIBUTE_FORM, *BINDING_FORM, *RUN_FORM, *TRIGGER_FORM, "event", "inputBinding", "outputBinding"),
        ("apiVersion", "kind", "metadata", "spec", "namespace", "labels", "annotations"),
    )
    for word in words
}
"""Everything that can be a field's name, without case and separators."""
