"""The reducer: a run's status and one thing that happened, in; the new status and what is to be done, out.

Pure. Facts (events, starts and ends of stages) may be heard in any order and any number of times: phases, attempts,
variables and the run's own end come out the same. What people ask for is different in principle: a cancel or retry
means what had happened when it was asked, so its place among the facts counts; heard again it changes nothing. Three
more things follow the order because they tell of it: times, which of several events that fit met a trigger (`anyOf`),
and the variables that stages side by side saw of each other. A run that has ended takes nothing in but a retry. Called
by the strategy_run controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kabanero.engine.beginning import planned
from kabanero.engine.commands import CancelStage, Command, CreateStageRuns, PublishEvent, SettleStage
from kabanero.engine.draft import Draft
from kabanero.engine.ending import close_if_done, in_short
from kabanero.engine.inputs import (
    CancelRequested,
    EventArrived,
    Input,
    RetryRequested,
    StageCancelRequested,
    StageEnded,
    StageStarted,
)
from kabanero.engine.outbox import outbox_commands, without_outbox
from kabanero.engine.phases import ACTIVE, ENDED, EVENT_STATUS
from kabanero.engine.triggering import order_of, triggered_by
from kabanero.model.errors import InvalidError
from kabanero.model.kinds.runs import (
    PendingEnd,
    PinnedDefinition,
    PlannedStage,
    RecordedEvent,
    RunPhase,
    RunStatus,
    StagePhase,
    StrategyRunSpec,
)
from kabanero.model.outcomes import STAGE_STATUS
from kabanero.model.substitution import as_text, substitute
from kabanero.model.times import rfc3339
from kabanero.model.topics import Topic

__all__ = ["Step", "begin", "outbox_commands", "reduce", "without_outbox"]


@dataclass(frozen=True, slots=True)
class Step:
    """What was decided. No commands and the very same status: nothing new was heard."""

    status: RunStatus
    commands: tuple[Command, ...]


def begin(spec: StrategyRunSpec, run_name: str, pinned: PinnedDefinition, context_id: str, now: datetime) -> Step:
    """The first step of a run. Raises InvalidError when its variables or its first event do not fit the strategy."""
    status, first = planned(spec, run_name, pinned, context_id, rfc3339(now))
    draft = Draft(status, rfc3339(now))
    draft.command(CreateStageRuns())
    draft.record(first)
    return _settled(draft)


def reduce(status: RunStatus, input: Input, now: datetime) -> Step:
    """The next step. An input that is known already, or comes too late, changes nothing."""
    if status.definition is None:
        return Step(status, ())
    draft = Draft(status, rfc3339(now))
    match input:
        case EventArrived():
            _arrived(draft, input)
        case StageStarted():
            _started(draft, input)
        case StageEnded():
            _heard_of_end(draft, input)
        case CancelRequested():
            _cancel(draft, input)
        case StageCancelRequested():
            _cancel_stage(draft, input)
        case RetryRequested():
            _retry(draft, input)
    return _settled(draft) if draft.changed else Step(status, ())


def _settled(draft: Draft) -> Step:
    """Everything that follows from what was heard."""
    while _take_pending(draft) or _trigger(draft):
        continue
    close_if_done(draft)
    in_short(draft)
    return Step(draft.finished(), tuple(draft.commands))


def _trigger(draft: Draft) -> bool:
    """Triggers every waiting stage whose triggers are met."""
    if draft.cancelling or draft.ended:
        return False
    events, started = list(draft.events.values()), False
    for stage in draft.in_phase(StagePhase.WAITING):
        ids = triggered_by(draft.bindings[stage.name], events)
        if ids is not None:
            draft.start(stage, 1, ids)
            started = True
    return started


def _take_pending(draft: Draft) -> bool:
    """Takes in ends that were heard of too early."""
    for pending in draft.pending:
        stage = draft.stages[pending.stage]
        if stage.attempt == pending.attempt and stage.phase in ACTIVE:
            draft.pending.remove(pending)
            _end(draft, stage, StageEnded(pending.stage, pending.attempt, **_outcome(pending)))
            return True
    return False


def _outcome(pending: PendingEnd) -> dict[str, Any]:
    return {**pending.outcome, "phase": StagePhase(pending.outcome["phase"])}


# --- inputs ---


def _arrived(draft: Draft, input: EventArrived) -> None:
    if not draft.ended:
        attributes = {name: as_text(value) for name, value in input.attributes.items()}
        draft.record(RecordedEvent(id=input.id, attributes=attributes, time=input.time, event=input.event))


def _started(draft: Draft, input: StageStarted) -> None:
    stage = draft.stages.get(input.stage)
    if stage and stage.phase is StagePhase.TRIGGERED and stage.attempt == input.attempt:
        draft.put(stage, StagePhase.RUNNING, waits_on=input.waits_on)


def _heard_of_end(draft: Draft, input: StageEnded) -> None:
    stage = draft.stages.get(input.stage)
    if stage is None:
        return
    if input.phase not in EVENT_STATUS:
        input = _no_end(input)
    if stage.attempt == input.attempt and stage.phase in ACTIVE:
        _end(draft, stage, input)
    elif input.attempt > stage.attempt and not draft.ended:
        _keep_for_later(draft, input)


def _no_end(input: StageEnded) -> StageEnded:
    """An external controller may write any phase: one that is no end of work is its mistake, not a reason to wait."""
    message = f"its controller ended it as {input.phase.value}; possible: {', '.join(EVENT_STATUS)}"
    return StageEnded(input.stage, input.attempt, StagePhase.ERRORED, "NoEnd", message, input.outputs)


def _keep_for_later(draft: Draft, input: StageEnded) -> None:
    if any((each.stage, each.attempt) == (input.stage, input.attempt) for each in draft.pending):
        return
    outcome = {name: getattr(input, name) for name in ("phase", "reason", "message", "outputs", "may_retry")}
    draft.pending.append(PendingEnd(stage=input.stage, attempt=input.attempt, outcome=outcome))
    draft.changed = True


def _cancel(draft: Draft, input: CancelRequested) -> None:
    known = input.generation and input.generation <= (draft.status.observed_generation or 0)
    if draft.ended or draft.cancelling or known:
        return
    draft.set(cancelling=True, cancel_reason=input.reason)
    if input.generation:
        draft.set(observed_generation=input.generation)
    for stage in draft.in_phase(StagePhase.WAITING):
        draft.skip(stage, "RunCancelled", input.reason or "the run was cancelled")
    for stage in draft.active:
        draft.command(CancelStage(stage.name, stage.attempt, input.reason or "the run was cancelled"))


def _cancel_stage(draft: Draft, input: StageCancelRequested) -> None:
    stage = draft.stages.get(input.stage)
    if stage and stage.phase in ACTIVE and input.attempt in (0, stage.attempt):
        draft.command_once(CancelStage(stage.name, stage.attempt, input.reason))


def _retry(draft: Draft, input: RetryRequested) -> None:
    stage = draft.stages.get(input.stage)
    if stage is None or stage.phase not in ENDED - {StagePhase.SKIPPED} or input.attempt <= stage.attempt:
        return
    if draft.ended or draft.cancelling:
        _reopen(draft)
    _forget_events(draft, stage.name)
    draft.start(stage, input.attempt, stage.triggered_by)


def _reopen(draft: Draft) -> None:
    """The last wish counts: a run that has ended, or was about to, goes on."""
    draft.set(phase=RunPhase.RUNNING, completion_time=None, cancelling=False, cancel_reason="")
    for stage in draft.in_phase(StagePhase.SKIPPED):
        draft.put(stage, StagePhase.WAITING, reason="", message="", completion_time=None)


def _forget_events(draft: Draft, stage: str) -> None:
    """Only the last attempt of a stage speaks for it."""
    draft.events = {id: event for id, event in draft.events.items() if event.stage != stage}


# --- the end of a stage ---


def _end(draft: Draft, stage: PlannedStage, end: StageEnded) -> None:
    if _goes_on(draft, stage, end):
        interruptions = stage.interruptions + end.may_retry
        draft.start(stage.model_copy(update={"interruptions": interruptions}), stage.attempt + 1, stage.triggered_by)
        return
    sets = _take_outputs(draft, stage, end)
    fields = {"reason": end.reason, "message": end.message, "completion_time": draft.now, "waits_on": None}
    ended = draft.put(stage, end.phase, sets=sets, **fields)
    draft.command(SettleStage(stage.name, end.attempt, end.phase, end.reason, end.message, dict(end.outputs)))
    _emit(draft, ended, EVENT_STATUS[end.phase])


def _goes_on(draft: Draft, stage: PlannedStage, end: StageEnded) -> bool:
    """Whether another attempt follows by itself."""
    if draft.cancelling:
        return False
    tries = stage.attempt - stage.interruptions
    failed = end.phase in (StagePhase.FAILED, StagePhase.TIMED_OUT)
    return end.may_retry or (failed and tries <= (draft.bindings[stage.name].retries or 0))


def _take_outputs(draft: Draft, stage: PlannedStage, end: StageEnded) -> tuple[str, ...]:
    """Sets the variables that the stage's outputs are bound to; a later stage's value is never overwritten."""
    bindings = draft.bindings[stage.name].resource_bindings.output
    given = [each for each in bindings if each.stage_variable in end.outputs]
    if not given:
        return ()
    order = order_of(draft.spec)
    later = {name for other in draft.stages.values() if order[other.name] > order[stage.name] for name in other.sets}
    for each in given:
        if each.strategy_variable not in later:
            draft.variables[each.strategy_variable] = end.outputs[each.stage_variable]
    return tuple(each.strategy_variable for each in given)


def _emit(draft: Draft, stage: PlannedStage, status: str) -> None:
    for index, entry in enumerate(draft.bindings[stage.name].emit):
        attributes = _attributes(draft, entry, status)
        topic = attributes.pop("topic", Topic.STRATEGY.value)
        id = f"{stage.name}/{stage.attempt}/{index}"
        draft.command(PublishEvent(id, topic, attributes, stage.triggered_by))
        if topic == Topic.STRATEGY:
            draft.record(
                RecordedEvent(id=id, attributes=attributes, time=draft.now, stage=stage.name, attempt=stage.attempt)
            )


def _attributes(draft: Draft, entry: dict[str, str], status: str) -> dict[str, str]:
    """The event's attributes; `$stage_status` and placeholders are put in as values."""
    values = {"contextID": draft.status.context_id, "variables": draft.variables, "stage_status": status}
    return {name: status if value == STAGE_STATUS else _filled(value, values) for name, value in entry.items()}


def _filled(text: str, values: Mapping[str, Any]) -> str:
    try:
        return as_text(substitute(text, values))
    except InvalidError:
        return text  # The verifier names it; an event must not be held up by a placeholder that names nothing.
