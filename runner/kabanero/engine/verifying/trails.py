"""The path of events that leads to a stage, so that a person can follow it with the finger. Used for findings."""

from __future__ import annotations

from collections.abc import Mapping

from kabanero.engine.verifying.finding import Step, Trail, in_short, shortened
from kabanero.engine.verifying.flow import Alternative, Source
from kabanero.engine.verifying.reach import Reach

Cause = tuple[Alternative, Source]


def trail_to(reach: Reach, stage: int) -> Trail:
    """From the start of a run to a stage that can run; stages that must all have run stand in one step."""
    return shortened(steps_to(reach, stage))


def steps_to(reach: Reach, stage: int) -> list[Step]:
    """The same, however long."""
    causes = _ancestors(reach, stage)
    depth = _depths(causes, reach.rank)
    layers: list[list[int]] = [[] for _ in range(depth[stage] + 1)]
    for each in sorted(causes):
        layers[depth[each]].append(each)
    steps = []
    for layer in layers:
        events = dict.fromkeys(in_short(alternative.wanted) for each in layer for alternative, _ in causes[each])
        steps += [Step("event", tuple(events)), Step("stage", tuple(reach.flow.names[each] for each in layer))]
    return steps


def _ancestors(reach: Reach, stage: int) -> dict[int, list[Cause]]:
    """The stage and all that it takes to start it, each with what meets its entries."""
    found: dict[int, list[Cause]] = {}
    todo = [stage]
    while todo:
        each = todo.pop()
        if each not in found:
            found[each] = _causes(reach, each)
            todo += [source.stage for _, source in found[each] if source.stage >= 0]
    return found


def _causes(reach: Reach, stage: int) -> list[Cause]:
    """For every entry the source that comes first: a start or somebody outside, else the stage of the lowest rank."""

    def earliest(cause: Cause) -> int:
        return reach.rank.get(cause[1].stage, -1)

    options = [
        [(each, source) for each in entry.alternatives for source in each.sources if reach.can_give(source)]
        for entry in reach.flow.entries[stage]
    ]
    return [min(causes, key=earliest) for causes in options]


def _depths(causes: Mapping[int, list[Cause]], rank: Mapping[int, int]) -> dict[int, int]:
    depth: dict[int, int] = {}
    for stage in sorted(causes, key=rank.__getitem__):
        before = [depth[source.stage] for _, source in causes[stage] if source.stage >= 0]
        depth[stage] = max(before, default=-1) + 1
    return depth
