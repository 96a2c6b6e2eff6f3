"""What a stage's playbook is told, as extra vars. Pure; used when work is handed to the executor."""

from __future__ import annotations

from typing import Any

from kabanero.controllers.definitions import StagePlan
from kabanero.model.resource import Resource
from kabanero.model.substitution import substitute

FILLED_IN = {
    "TektonStage": ("params", "resolver", "workspaces"),
    "JobTemplateStage": ("extraVars", "limit", "scmBranch"),
}
"""Fields of a kind's spec whose placeholders are filled in; those of others are left to their playbooks."""


def extra_vars(stage_run: Resource, plan: StagePlan, timeout: float) -> dict[str, Any]:
    """Names as the docs give them; `timeout` in seconds, 0 for none. Raises InvalidError for a wrong placeholder."""
    spec, status, metadata = stage_run["spec"], stage_run["status"], stage_run["metadata"]
    told = {
        "contextID": spec["contextID"],
        "strategy": spec["strategy"],
        "strategy_run": spec["strategyRun"],
        "stage_name": spec["stageName"],
        "stage_run": metadata["name"],
        "kabanero_namespace": metadata["namespace"],
        "variables": status.get("variables") or {},
        "resources": status.get("resources") or {},
    }
    return {
        **told,
        "parameters": plan.stage["spec"].get("parameters") or {},
        "stage_spec": _filled_in(plan.stage, told),
        "stage_run_uid": metadata["uid"],
        "stage_attempt": status["attempt"],
        "stage_timeout": timeout,
    }


def _filled_in(stage: Resource, values: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = stage["spec"]
    there = [name for name in FILLED_IN.get(stage.get("kind", ""), ()) if name in spec]
    return {**spec, **{name: substitute(spec[name], values, f"spec.{name}") for name in there}}
