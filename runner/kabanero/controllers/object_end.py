"""How an object that was waited for has ended. Pure; used by the object watch and by what tells of the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kabanero.model import tekton
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource


@dataclass(frozen=True, slots=True)
class ObjectEnd:
    """The end, and the object as it was then; empty when nobody has seen it."""

    phase: StagePhase
    reason: str = ""
    message: str = ""
    resource: Resource = field(default_factory=dict)


def end_of(resource: Resource) -> ObjectEnd | None:
    """The end by the `Succeeded` condition, as Tekton's, Knative's and our own kinds have it; None before that."""
    if tekton.is_run(resource.get("apiVersion", ""), resource.get("kind", "")):
        found = tekton.verdict(resource)
        return ObjectEnd(found.phase, found.reason, found.message, resource) if found else None
    for condition in _conditions(resource):
        if condition.get("type") == "Succeeded" and condition.get("status") in ("True", "False"):
            phase = StagePhase.SUCCEEDED if condition["status"] == "True" else StagePhase.FAILED
            return ObjectEnd(phase, str(condition.get("reason", "")), str(condition.get("message", "")), resource)
    return None


def _conditions(resource: Resource) -> list[Mapping[str, Any]]:
    """Those that read as such: a kind that is not ours may have a status of any form."""
    status = resource.get("status")
    found = status.get("conditions") if isinstance(status, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
