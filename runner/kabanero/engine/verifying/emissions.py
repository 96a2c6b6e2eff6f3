"""What stages emit, seen from those who wait for it: which end of a stage makes an event that fits. Used by `flow`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kabanero.engine.emitting import reaches_run, statuses_for
from kabanero.engine.verifying.worlds import ANY, NONE, bit


@dataclass(frozen=True, slots=True)
class Emission:
    """One entry of a stage's `emit`; `stage` and `entry` are indexes."""

    stage: int
    entry: int
    attributes: Mapping[str, str]

    @property
    def name(self) -> str:
        """The event's name as it is written."""
        return self.attributes["name"]

    @property
    def stays_inside(self) -> bool:
        """Whether the run hears of it; an entry with a topic of its own goes out to others only."""
        return reaches_run(self.attributes)

    def outcomes_for(self, wanted: Mapping[str, str]) -> int:
        """The ends of the stage (bits) after which the event can have all these attributes."""
        outcomes = ANY
        for name, value in wanted.items():
            pattern = self.attributes.get(name) if name != "topic" else None
            outcomes &= NONE if pattern is None else sum(bit(word) for word in statuses_for(pattern, value))
        return outcomes
