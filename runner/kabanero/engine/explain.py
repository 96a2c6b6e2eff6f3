"""Why a run and each of its stages stand where they stand: which event met which trigger, which is missing and why.

Pure. `kabanero explain RUN` asks; `kabanero graph` asks for the phases. Which events meet what, and what can still
happen, is decided by `triggering`, as for the run itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kabanero.engine.draft import Draft
from kabanero.engine.explanation import ClauseNote, EventNote, MatchNote, RunNote, StageNote, WaitNote
from kabanero.engine.objections import end_of, obstacles, said, senders, together, unmet
from kabanero.engine.phases import ACTIVE, BAD, ENDED
from kabanero.engine.triggering import can_still_run, emitter_of, met_by, spoken
from kabanero.model.kinds.runs import PlannedStage, RecordedEvent, RunPhase, RunStatus, StagePhase, StageRunStatus
from kabanero.model.kinds.runs import WaitsOn as On
from kabanero.model.kinds.strategy import StageBinding, Trigger

Work = Mapping[str, StageRunStatus]
NEVER_TRIGGERED = "NeverTriggered"
_WAITS = {
    On.PLAYBOOK: "its playbook runs",
    On.APPROVAL: "waits until somebody approves or rejects",
    On.OBJECT: "waits until an object has ended",
    On.JOB: "its job at AWX runs",
    On.EXTERNAL: "is in the hands of another controller",
}


def explain(status: RunStatus, work: Work | None = None) -> RunNote:
    """The explanation of a run. `work`: what is known of the stages' work, by stage name; it may lag behind or lack."""
    common = {"phase": status.phase, "start_time": status.start_time, "completion_time": status.completion_time}
    if status.definition is None:
        return RunNote(why=_unbegun(status), contextID=status.context_id, **common)
    view = _View(Draft(status, ""), work or {})
    return RunNote(
        why=_why(view),
        contextID=status.context_id,
        waits=tuple(_waits(view)),
        next=tuple(_next(view)),
        stages=tuple(_stage(view, stage) for stage in status.stages if stage.name in view.draft.bindings),
        events=tuple(view.events.values()),
        **common,
    )


class _View:
    """One run as it is explained."""

    def __init__(self, draft: Draft, work: Work) -> None:
        self.draft, self._work = draft, work
        self.recorded = list(draft.events.values())
        self.possible = set() if draft.cancelling or draft.ended else can_still_run(draft)
        self._triggered: dict[str, list[str]] = {}
        for stage in draft.stages.values():
            for id in stage.triggered_by:
                self._triggered.setdefault(id, []).append(stage.name)
        self.events = {event.id: self._noted(event) for event in self.recorded}

    def _noted(self, event: RecordedEvent) -> EventNote:
        return EventNote(
            id=event.id,
            text=said(event.attributes),
            time=event.time,
            stage=event.stage,
            attempt=event.attempt,
            event=event.event,
            triggered=tuple(self._triggered.get(event.id, ())),
        )

    def event(self, id: str, trigger: Trigger) -> EventNote:
        """The event of this id; one that a later attempt has taken back is known by what it met."""
        if id in self.events:
            return self.events[id]
        stage = emitter_of(id) if id.count("/") >= 2 else ""
        return EventNote(id=id, text=spoken(trigger), stage=stage, forgotten=True, triggered=tuple(self._triggered[id]))

    def work(self, stage: PlannedStage) -> StageRunStatus:
        """What the stage's work says of itself, as far as it speaks of the attempt that counts."""
        found = self._work.get(stage.name)
        return found if found and found.attempt == stage.attempt else StageRunStatus()

    def waits_on(self, stage: PlannedStage) -> On | None:
        """What will end a stage at work; the StageRun knows it first."""
        return (self.work(stage).waits_on or stage.waits_on) if stage.phase in ACTIVE else None


# --- a stage ---


def _stage(view: _View, stage: PlannedStage) -> StageNote:
    work = view.work(stage)
    values = view.draft.variables
    return StageNote(
        **stage.model_dump(exclude={"waits_on", "sets", "triggered_by"}),
        why=_stage_why(view, stage),
        can_still_run=stage.name in view.possible and stage.phase is StagePhase.WAITING,
        waits_on=view.waits_on(stage),
        doing=_doing(work) if stage.phase in ACTIVE else "",
        clauses=tuple(_clauses(view, stage)),
        emitted=tuple(event for event in view.events.values() if event.stage == stage.name),
        sets={name: values.get(name) for name in stage.sets},
        outputs=dict(work.outputs),
        links=dict(work.links),
    )


