"""Who can make the event that a stage waits for: other stages, the start of a run, or somebody outside.

The strategy as a graph. Made once for each strategy and read by all modules that follow events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kabanero.engine.emitting import is_open
from kabanero.engine.verifying.emissions import Emission
from kabanero.engine.verifying.graphs import components
from kabanero.engine.verifying.worlds import ANY
from kabanero.model.kinds.strategy import StageBinding, StrategySpec

Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """One way in which an event can come about: a stage ends so, a run starts with it, or it comes from outside.

    `stage` and `start` are indexes, -1 where it is not that; both -1: from outside. `outcomes` are bits. `named`: the
    event surely has the name; else a placeholder decides.
    """

    stage: int = -1
    start: int = -1
    outcomes: int = ANY
    named: bool = True


@dataclass(frozen=True, slots=True)
class Alternative:
    """One event that meets an entry, with its place in the definition and all its sources."""

    wanted: Attributes
    place: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stage's triggers; one of the alternatives is enough."""

    place: str
    alternatives: tuple[Alternative, ...]

    @property
    def sources(self) -> Iterator[Source]:
        """All sources of all alternatives."""
        return (source for each in self.alternatives for source in each.sources)


class Flow:
    """The pinned spec as a graph. `raw` is the spec as it was written: it says what a binding has from its stage.

    `starts` are the attributes of every event with which a run may begin.
    """

    def __init__(self, spec: StrategySpec, raw: Mapping[str, Any], starts: Sequence[Attributes]) -> None:
        self.spec, self.starts, self._raw = spec, starts, raw
        self.stages: tuple[StageBinding, ...] = spec.stage_bindings
        self.names = [each.stage_name for each in self.stages]
        self.emissions = [
            Emission(stage, entry, attributes)
            for stage, binding in enumerate(self.stages)
            for entry, attributes in enumerate(binding.emit)
        ]
        self._by_name: dict[str, list[Emission]] = defaultdict(list)
        for each in self.emissions:
            self._by_name["" if is_open(each.name) else each.name].append(each)
        self._starts_by_name: dict[str, list[int]] = defaultdict(list)
        for index, attributes in enumerate(starts):
            self._starts_by_name[attributes["name"]].append(index)
        self._known: dict[tuple[tuple[str, str], ...], tuple[Source, ...]] = {}
        self.entries = [self._entries(stage) for stage in range(len(self.stages))]

    def named(self, name: str | None) -> Iterator[Emission]:
        """Emissions that the run hears of whose event can have this name; without a name, all."""
        lists = self._by_name.values() if name is None else (self._by_name.get(name, ()), self._by_name.get("", ()))
        return (each for emissions in lists for each in emissions if each.stays_inside)

    def spelt(self, name: str) -> Sequence[Emission]:
        """Emissions of exactly this name, also those that the run does not hear of."""
        return self._by_name.get(name, ())

    @cached_property
    def after(self) -> list[list[int]]:
        """Of each stage those that an event of it can help to start; itself among them where that is so."""
        found: list[dict[int, None]] = [{} for _ in self.stages]
        for stage, entries in enumerate(self.entries):
            for entry in entries:
                for source in entry.sources:
                    if source.stage >= 0:
                        found[source.stage][stage] = None
        return [list(each) for each in found]

    @cached_property
    def order(self) -> list[list[int]]:
        """Stages in groups that wait for each other, each group after those that feed it."""
        return components(self.after)

    @cached_property
    def awaited(self) -> dict[str, list[int]]:
        """Stages by the name of an event that they wait for."""
        found: dict[str, dict[int, None]] = defaultdict(dict)
        for stage, entries in enumerate(self.entries):
            for entry in entries:
                for each in entry.alternatives:
                    found[each.wanted.get("name", "")][stage] = None
        return {name: list(stages) for name, stages in found.items()}

    def between(self, stage: int, follower: int) -> Attributes:
        """What the follower waits for that the stage can make."""
        return next(
            each.wanted
            for entry in self.entries[follower]
            for each in entry.alternatives
            for source in each.sources
            if source.stage == stage
        )

    def is_heard(self, emission: Emission) -> bool:
        """Whether a stage waits for the event."""
        if is_open(emission.name):
            return True
        waiting = {*self.awaited.get(emission.name, ()), *self.awaited.get("", ())}
        return any(
            emission.outcomes_for(each.wanted)
            for stage in waiting
            for entry in self.entries[stage]
            for each in entry.alternatives
        )

    def place(self, stage: int, field: str = "") -> str:
        """The field path of a stage binding, or of a field of it; what it has from its stage is at `stageRef`."""
        base = f"spec.stageBindings[{stage}]"
        if field and not self._raw["stageBindings"][stage].get(field):
            return f"{base}.stageRef"
        return f"{base}.{field}" if field else base

    def _entries(self, stage: int) -> tuple[Entry, ...]:
        base, own = self.place(stage, "triggers"), self._raw["stageBindings"][stage].get("triggers")
        entries = []
        for index, trigger in enumerate(self.stages[stage].triggers):
            place = f"{base}[{index}]" if own else base
            alternatives = tuple(
                Alternative(
                    wanted, _match_place(place, trigger.match is None, number, bool(own)), self._sources(wanted)
                )
                for number, wanted in enumerate(trigger.alternatives)
            )
            entries.append(Entry(place, alternatives))
        return tuple(entries)

    def _sources(self, wanted: Attributes) -> tuple[Source, ...]:
        key = tuple(sorted(wanted.items()))
        if key not in self._known:
            self._known[key] = (*self._outside(wanted), *self._starts(wanted), *self._inside(wanted))
        return self._known[key]

    def _outside(self, wanted: Attributes) -> Iterator[Source]:
        if wanted.get("name") in self.spec.external_events:
            yield Source()

    def _starts(self, wanted: Attributes) -> Iterator[Source]:
        possible = self._starts_by_name.get(wanted["name"], ()) if "name" in wanted else range(len(self.starts))
        for index in possible:
            attributes = self.starts[index]
            if all(attributes.get(name) == value for name, value in wanted.items()):
                yield Source(start=index)

    def _inside(self, wanted: Attributes) -> Iterator[Source]:
        for each in self.named(wanted.get("name")):
            if outcomes := each.outcomes_for(wanted):
                yield Source(stage=each.stage, outcomes=outcomes, named=not is_open(each.name))


def _match_place(entry: str, any_of: bool, number: int, own: bool) -> str:
    if not own:
        return entry
    return f"{entry}.anyOf[{number}].match" if any_of else f"{entry}.match"
