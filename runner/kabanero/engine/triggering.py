"""Whose triggers are met, by which events, and whose could still be. Used by reducer, verify and explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kabanero.engine.draft import Draft
from kabanero.engine.emitting import Attributes, could_fit, fits
from kabanero.model.kinds.runs import PlannedStage, RecordedEvent, StagePhase
from kabanero.model.kinds.strategy import StageBinding, StrategySpec, Trigger


def met_by(trigger: Trigger, events: Iterable[RecordedEvent]) -> RecordedEvent | None:
    """The event that meets one entry; of several the one with the smallest id, so that order does not matter."""
    fitting = [event for event in events if any(fits(wanted, event.attributes) for wanted in trigger.alternatives)]
    return min(fitting, key=lambda event: event.id, default=None)


def emitter_of(event: str) -> str:
    """Stage whose emission has this id in the run (`STAGE/ATTEMPT/INDEX`)."""
    return event.rsplit("/", 2)[0]


def triggered_by(binding: StageBinding, events: Sequence[RecordedEvent]) -> tuple[str, ...] | None:
    """Ids of the events that meet all entries of a stage's trigger, or None."""
    found = [met_by(trigger, events) for trigger in binding.triggers]
    ids = tuple(event.id for event in found if event is not None)
    return ids if found and len(ids) == len(found) else None


def can_still_run(draft: Draft) -> set[str]:
    """Waiting stages that could still be triggered: by events that are there, declared ones, or each other's."""
    possible: set[str] = {stage.name for stage in draft.active}
    waiting = {stage.name for stage in draft.in_phase(StagePhase.WAITING)}
    while True:
        more = {name for name in waiting - possible if _reachable(draft, name, possible)}
        if not more:
            return possible & waiting
        possible |= more


def _reachable(draft: Draft, name: str, possible: set[str]) -> bool:
    triggers = draft.bindings[name].triggers
    return bool(triggers) and all(
        any(_may_come(draft, wanted, possible) for wanted in trigger.alternatives) for trigger in triggers
    )


def _may_come(draft: Draft, wanted: Attributes, possible: set[str]) -> bool:
    if wanted.get("name") in draft.spec.external_events:
        return True
    if any(fits(wanted, event.attributes) for event in draft.events.values()):
        return True
    return any(could_fit(wanted, entry) for stage in possible for entry in draft.bindings[stage].emit)


def order_of(spec: StrategySpec) -> Mapping[str, int]:
    """Place of each stage when stages stand after those whose events trigger them; ties as in the definition."""
    before = {each.stage_name: feeders(spec, each) for each in spec.stage_bindings}
    placed: dict[str, int] = {}
    while len(placed) < len(before):
        left = [name for name in before if name not in placed]
        ready = [name for name in left if before[name] <= placed.keys()]
        placed[(ready or left)[0]] = len(placed)
    return placed


def feeders(spec: StrategySpec, binding: StageBinding) -> set[str]:
    """The other stages whose events can meet an entry of this stage's trigger."""
    wanted = [wanted for trigger in binding.triggers for wanted in trigger.alternatives]
    return {
        other.stage_name
        for other in spec.stage_bindings
        if other.stage_name != binding.stage_name
        and any(could_fit(each, entry) for each in wanted for entry in other.emit)
    }


def why_not(stage: PlannedStage, draft: Draft) -> str:
    """What a stage that was never reached waited for."""
    events = list(draft.events.values())
    missing = [trigger for trigger in draft.bindings[stage.name].triggers if met_by(trigger, events) is None]
    return "never happened: " + " and ".join(spoken(trigger) for trigger in missing) if missing else "has no trigger"


def spoken(trigger: Trigger) -> str:
    """A trigger entry in words: `FVT with status Success`."""
    return " or ".join(_spoken(wanted) for wanted in trigger.alternatives)


def _spoken(wanted: Attributes) -> str:
    rest = ", ".join(f"{name} {value}" for name, value in wanted.items() if name != "name")
    name = wanted.get("name", "an event")
    return f"{name} with {rest}" if rest else name
