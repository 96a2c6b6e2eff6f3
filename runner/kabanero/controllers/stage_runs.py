"""How a StageRun looks: made, triggered and settled. Pure shaping, used by the outbox and the stage_run controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kabanero.engine.commands import SettleStage, StartStage
from kabanero.engine.context import stage_run_name, work_ident
from kabanero.model import tekton
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import RunStatus, StagePhase, WaitsOn
from kabanero.model.kinds.strategy import StageBinding
from kabanero.model.resource import API_VERSION, Key, Resource

LABEL_CONTEXT = "kabanero.io/context-id"
LABEL_STRATEGY = "kabanero.io/strategy"
LABEL_RUN = "kabanero.io/strategy-run"
LABEL_TRIGGER = "kabanero.io/trigger"
DECIDED = ("stageName", "stageRef", "contextID", "strategy", "strategyRun", "timeout")
"""What of a StageRun is decided when it is made, and never changes."""
ENDED = frozenset(
    {
        StagePhase.SUCCEEDED,
        StagePhase.FAILED,
        StagePhase.ERRORED,
        StagePhase.CANCELLED,
        StagePhase.TIMED_OUT,
        StagePhase.SKIPPED,
    }
)


def stage_run_key(run: Resource, stage: str) -> Key:
    """The key of the StageRun of a run's stage."""
    metadata = run["metadata"]
    return Key(STAGE_RUN.type, metadata["namespace"], stage_run_name(metadata["name"], stage))


def new_stage_run(run: Resource, status: RunStatus, binding: StageBinding) -> Resource:
    """The StageRun of one stage, waiting."""
    metadata = run["metadata"]
    spec = {
        "stageName": binding.stage_name,
        "stageRef": {"kind": binding.stage_ref.kind, "name": binding.stage_ref.name},
        "contextID": status.context_id,
        "strategy": run["spec"]["strategy"],
        "strategyRun": metadata["name"],
    }
    if binding.timeout:
        spec["timeout"] = binding.timeout
    return {
        "apiVersion": API_VERSION,
        "kind": "StageRun",
        "metadata": {
            "name": stage_run_name(metadata["name"], binding.stage_name),
            "namespace": metadata["namespace"],
            "labels": {
                LABEL_CONTEXT: status.context_id,
                LABEL_STRATEGY: run["spec"]["strategy"],
                LABEL_RUN: metadata["name"],
            },
            "ownerReferences": [owner_reference(run)],
        },
        "spec": spec,
    }


def run_uid(stage_run: Resource) -> str:
    """The uid of the run that a StageRun belongs to; empty where it names none."""
    owners = stage_run["metadata"].get("ownerReferences") or ()
    return str(owners[0]["uid"]) if owners else ""


def is_of(stage_run: Resource, run: Resource) -> bool:
    """Whether it was made for this very run, and not for another that had its name before."""
    return run_uid(stage_run) == str(run["metadata"]["uid"])


def is_made_as(there: Resource, wanted: Resource) -> bool:
    """Whether a StageRun is what would be made now."""
    same_run = run_uid(there) == run_uid(wanted)
    return same_run and all(there["spec"].get(name) == wanted["spec"].get(name) for name in DECIDED)


def owner_reference(run: Resource) -> dict[str, Any]:
    """Ties a resource's life to the run's."""
    metadata = run["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": "StrategyRun",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }


def triggered(stage_run: Resource, command: StartStage, now: str) -> Resource:
    """The StageRun with the status that starts its work."""
    status = {
        "phase": StagePhase.TRIGGERED.value,
        "attempt": command.attempt,
        "startTime": now,
        "variables": dict(command.variables),
        "resources": dict(command.resources),
        "triggeredBy": list(command.triggered_by),
        "conditions": [condition("Unknown", "Triggered", "", now)],
    }
    return {**stage_run, "status": status}


def waiting_fields(
    stage_run: Resource, waiting_for: Mapping[str, Any], outputs: Mapping[str, Any], links: Mapping[str, str]
) -> dict[str, Any]:
    """Fields of the status of a stage that waits for an object; None where one is taken away."""
    api_version, kind = str(waiting_for.get("apiVersion", "")), str(waiting_for.get("kind", ""))
    place = waiting_for.get("namespace") or stage_run["metadata"]["namespace"]
    there = {"apiVersion": api_version, "kind": kind, "metadata": {"name": waiting_for["name"], "namespace": place}}
    return {
        "phase": StagePhase.RUNNING.value,
        "waitsOn": WaitsOn.OBJECT.value,
        "waitingFor": dict(waiting_for),
        "links": {**(tekton.links(there) if tekton.is_run(api_version, kind) else {}), **links} or None,
        "progress": None,
        "outputs": dict(outputs) or None,
    }


def settled(stage_run: Resource, command: SettleStage, now: str) -> Resource:
    """The StageRun with its end written down."""
    old = stage_run.get("status") or {}
    kept = {key: value for key, value in old.items() if key not in ("waitsOn", "waitingFor", "claim", "progress")}
    truth = "True" if command.phase is StagePhase.SUCCEEDED else "False"
    status = {
        **kept,
        "phase": command.phase.value,
        "attempt": command.attempt,
        "reason": command.reason,
        "message": command.message,
        "completionTime": old.get("completionTime") or now,
        "conditions": [condition(truth, command.reason or command.phase.value, command.message, now)],
    }
    if command.outputs:
        status["outputs"] = dict(command.outputs)
    return {**stage_run, "status": status}


def is_settled(stage_run: Resource, command: SettleStage) -> bool:
    """Whether this end has been written already (or a later attempt is under way)."""
    status = stage_run.get("status") or {}
    attempt = status.get("attempt", 0)
    done = attempt == command.attempt and status.get("phase") == command.phase.value and "waitsOn" not in status
    return bool(done or attempt > command.attempt)


def is_past(stage_run: Resource, attempt: int) -> bool:
    """Whether this attempt has ended, or the stage is further on. False for news from before the attempt began."""
    status = stage_run.get("status") or {}
    now = status.get("attempt", 0)
    return bool(now > attempt or (now == attempt and status.get("phase") in ENDED))


def condition(truth: str, reason: str, message: str, now: str) -> dict[str, str]:
    """The `Succeeded` condition."""
    return {
        "type": "Succeeded",
        "status": truth,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now,
    }


def ident_of(stage_run: Resource, attempt: int | None = None) -> str:
    """Identity of the work of one attempt; tells runs of one name at different times apart."""
    metadata: Mapping[str, Any] = stage_run["metadata"]
    uid = run_uid(stage_run) or metadata["uid"]
    number = attempt if attempt is not None else stage_run.get("status", {}).get("attempt", 1)
    return work_ident(f"{metadata['name']}-{uid[:8]}", number)


def ident_for(run: Resource, stage: str, attempt: int) -> str:
    """The same, from the run: known even when the StageRun is gone."""
    name = stage_run_name(run["metadata"]["name"], stage)
    return work_ident(f"{name}-{run['metadata']['uid'][:8]}", attempt)
