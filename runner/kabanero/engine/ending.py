"""How a run ends, and how it is told in one line. Used by the reducer alone.

It ends when nothing runs and no waiting stage can still be triggered. It has succeeded unless a stage went wrong and no
stage that was triggered by that outcome succeeded (compensation).
"""

from __future__ import annotations

from kabanero.engine.draft import Draft
from kabanero.engine.emitting import fits
from kabanero.engine.phases import ACTIVE, BAD, ENDED
from kabanero.engine.triggering import can_still_run, emitter_of, why_not
from kabanero.model.kinds.base import Condition
from kabanero.model.kinds.runs import PlannedStage, RunPhase, StagePhase, WaitsOn


def close_if_done(draft: Draft) -> None:
    """Ends the run when nothing more can happen in it."""
    if draft.ended or draft.active or can_still_run(draft):
        return
    for stage in draft.in_phase(StagePhase.WAITING):
        draft.skip(stage, "NeverTriggered", why_not(stage, draft))
    uncompensated = [stage for stage in draft.in_phase(*BAD) if not _compensated(draft, stage)]
    phase, reason = _outcome(draft, uncompensated)
    message = "; ".join(_spoken(stage) for stage in uncompensated)
    truth = "True" if phase is RunPhase.SUCCEEDED else "False"
    condition = Condition(
        type="Succeeded", status=truth, reason=reason, message=message, last_transition_time=draft.now
    )
    draft.set(phase=phase, completion_time=draft.now, conditions=(condition,))


def _outcome(draft: Draft, uncompensated: list[PlannedStage]) -> tuple[RunPhase, str]:
    if draft.cancelling:
        return RunPhase.CANCELLED, "Cancelled"
    if uncompensated:
        return RunPhase.FAILED, "Failed"
    return RunPhase.SUCCEEDED, "Compensated" if draft.in_phase(*BAD) else "Succeeded"


def _compensated(draft: Draft, bad: PlannedStage) -> bool:
    return any(_answers(draft, stage, bad) for stage in draft.in_phase(StagePhase.SUCCEEDED))


def _answers(draft: Draft, stage: PlannedStage, bad: PlannedStage) -> bool:
    """Whether a stage's trigger has an entry that this outcome meets, even if another of `anyOf` came before it.

    Unless it was met by an earlier attempt: what was done about that one has nothing to do with this.
    """
    own = {event.id: event.attributes for event in draft.events.values() if event.stage == bad.name}
    for trigger, met in zip(draft.bindings[stage.name].triggers, stage.triggered_by, strict=False):
        fitting = any(fits(wanted, each) for wanted in trigger.alternatives for each in own.values())
        if fitting and (met in own or emitter_of(met) != bad.name):
            return True
    return False


def _spoken(stage: PlannedStage) -> str:
    return f"{stage.name} {stage.phase.value}" + (f": {stage.message}" if stage.message else "")


def in_short(draft: Draft) -> None:
    """The summary line, and the running condition of a run that was reopened."""
    stages = list(draft.stages.values())
    done = sum(stage.phase in ENDED for stage in stages)
    parts = [f"{done}/{len(stages)} stages", *_notable(stages)]
    draft.fields["summary"] = "; ".join(parts)
    if not draft.ended and draft.status.completion_time:
        running = Condition(type="Succeeded", status="Unknown", reason="Running", last_transition_time=draft.now)
        draft.fields["conditions"] = (running,)


def _notable(stages: list[PlannedStage]) -> list[str]:
    asking = [stage.name for stage in stages if stage.phase in ACTIVE and stage.waits_on is WaitsOn.APPROVAL]
    active = [stage.name for stage in stages if stage.phase in ACTIVE and stage.name not in asking]
    bad = [f"{stage.name} {stage.phase.value}" for stage in stages if stage.phase in BAD]
    return [
        *([f"running: {', '.join(active)}"] if active else []),
        *([f"waiting for approval: {', '.join(asking)}"] if asking else []),
        *([", ".join(bad)] if bad else []),
    ]