def _clauses(view: _View, stage: PlannedStage) -> Iterator[ClauseNote]:
    triggers = view.draft.bindings[stage.name].triggers
    by = stage.triggered_by if len(stage.triggered_by) == len(triggers) else ()
    for place, trigger in enumerate(triggers):
        yield _clause(view, stage, trigger, by[place] if by else "")


def _clause(view: _View, stage: PlannedStage, trigger: Trigger, cause: str) -> ClauseNote:
    """`cause` is the id of the event that really triggered the stage; a stage that waits has none yet."""
    found = met_by(trigger, view.recorded)
    met = view.event(cause, trigger) if cause else view.events[found.id] if found else None
    alternatives = tuple(_match(view, stage, wanted, met) for wanted in trigger.alternatives)
    possible = met is None and any(each.possible for each in alternatives) and stage.name in view.possible
    return ClauseNote(
        text=spoken(trigger), met=met is not None, met_by=met, possible=possible, alternatives=alternatives
    )


def _match(view: _View, stage: PlannedStage, wanted: dict[str, str], met: EventNote | None) -> MatchNote:
    """An alternative beside one that is met needs no reasons."""
    own = met_by(Trigger(match=wanted), view.recorded)
    event = view.events[own.id] if own else None
    reasons = () if met or event else obstacles(view.draft, view.possible, stage.name, wanted)
    return MatchNote(wanted=wanted, text=said(wanted), met_by=event, obstacles=tuple(reasons))


def _stage_why(view: _View, stage: PlannedStage) -> str:
    match stage.phase:
        case StagePhase.WAITING:
            return _waiting_why(view, stage)
        case StagePhase.SKIPPED:
            return _skipped_why(view, stage)
        case StagePhase.TRIGGERED | StagePhase.RUNNING:
            return _active_why(view, stage)
        case StagePhase.SUCCEEDED:
            return "succeeded" + (f": {stage.message}" if stage.message else "")
        case _:
            return _bad_why(view, stage)


def _waiting_why(view: _View, stage: PlannedStage) -> str:
    missing = unmet(view.draft, view.draft.bindings[stage.name])
    if not missing:
        return "has no trigger: nothing can start it"
    why = f"waits for {together(missing)}"
    return why if stage.name in view.possible else f"{why}; it can't be triggered any more"


def _skipped_why(view: _View, stage: PlannedStage) -> str:
    missing = unmet(view.draft, view.draft.bindings[stage.name])
    if stage.reason != NEVER_TRIGGERED:
        return f"was skipped: {stage.message or 'the run ended without it'}"
    if not missing:
        return "was skipped: it has no trigger"
    return f"was skipped: {together(missing)} never happened"


def _active_why(view: _View, stage: PlannedStage) -> str:
    waits_on = view.waits_on(stage)
    if waits_on is None:
        return "is triggered; its work has not begun yet"
    if waits_on is On.OBJECT and (thing := view.work(stage).waiting_for):
        return f"waits until {thing.get('kind', 'object')} {thing.get('name', '')} has ended"
    return _WAITS[waits_on]


def _bad_why(view: _View, stage: PlannedStage) -> str:
    why = ": ".join(part for part in (_outcome(stage), stage.reason, stage.message) if part)
    healed = [each for each in _reactions(view, stage) if view.draft.stages[each].phase is StagePhase.SUCCEEDED]
    return why + (f"; made good by {', '.join(healed)}" if healed else "")


def _outcome(stage: PlannedStage) -> str:
    return {
        StagePhase.FAILED: "its work failed",
        StagePhase.ERRORED: "the machinery failed, not its work",
        StagePhase.TIMED_OUT: "took too long",
        StagePhase.CANCELLED: "was cancelled",
    }[stage.phase]


def _reactions(view: _View, stage: PlannedStage) -> list[str]:
    """Stages that its events helped to trigger."""
    events = [event for event in view.events.values() if event.stage == stage.name]
    return list(dict.fromkeys(name for event in events for name in event.triggered))


