"""How stages end that no playbook ended: by the controller itself, by a person, by an external controller.

Pure shaping; used by the stage_run controller.
"""

from __future__ import annotations

from kabanero.engine.inputs import StageEnded
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource


def ended_by(stage_run: Resource, phase: StagePhase, reason: str, message: str) -> StageEnded:
    """The end of the attempt that is under way."""
    return StageEnded(stage_run["spec"]["stageName"], stage_run["status"]["attempt"], phase, reason, message)


def decided(stage_run: Resource) -> StageEnded:
    """The end that a person's decision means."""
    approval = stage_run["spec"]["approval"]
    phase = StagePhase.SUCCEEDED if approval["decision"] == "Approved" else StagePhase.FAILED
    by, why = approval.get("by") or "somebody", approval.get("reason")
    message = f"{approval['decision'].lower()} by {by}" + (f": {why}" if why else "")
    return ended_by(stage_run, phase, approval["decision"], message)


def end_of(stage_run: Resource) -> StageEnded:
    """The end that an external controller wrote into the status."""
    status = stage_run["status"]
    return StageEnded(
        stage_run["spec"]["stageName"],
        status["attempt"],
        StagePhase(status["phase"]),
        status.get("reason", ""),
        status.get("message", ""),
        status.get("outputs") or {},
    )
