"""Why an event that a stage waits for has not happened, and who could still send it. Used by `explain` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kabanero.engine.draft import Draft
from kabanero.engine.emitting import Attributes, could_become, could_fit, fits, reaches_run
from kabanero.engine.explanation import Obstacle
from kabanero.engine.phases import ACTIVE
from kabanero.engine.triggering import met_by, spoken
from kabanero.model.kinds.runs import PlannedStage, StagePhase
from kabanero.model.kinds.strategy import StageBinding, Trigger
from kabanero.model.nearmiss import near_miss
from kabanero.model.outcomes import STAGE_STATUS

MOST = 3
"""So many events of the right name and with other attributes are told, the newest."""
_LISTED = 8


def said(attributes: Attributes) -> str:
    """Attributes of an event in words: `FVT with status Success`."""
    return spoken(Trigger.model_construct(match=dict(attributes), any_of=None))


def senders(draft: Draft, wanted: Attributes) -> list[tuple[PlannedStage, Attributes]]:
    """Stages that could send such an event into the run, each with the entry of its `emit` that becomes it."""
    return [
        (draft.stages[name], entry)
        for name, binding in draft.bindings.items()
        for entry in binding.emit
        if name in draft.stages and could_fit(wanted, entry)
    ]


def obstacles(draft: Draft, possible: set[str], waiting: str, wanted: Attributes) -> list[Obstacle]:
    """Everything that stands between a stage and the event that it waits for; `possible`: stages that can still run."""
    found = [Obstacle(text=text) for text in _happened_otherwise(draft, wanted)]
    sending = senders(draft, wanted)
    found += [_of_sender(draft, possible, waiting, stage, wanted, entry) for stage, entry in sending]
    if wanted.get("name") in draft.spec.external_events:
        found.append(_of_outside(draft))
    elif not sending:
        found += [Obstacle(text=text) for text in _nobody(draft, wanted)]
    return found


def _of_outside(draft: Draft) -> Obstacle:
    if draft.ended or draft.cancelling:
        return Obstacle(text="somebody outside could have sent it: it is declared in externalEvents")
    return Obstacle(text="somebody outside may send it: it is declared in externalEvents", possible=True)


def _happened_otherwise(draft: Draft, wanted: Attributes) -> Iterator[str]:
    """Events of that name whose other attributes differ."""
    name = wanted.get("name")
    same = [each.attributes for each in draft.events.values() if name and each.attributes.get("name") == name]
    for attributes in [each for each in same if not fits(wanted, each)][-MOST:]:
        yield f"{name} happened {_differences(wanted, attributes)}"


def _differences(wanted: Attributes, attributes: Mapping[str, str]) -> str:
    parts = []
    for name, value in wanted.items():
        if name not in attributes:
            parts.append(f"without {name}, wanted: {value}")
        elif attributes[name] != value:
            parts.append(f"with {name} {attributes[name]}, wanted: {value}")
    return " and ".join(parts)


def _of_sender(
    draft: Draft, possible: set[str], waiting: str, stage: PlannedStage, wanted: Attributes, entry: Attributes
) -> Obstacle:
    if stage.phase in ACTIVE:
        return Obstacle(
            text=f"{stage.name} is {stage.phase.value} and sends it when {end_of('it', wanted, entry)}", possible=True
        )
    if stage.name == waiting:
        return Obstacle(text=f"only {stage.name} itself sends it: it waits for its own end")
    if stage.phase is StagePhase.WAITING:
        return _of_waiting(draft, possible, stage)
    if stage.phase is StagePhase.SKIPPED:
        return Obstacle(text=f"{stage.name} sends it, but was skipped")
    return Obstacle(text=f"{stage.name} has ended as {stage.phase.value}; only another attempt of it can send it")


def _of_waiting(draft: Draft, possible: set[str], stage: PlannedStage) -> Obstacle:
    missing = together(unmet(draft, draft.bindings[stage.name]))
    waits = f"waits itself for {missing}" if missing else "has no trigger"
    if stage.name in possible:
        return Obstacle(text=f"{stage.name} sends it, and {waits}", possible=True)
    return Obstacle(text=f"{stage.name} sends it, but {waits}, and can't be triggered any more")


def end_of(who: str, wanted: Attributes, entry: Attributes) -> str:
    """The end of a stage upon which an entry of its `emit` becomes the wanted event: `FVT ends with Success`."""
    outcomes = [value for name, value in wanted.items() if entry.get(name) == STAGE_STATUS]
    return f"{who} ends with {outcomes[0]}" if outcomes else f"{who} ends"


def unmet(draft: Draft, binding: StageBinding) -> list[Trigger]:
    """Entries of a stage's trigger that no event has met."""
    events = list(draft.events.values())
    return [trigger for trigger in binding.triggers if met_by(trigger, events) is None]


def together(triggers: Sequence[Trigger]) -> str:
    """Several entries in words: `FVT with status Success and either Approval or Emergency`."""
    several = len(triggers) > 1
    return " and ".join(
        f"either {spoken(each)}" if several and len(each.alternatives) > 1 else spoken(each) for each in triggers
    )


def _nobody(draft: Draft, wanted: Attributes) -> Iterator[str]:
    """There is no stage that could send it: what is sent instead, and what was probably meant."""
    name = wanted.get("name", "")
    never = list(_never_like_that(draft, wanted))
    yield from never
    if name and not never:
        yield f"no stage sends {name}{_first(draft)}"
        yield from _meant(draft, name)


def _never_like_that(draft: Draft, wanted: Attributes) -> Iterator[str]:
    for stage, binding in draft.bindings.items():
        for entry in binding.emit:
            if entry.get("name") != wanted.get("name", entry.get("name")):
                continue
            if not reaches_run(entry) and could_become(wanted, entry):
                yield f"{stage} sends it on topic {entry['topic']}, for other strategies: it doesn't reach this run"
            elif reaches_run(entry) and "name" in wanted:
                yield f"{stage} sends {entry['name']} only {_differences(wanted, entry)}"


def _first(draft: Draft) -> str:
    first = next((each for each in draft.events.values() if not each.stage), None)
    return f", and the run began with {said(first.attributes)}" if first else ""


def _meant(draft: Draft, name: str) -> Iterator[str]:
    happened = [each.attributes.get("name", "") for each in draft.events.values()]
    sent = [entry["name"] for binding in draft.bindings.values() for entry in binding.emit if reaches_run(entry)]
    known = [each for each in dict.fromkeys((*sent, *draft.spec.external_events, *happened)) if each and each != name]
    meant = near_miss(name, known)
    if meant:
        yield f"{meant} {'has happened' if meant in happened else 'is sent'}: did you mean {meant}?"
    elif known:
        more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        yield f"events of this strategy: {', '.join(known[:_LISTED])}{more}"
