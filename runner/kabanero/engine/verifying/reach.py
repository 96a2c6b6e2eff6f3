"""Which stages can ever run, and what must be so for each. Used by all modules that judge triggers.

The verdict "never" is certain, as long as nobody retries a stage by hand; "can run" may be too kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from kabanero.engine.verifying.flow import Entry, Flow, Source
from kabanero.engine.verifying.worlds import Worlds


class Reach:
    """`rank` says in which order stages were found to be possible: a source of a lower rank comes first in a run."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.worlds = Worlds(len(flow.stages), len(flow.starts))
        self._sets = [0] * len(flow.stages)
        self.rank: dict[int, int] = {}
        for group in flow.order:
            self._settle(group)

    def runs(self, stage: int) -> bool:
        """Whether the stage can run at all."""
        return self._sets[stage] != 0

    def can_give(self, source: Source) -> bool:
        """Whether the source can make its event."""
        return self._world_of_source(source) != 0

    def is_open(self, entry: Entry) -> bool:
        """Whether the entry can be met, looked at alone."""
        return self.world_of(entry) != 0

    def world_of(self, entry: Entry) -> int:
        """What must be so for an entry to be met; 0 where it can't be."""
        world = 0
        for source in entry.sources:
            world |= self._world_of_source(source)
        return world

    def dead(self) -> Iterator[int]:
        """Stages that can't run."""
        return (stage for stage in range(len(self.flow.stages)) if not self.runs(stage))

    def _settle(self, group: list[int]) -> None:
        """Stages that wait for each other are looked at again when one that they wait for has changed; others once."""
        todo, members = dict.fromkeys(group), set(group)
        while todo:
            stage = next(iter(todo))
            del todo[stage]
            world = self._world_of_stage(stage)
            if world != self._sets[stage]:
                self._sets[stage] = world
                self.rank.setdefault(stage, len(self.rank))
                todo |= dict.fromkeys(each for each in self.flow.after[stage] if each in members)

    def _world_of_stage(self, stage: int) -> int:
        entries = self.flow.entries[stage]
        world = self.worlds.ended(stage) if entries else 0
        for entry in entries:
            world &= self.world_of(entry)
            if not self.worlds.is_possible(world):
                return 0
        return world

    def _world_of_source(self, source: Source) -> int:
        if source.start >= 0:
            return self.worlds.began(source.start)
        if source.stage < 0:
            return self.worlds.everything
        world = self._sets[source.stage] & self.worlds.ended(source.stage, source.outcomes)
        return world if world and self.worlds.outcomes(world, source.stage) else 0
