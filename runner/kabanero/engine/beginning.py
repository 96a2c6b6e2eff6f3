"""How a run begins: its variables get values, and its first event is chosen. Used by the reducer alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kabanero.engine.context import stage_run_name
from kabanero.engine.emitting import names_of
from kabanero.model.errors import InvalidError, Problem
from kabanero.model.kinds.base import Condition
from kabanero.model.kinds.runs import (
    PinnedDefinition,
    PlannedStage,
    RecordedEvent,
    RunPhase,
    RunStatus,
    StrategyRunSpec,
)
from kabanero.model.kinds.strategy import StrategySpec
from kabanero.model.nearmiss import near_miss

FIRST = "first"


def planned(
    spec: StrategyRunSpec, run_name: str, pinned: PinnedDefinition, context_id: str, now: str
) -> tuple[RunStatus, RecordedEvent]:
    """The status of a run in which nothing has happened yet, and its first event. Raises InvalidError."""
    problems = [*_variable_problems(spec, pinned.spec), *_name_problems(run_name, pinned.spec)]
    if problems:
        raise InvalidError(f"StrategyRun {run_name}", problems)
    stages = tuple(
        PlannedStage(name=each.stage_name, stage_run=stage_run_name(run_name, each.stage_name))
        for each in pinned.spec.stage_bindings
    )
    running = Condition(type="Succeeded", status="Unknown", reason="Running", last_transition_time=now)
    status = RunStatus(
        phase=RunPhase.RUNNING,
        contextID=context_id,
        start_time=now,
        conditions=(running,),
        variables=_values(spec, pinned.spec),
        stages=stages,
        definition=pinned,
        starting=True,
    )
    event = spec.cause.event if spec.cause else ""
    return status, RecordedEvent(id=FIRST, attributes=_first_event(spec, pinned.spec), time=now, event=event)


def _values(spec: StrategyRunSpec, strategy: StrategySpec) -> dict[str, Any]:
    given = {each.name: each.content() for each in spec.variables}
    return {each.name: given.get(each.name, each.default) for each in strategy.strategy_variables}


def _variable_problems(spec: StrategyRunSpec, strategy: StrategySpec) -> Iterator[Problem]:
    known = [each.name for each in strategy.strategy_variables]
    for index, each in enumerate(spec.variables):
        if each.name not in known:
            meant = near_miss(each.name, known)
            fix = f"did you mean {meant}?" if meant else f"it has: {', '.join(known) or 'none'}"
            yield Problem(f"spec.variables[{index}].name", f"the strategy has no variable {each.name}", fix)
    values = _values(spec, strategy)
    for variable in strategy.strategy_variables:
        if variable.required and values[variable.name] is None:
            yield Problem("spec.variables", f"variable {variable.name} is required and has no value", "give it one")


def _name_problems(run_name: str, strategy: StrategySpec) -> Iterator[Problem]:
    """Two stages whose StageRuns would have one name."""
    seen: dict[str, str] = {}
    for index, each in enumerate(strategy.stage_bindings):
        name = stage_run_name(run_name, each.stage_name)
        if name in seen:
            reason = f"stages {seen[name]} and {each.stage_name} can't be told apart"
            yield Problem(f"stageBindings[{index}].stageName", reason, "give one of them another name")
        seen[name] = each.stage_name


def _first_event(spec: StrategyRunSpec, strategy: StrategySpec) -> dict[str, str]:
    if spec.emit is not None:
        return {"name": spec.emit.name, **{key: str(value) for key, value in spec.emit.extras().items()}}
    candidates = sorted(starts_of(strategy))
    if strategy.first_stage:
        candidates = sorted(_awaited_by(strategy, strategy.first_stage)) or candidates
    if len(candidates) == 1:
        return {"name": candidates[0]}
    reason = "several events could start the strategy" if candidates else "no event starts the strategy"
    fix = f"name one in spec.emit: {', '.join(candidates)}" if candidates else "give a stage a trigger that none emits"
    raise InvalidError("StrategyRun", [Problem("spec.emit", reason, fix)])


def starts_of(strategy: StrategySpec) -> set[str]:
    """Names of events that stages wait for and nobody inside the strategy sends."""
    awaited = {name for each in strategy.stage_bindings for name in _awaited_by(strategy, each.stage_name)}
    emitted = {name for each in strategy.stage_bindings for entry in each.emit for name in names_of(entry)}
    return awaited - emitted - set(strategy.external_events)


def _awaited_by(strategy: StrategySpec, stage: str) -> set[str]:
    return {
        wanted["name"]
        for each in strategy.stage_bindings
        if each.stage_name == stage
        for trigger in each.triggers
        for wanted in trigger.alternatives
        if "name" in wanted
    }
