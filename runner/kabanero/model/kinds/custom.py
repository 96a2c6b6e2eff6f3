"""Kinds that a StageKind resource declares while the runner is up: all stages' fields, and free ones of their own."""

from __future__ import annotations

from kabanero.model.kinds.registry import AGE, READY, Kind
from kabanero.model.kinds.stages import CustomStageSpec, StageStatus
from kabanero.model.resource import GROUP, VERSION, Resource, ResourceType


def custom_kind(stage_kind: Resource) -> Kind:
    """The kind that a valid StageKind declares."""
    spec = stage_kind["spec"]
    name: str = spec["kind"]
    plural = spec.get("plural") or f"{name.lower()}s"
    type = ResourceType(GROUP, VERSION, name, plural, name.lower(), categories=("kabanero",))
    description = f"A stage of a kind of your own, declared by StageKind {stage_kind['metadata']['name']}."
    return Kind(type, description, CustomStageSpec, StageStatus, (READY, AGE), is_stage=True)
