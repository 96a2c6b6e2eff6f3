"""Stages of whose entries each can be met, but never all in one run; stages without any; stages behind dead ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from kabanero.engine.verifying.finding import ERROR, GAP, Finding, Step, Trail, in_short, in_words, shortened
from kabanero.engine.verifying.flow import Entry
from kabanero.engine.verifying.reach import Reach
from kabanero.engine.verifying.trails import steps_to
from kabanero.engine.verifying.worlds import words

IMPOSSIBLE_JOIN = "impossible-join"
UNREACHABLE = "unreachable"
HOPS = 5
"""Stages that are named on the way back to the one that is to blame."""


def without_trigger(reach: Reach) -> Iterator[Finding]:
    """Stages that wait for nothing and that no run begins with."""
    for stage, entries in enumerate(reach.flow.entries):
        if not entries:
            name = reach.flow.names[stage]
            fix = "write triggers, or name it in firstStage if a run begins with it"
            reason = f"stage {name} is never triggered: it has no trigger"
            yield Finding(ERROR, UNREACHABLE, reach.flow.place(stage), reason, fix, name)


def joins(reach: Reach) -> Iterator[Finding]:
    """Stages whose entries exclude each other."""
    for stage in reach.dead():
        if is_torn(reach, stage):
            yield _join(reach, stage)


def is_torn(reach: Reach, stage: int) -> bool:
    """Whether every entry can be met, and still not all."""
    entries = reach.flow.entries[stage]
    return bool(entries) and not reach.runs(stage) and all(reach.is_open(entry) for entry in entries)


def _join(reach: Reach, stage: int) -> Finding:
    name, entries = reach.flow.names[stage], reach.flow.entries[stage]
    opening = f"stage {name} is never triggered: "
    for one, other in combinations(entries, 2):
        torn = reach.worlds.torn(reach.world_of(one), reach.world_of(other))
        if torn is not None:
            reason, fix = _disagreement(reach, one, other, torn)
            trail = _trail(reach, stage, one, other, torn)
            return Finding(ERROR, IMPOSSIBLE_JOIN, other.place, opening + reason, fix, name, trail)
    reason = "its entries can't all be met in one run"
    place = reach.flow.place(stage, "triggers")
    return Finding(ERROR, IMPOSSIBLE_JOIN, place, opening + reason, "use anyOf where one event is enough", name)


def _disagreement(reach: Reach, one: Entry, other: Entry, torn: int) -> tuple[str, str]:
    both = f"{_spoken(one)} and {_spoken(other)} can't both happen"
    if torn < 0:
        reason = f"{both}, as a run begins with one event only"
        return reason, "declare in externalEvents the one that is sent into the run later"
    ends = [words(reach.worlds.outcomes(reach.world_of(each), torn)) for each in (one, other)]
    reason = f"{both}, as {reach.flow.names[torn]} would have to end with {ends[0]} and with {ends[1]}"
    return reason, "use anyOf if one of them is enough"


def _spoken(entry: Entry) -> str:
    return " or ".join(in_words(each.wanted) for each in entry.alternatives)


def _short(entry: Entry) -> str:
    return " or ".join(in_short(each.wanted) for each in entry.alternatives)


def _trail(reach: Reach, stage: int, one: Entry, other: Entry, torn: int) -> Trail:
    before = steps_to(reach, torn) if torn >= 0 else []
    event = Step("event", (_short(one), _short(other)))
    return shortened([*before, event, GAP, Step("stage", (reach.flow.names[stage],))])


def behind(reach: Reach, told: set[int]) -> Iterator[Finding]:
    """Stages that can't run only because others can't; `told` are stages that a finding of their own is about."""
    for stage in reach.dead():
        if stage not in told and (blocked := _blocked(reach, stage)):
            yield _behind(reach, stage, *blocked)


def _blocked(reach: Reach, stage: int) -> tuple[Entry, int] | None:
    """The first entry that can't be met, and a stage that would have to run for it."""
    for entry in reach.flow.entries[stage]:
        if not reach.is_open(entry):
            for source in entry.sources:
                return entry, source.stage
    return None


def _behind(reach: Reach, stage: int, entry: Entry, blocker: int) -> Finding:
    name, names = reach.flow.names[stage], reach.flow.names
    emitters = list(dict.fromkeys(names[source.stage] for source in entry.sources))
    runs = "never runs" if len(emitters) == 1 else "never run"
    reason = f"stage {name} is never triggered: it waits for {_spoken(entry)}, but {_listed(emitters)} {runs}"
    fix = f"see what is said about {names[blocker]}"
    return Finding(ERROR, UNREACHABLE, entry.place, reason, fix, name, _way_back(reach, stage))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _way_back(reach: Reach, stage: int) -> Trail:
    steps, seen = [Step("stage", (reach.flow.names[stage],))], {stage}
    while (blocked := _blocked(reach, stage)) and len(seen) <= HOPS:
        entry, stage = blocked
        steps += [Step("event", (_short(entry),)), Step("stage", (reach.flow.names[stage],))]
        if stage in seen:
            break
        seen.add(stage)
    return (GAP, *reversed(steps))
