"""Pinning: the resolved copy of a strategy that a run carries, so that later edits touch later runs only.

Called when a run begins. Bindings take from their stage what they do not say themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.kinds.runs import PinnedDefinition
from kabanero.model.kinds.strategy import StrategySpec
from kabanero.model.resource import Resource

INHERITED = ("triggers", "emit", "timeout", "retries")


def pin(name: str, definition: Resource, stages: Mapping[tuple[str, str], Resource]) -> PinnedDefinition:
    """The definition with everything that its bindings inherit. Raises InvalidError when it breaks its kind's rules."""
    spec = definition["spec"]
    bindings = [_resolved(binding, stages) for binding in spec.get("stageBindings", ())]
    resolved = {**spec, "stageBindings": _with_first(spec, bindings)}
    try:
        parsed = StrategySpec.model_validate(resolved)
    except ValidationError as error:
        problems = [Problem(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
        raise InvalidError(f"StrategyDefinition {name}", problems) from None
    generation = definition.get("metadata", {}).get("generation", 0)
    return PinnedDefinition(digest=_digest(resolved), generation=generation, spec=parsed)


def _resolved(binding: dict[str, Any], stages: Mapping[tuple[str, str], Resource]) -> dict[str, Any]:
    ref = binding.get("stageRef") or {}
    stage = stages.get((ref.get("kind", ""), ref.get("name", "")))
    own = stage.get("spec", {}) if stage else {}
    inherited = {key: own[key] for key in INHERITED if own.get(key) and not binding.get(key)}
    return {**binding, **inherited}


def _with_first(spec: dict[str, Any], bindings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A first stage that waits for nothing waits for the event that starts the run."""
    first = spec.get("firstStage") or (bindings[0].get("stageName") if len(bindings) == 1 else None)
    return [
        {**binding, "triggers": [{"match": {"name": start_of(first)}}]}
        if first and binding.get("stageName") == first and not binding.get("triggers")
        else binding
        for binding in bindings
    ]


def start_of(stage: str) -> str:
    """Name of the event that starts a stage for which no trigger was written."""
    return f"Start_{stage}"


def _digest(spec: dict[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).hexdigest()
