"""Stages that wait for each other in a circle: none of them ever runs, or the way round is never gone a second time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from kabanero.engine.verifying.finding import ERROR, WARNING, Finding, Step, Trail, in_short, shortened
from kabanero.engine.verifying.graphs import components, way_round
from kabanero.engine.verifying.reach import Reach

CYCLE = "cycle"
MOST = 10
"""Stages of a circle that are named in a sentence."""


def dead_ways(reach: Reach, roots: set[int]) -> list[list[int]]:
    """Circles that no event from outside gets into; `roots` are dead stages for a reason of their own."""
    hopeless = _hopeless(reach, roots)
    after = [[each for each in followers if each in hopeless] for followers in reach.flow.after]
    return list(_ways(after, hopeless, {stage: stage for stage in hopeless}))


def live_loops(reach: Reach) -> Iterator[Finding]:
    """Circles whose stages do run, once."""
    live = set(reach.rank)
    after: list[list[int]] = [[] for _ in reach.flow.stages]
    for stage in live:
        for entry in reach.flow.entries[stage]:
            for source in entry.sources:
                if source.stage in live and source.named and reach.can_give(source):
                    after[source.stage].append(stage)
    for way in _ways(after, live, reach.rank):
        yield _back_to_itself(reach, way) if len(way) == 2 else _once_only(reach, way)


def _ways(after: list[list[int]], among: Collection[int], rank: dict[int, int]) -> Iterator[list[int]]:
    for group in components(after):
        first = min((each for each in group if each in among), key=rank.__getitem__, default=None)
        if first is not None and (way := way_round(first, after, set(group))):
            yield way


def _hopeless(reach: Reach, roots: set[int]) -> set[int]:
    """Stages that would not run even if all the roots did."""
    alive = set(reach.rank) | roots
    for group in reach.flow.order:
        changed = True
        while changed:
            more = {stage for stage in group if stage not in alive and _would_run(reach, stage, alive)}
            alive |= more
            changed = bool(more) and len(group) > 1
    return set(range(len(reach.flow.stages))) - alive


def _would_run(reach: Reach, stage: int, alive: set[int]) -> bool:
    return all(
        any(source.stage < 0 or source.stage in alive for source in entry.sources)
        for entry in reach.flow.entries[stage]
    )


def dead_loop(reach: Reach, way: list[int]) -> Finding:
    """The finding about one of `dead_ways`."""
    names = [reach.flow.names[each] for each in way]
    who = "it" if len(way) == 2 else "one of them"
    if len(way) == 2:
        reason = f"stage {names[0]} is never triggered: it waits for an event that only it emits itself"
    else:
        reason = f"stages wait for each other in a circle and none of them ever runs: {_named(names)}"
    fix = f"let {who} wait for an event that comes first, such as the one that starts the run"
    return Finding(ERROR, CYCLE, _place(reach, way), reason, fix, names[0], _trail(reach, way))


def _once_only(reach: Reach, way: list[int]) -> Finding:
    names = [reach.flow.names[each] for each in way]
    reason = f"circle {_named(names)}: a stage runs once in a run, so {names[-2]} can't start {names[0]} again"
    fix = "use retries to repeat a stage, or emit on a topic whose trigger starts another run"
    severity = ERROR if _is_meant(reach, way) else WARNING
    return Finding(severity, CYCLE, _place(reach, way), reason, fix, names[0], _trail(reach, way))


def _is_meant(reach: Reach, way: list[int]) -> bool:
    """Whether the first stage waits for something that only comes round the circle; else names just happen to fit."""
    first, last = way[0], way[-2]
    return any(
        {source.stage for source in each.sources} <= {*way}
        for entry in reach.flow.entries[first]
        for each in entry.alternatives
        if any(source.stage == last for source in each.sources)
    )


def _named(names: list[str]) -> str:
    shown = names if len(names) <= MOST else [*names[: MOST - 3], "…", *names[-2:]]
    return " → ".join(shown)


def _back_to_itself(reach: Reach, way: list[int]) -> Finding:
    name = reach.flow.names[way[0]]
    reason = f"stage {name} waits for an event that it also emits itself, and won't start again by it"
    fix = "give its own event another name"
    return Finding(WARNING, CYCLE, _place(reach, way), reason, fix, name, _trail(reach, way))


def _place(reach: Reach, way: list[int]) -> str:
    """Where the first stage waits for the last."""
    first, last = way[0], way[-2]
    return next(
        entry.place for entry in reach.flow.entries[first] if any(source.stage == last for source in entry.sources)
    )


def _trail(reach: Reach, way: list[int]) -> Trail:
    steps = [Step("stage", (reach.flow.names[way[0]],))]
    for stage, follower in pairwise(way):
        steps.append(Step("event", (in_short(reach.flow.between(stage, follower)),)))
        steps.append(Step("stage", (reach.flow.names[follower],)))
    return shortened(steps)
