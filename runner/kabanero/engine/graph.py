"""A strategy as a graph: its stages, the events between them, and those from outside. Pure.

Drawn by `kabanero graph`, for a strategy or for a run. What an emission can become and which stages can ever run is
decided by `triggering`, as for a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from kabanero.engine.beginning import starts_of
from kabanero.engine.draft import Draft
from kabanero.engine.emitting import Attributes, could_fit, fits
from kabanero.engine.triggering import can_still_run, order_of
from kabanero.model.kinds.base import Model
from kabanero.model.kinds.runs import PinnedDefinition, PlannedStage, RecordedEvent, RunStatus, StagePhase
from kabanero.model.kinds.strategy import StageBinding, StrategySpec
from kabanero.model.outcomes import STAGE_STATUS

Origin = Literal["first", "external", "missing"]


class GraphEvent(Model):
    """An event that no stage sends: it starts the run, comes from outside, or never comes."""

    id: str = Field(description="Unique in the graph.")
    text: str = Field(description="As an edge is labelled.")
    origin: Origin = Field(description="`missing`: no stage sends it, and it neither starts a run nor is declared.")


class GraphStage(Model):
    """A stage. `triggers`: all entries are needed, of each one of its alternatives."""

    id: str = Field(description="Unique in the graph.")
    name: str = Field(description="stageName.")
    kind: str = Field(description="Kind of the stage.")
    triggers: tuple[tuple[str, ...], ...] = Field(default=(), description="Labels of the events.")
    unheard: tuple[str, ...] = Field(default=(), description="Events that it sends and no stage waits for.")
    reachable: bool = Field(default=True, description="False: nothing can trigger it.")
    phase: StagePhase | None = Field(default=None, description="In a run, where it stands.")


class GraphEdge(Model):
    """An event on its way from a stage, or from a GraphEvent, to a stage that waits for it."""

    source: str = Field(description="id of a stage or event.")
    target: str = Field(description="id of a stage.")
    label: str = Field(description="The event.")
    entry: int = Field(description="Index of the entry of the target's triggers.")
    alternative: int = Field(description="Index in the entry's anyOf; 0 where there is none.")
    back: bool = Field(default=False, description="It leads back: the target comes before the source.")
    happened: bool = Field(default=False, description="In a run: the event has happened, from this source.")


class Graph(Model):
    """The whole drawing, in words."""

    name: str = Field(description="Name of the strategy or run.")
    stages: tuple[GraphStage, ...] = Field(description="Stages, after those whose events trigger them.")
    events: tuple[GraphEvent, ...] = Field(default=(), description="Events that no stage sends.")
    edges: tuple[GraphEdge, ...] = Field(default=(), description="What leads to what.")


def label_of(attributes: Attributes) -> str:
    """An event in few characters: `Build=Success`, further attributes behind it."""
    rest = [f"{name}={value}" for name, value in attributes.items() if name not in ("name", "status")]
    name, status = attributes.get("name", "*"), attributes.get("status", "")
    return ", ".join([f"{name}={status}" if status else name, *rest])


def graph_of(name: str, spec: StrategySpec, first: Iterable[Attributes] = (), status: RunStatus | None = None) -> Graph:
    """The graph of a pinned spec. `first`: events with which its triggers start it; `status`: of a run of it."""
    run = status or _empty(spec)
    begun: list[Attributes] = [event.attributes for event in run.events if not event.stage]
    firsts = begun or _starting(spec, list(first))
    return _Maker(name, spec, run, firsts, is_run=status is not None).graph()


def _starting(spec: StrategySpec, said: list[Attributes]) -> list[Attributes]:
    """What triggers say; where no stage waits for that, a run made by hand still begins with what the spec says."""
    wanted = [each for binding in spec.stage_bindings for each in _wants(binding)]
    heard = any(fits(each, event) for each in wanted for event in said)
    return said if heard else [*said, *first_events(spec)]


def first_events(spec: StrategySpec) -> list[Attributes]:
    """The events that start it, as far as it says itself: of several the one that leads to most stages."""
    starts = starts_of(spec)
    awaited = [(each, wanted["name"]) for each in spec.stage_bindings for wanted in _wants(each) if "name" in wanted]
    of_first = [name for each, name in awaited if each.stage_name == spec.first_stage and name in starts]
    names = of_first or [name for _, name in awaited if name in starts]
    if not names:
        return []
    return [{"name": max(names, key=lambda name: len(_runnable(spec, _empty(spec), [{"name": name}])))}]


def _wants(binding: StageBinding) -> list[dict[str, str]]:
    return [wanted for trigger in binding.triggers for wanted in trigger.alternatives]


def _empty(spec: StrategySpec) -> RunStatus:
    """A run in which nothing has happened."""
    stages = tuple(PlannedStage(name=each.stage_name, stage_run="") for each in spec.stage_bindings)
    return RunStatus(stages=stages, definition=PinnedDefinition(digest="", spec=spec))


def _runnable(spec: StrategySpec, run: RunStatus, firsts: Sequence[Attributes]) -> set[str]:
    """Waiting stages that can be triggered when these events come first, whatever further attributes they have."""
    named = {event.get("name") for event in firsts}
    begun = [
        RecordedEvent(id=f"first/{place}", attributes=dict(wanted), time="")
        for place, wanted in enumerate(wanted for each in spec.stage_bindings for wanted in _wants(each))
        if wanted.get("name") in named
    ]
    return can_still_run(Draft(run.model_copy(update={"events": (*run.events, *begun)}), ""))


class _Maker:
    """Makes one graph."""

    def __init__(
        self, name: str, spec: StrategySpec, run: RunStatus, firsts: Sequence[Attributes], *, is_run: bool
    ) -> None:
        self._name, self._spec, self._run, self._firsts, self._is_run = name, spec, run, firsts, is_run
        self._order = order_of(spec)
        self._bindings = sorted(spec.stage_bindings, key=lambda each: self._order[each.stage_name])
        self._ids = {id(each): f"s{place}" for place, each in enumerate(self._bindings)}
        self._events: dict[tuple[str, str], GraphEvent] = {}
        self._edges: list[GraphEdge] = []

    def graph(self) -> Graph:
        """Edges first: they find the events."""
        for binding in self._bindings:
            for entry, trigger in enumerate(binding.triggers):
                for alternative, wanted in enumerate(trigger.alternatives):
                    self._lead(binding, wanted, entry, alternative)
        stages = tuple(self._stage(binding) for binding in self._bindings)
        return Graph(name=self._name, stages=stages, events=tuple(self._events.values()), edges=tuple(self._edges))

    def _lead(self, target: StageBinding, wanted: Attributes, entry: int, alternative: int) -> None:
        """Edges for one match, from everything that can meet it."""
        place = {"target": self._ids[id(target)], "label": label_of(wanted), "entry": entry, "alternative": alternative}
        senders = [each for each in self._bindings if any(could_fit(wanted, told) for told in each.emit)]
        for sender in senders:
            back = self._order[sender.stage_name] >= self._order[target.stage_name]
            happened = self._happened(wanted, sender.stage_name)
            self._edges.append(GraphEdge(source=self._ids[id(sender)], back=back, happened=happened, **place))
        for origin in self._origins(wanted, alone=not senders):
            happened = self._happened(wanted, "")
            self._edges.append(GraphEdge(source=self._event(wanted, origin), happened=happened, **place))

    def _origins(self, wanted: Attributes, *, alone: bool) -> list[Origin]:
        name = wanted.get("name")
        if any(fits(wanted, event) or (not self._is_run and event.get("name") == name) for event in self._firsts):
            return ["first"]
        if name in self._spec.external_events:
            return ["external"]
        return ["missing"] if alone else []

    def _event(self, wanted: Attributes, origin: Origin) -> str:
        event = GraphEvent(id=f"e{len(self._events)}", text=label_of(wanted), origin=origin)
        return self._events.setdefault((event.text, origin), event).id

    def _happened(self, wanted: Attributes, stage: str) -> bool:
        return self._is_run and any(
            event.stage == stage and fits(wanted, event.attributes) for event in self._run.events
        )

    def _stage(self, binding: StageBinding) -> GraphStage:
        return GraphStage(
            id=self._ids[id(binding)],
            name=binding.stage_name,
            kind=binding.stage_ref.kind,
            triggers=tuple(tuple(label_of(each) for each in trigger.alternatives) for trigger in binding.triggers),
            unheard=tuple(label_of(_written(told)) for told in binding.emit if not self._is_heard(told)),
            reachable=self._is_reachable(binding.stage_name),
            phase=self._phase(binding.stage_name),
        )

    def _is_heard(self, told: Attributes) -> bool:
        return any(could_fit(wanted, told) for each in self._bindings for wanted in _wants(each))

    def _is_reachable(self, stage: str) -> bool:
        if self._phase(stage) not in (None, StagePhase.WAITING):
            return True
        firsts = [] if self._is_run else self._firsts
        return stage in _runnable(self._spec, self._run, firsts)

    def _phase(self, stage: str) -> StagePhase | None:
        return next((each.phase for each in self._run.stages if self._is_run and each.name == stage), None)


def _written(told: Attributes) -> Attributes:
    """An emission without the status that is only known at the end."""
    return {name: value for name, value in told.items() if value != STAGE_STATUS}