def _doing(work: StageRunStatus) -> str:
    progress = work.progress
    if progress is None:
        return work.message
    percent = f"{progress.percent}% " if progress.percent is not None else ""
    return f"{percent}{progress.message or progress.task or work.message}".rstrip()


# --- the run ---


def _unbegun(status: RunStatus) -> str:
    condition = next((each for each in status.conditions if each.type == "Succeeded"), None)
    if status.phase is RunPhase.ERRORED:
        return f"could not begin: {condition.message if condition and condition.message else 'no reason is known'}"
    return "has not begun: the runner has not taken it up yet"


def _why(view: _View) -> str:
    draft = view.draft
    if not draft.ended:
        return _running_why(view)
    bad = draft.in_phase(*BAD)
    told = "; ".join(f"{stage.name} {stage.phase.value}" + _message(stage) for stage in bad)
    match draft.status.phase:
        case RunPhase.SUCCEEDED if bad:
            return f"succeeded: what went wrong was made good ({told})"
        case RunPhase.SUCCEEDED:
            return "succeeded: every stage that was triggered did its work"
        case RunPhase.CANCELLED:
            return "was cancelled" + (f": {draft.status.cancel_reason}" if draft.status.cancel_reason else "")
        case _:
            return f"failed: {told or 'no reason is known'}"


def _message(stage: PlannedStage) -> str:
    return f": {stage.message}" if stage.message else ""


def _running_why(view: _View) -> str:
    draft = view.draft
    active = ", ".join(stage.name for stage in draft.active)
    if draft.cancelling:
        reason = f" ({draft.status.cancel_reason})" if draft.status.cancel_reason else ""
        return f"is being cancelled{reason}" + (f": {active} must end first" if active else "")
    done = sum(stage.phase in ENDED for stage in draft.stages.values())
    so_far = f"{done} of {len(draft.stages)} stages have ended"
    if active:
        return f"runs: {so_far}, at work: {active}"
    return f"runs: {so_far}, none is at work; it stays open for events from outside"


def _waits(view: _View) -> Iterator[WaitNote]:
    for stage in view.draft.active:
        kind = view.waits_on(stage)
        yield WaitNote(kind=kind.value if kind else "Start", stage=stage.name, text=_active_why(view, stage))
    for stage in view.draft.in_phase(StagePhase.WAITING):
        if stage.name in view.possible:
            yield from _outside(view, stage)


def _outside(view: _View, stage: PlannedStage) -> Iterator[WaitNote]:
    for wanted in _missing_matches(view.draft, view.draft.bindings[stage.name]):
        if wanted.get("name") in view.draft.spec.external_events:
            yield WaitNote(kind="Event", stage=stage.name, text=f"event {said(wanted)} from outside")


def _missing_matches(draft: Draft, binding: StageBinding) -> Sequence[dict[str, str]]:
    return [wanted for trigger in unmet(draft, binding) for wanted in trigger.alternatives]


def _next(view: _View) -> Iterator[str]:
    """Stages that are one step away, and what that step is; where there are none, how the run ends."""
    if view.draft.ended:
        return
    steps = [(name, _steps(view, name)) for name in view.draft.stages if name in view.possible]
    near = [f"{name} starts when {' and '.join(conditions)}" for name, conditions in steps if conditions]
    yield from near
    if not near and view.draft.active:
        yield f"the run ends when {' and '.join(stage.name for stage in view.draft.active)} has ended"


def _steps(view: _View, name: str) -> list[str]:
    """For each missing entry how it will be met by a stage at work or from outside; empty where one will not."""
    conditions = []
    for trigger in unmet(view.draft, view.draft.bindings[name]):
        ways = [way for wanted in trigger.alternatives for way in _ways(view.draft, wanted)]
        if not ways:
            return []
        conditions.append(" or ".join(dict.fromkeys(ways)))
    return conditions


def _ways(draft: Draft, wanted: dict[str, str]) -> Iterator[str]:
    for stage, entry in senders(draft, wanted):
        if stage.phase in ACTIVE:
            yield end_of(stage.name, wanted, entry)
    if wanted.get("name") in draft.spec.external_events:
        yield f"{said(wanted)} comes from outside"


def as_json(note: RunNote | StageNote) -> dict[str, Any]:
    """An explanation with camelCase names; what is not known is left out."""
    return dict(note.model_dump(mode="json", by_alias=True, exclude_none=True))
