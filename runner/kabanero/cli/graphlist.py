"""A strategy's graph as a list of stages, for where a drawing doesn't fit. Pure text, no I/O. Used by `graph`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from kabanero.cli.explainview import MISSING, PLAIN, Line
from kabanero.cli.graphview import DIM, ORIGINS, unreachable
from kabanero.cli.text import one_line
from kabanero.cli.treeview import PHASE_STYLES
from kabanero.engine.graph import Graph, GraphEdge, GraphStage

_STEP = 4


def listed(graph: Graph) -> Iterator[Line]:
    """Every stage with what it waits for, from whom, and what it leads to."""
    lister = _Lister(graph)
    for place, stage in enumerate(graph.stages):
        if place:
            yield Line(0, Text())
        yield from lister.stage(stage)


class _Lister:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._stages = {stage.id: one_line(stage.name) for stage in graph.stages}
        self._events = {event.id: event for event in graph.events}

    def stage(self, stage: GraphStage) -> Iterator[Line]:
        """One stage."""
        phase = stage.phase.value if stage.phase else ""
        head = Text(self._stages[stage.id], style="bold")
        head.append(f"  {one_line(stage.kind)}", style=DIM)
        head.append(f"  {phase}" if phase else "", style=PHASE_STYLES.get(phase, ""))
        yield Line(0, head, phase or None)
        if not stage.reachable:
            yield Line(_STEP, Text(unreachable(stage).split(" ", 1)[1]), MISSING)
        yield from self._needs(stage)
        yield from self._leads_to(stage)

    def _needs(self, stage: GraphStage) -> Iterator[Line]:
        for place, entry in enumerate(stage.triggers):
            lead = "waits for " if not place else "      and "
            for which, label in enumerate(entry):
                text = Text(lead if not which else "       or ").append(one_line(label), style="bold")
                yield Line(_STEP, text.append(f"  {self._sources(stage, place, which)}", style=DIM), PLAIN)

    def _sources(self, stage: GraphStage, entry: int, alternative: int) -> str:
        edges = [
            edge
            for edge in self._graph.edges
            if (edge.target, edge.entry, edge.alternative) == (stage.id, entry, alternative)
        ]
        return ", ".join(self._source(edge) for edge in edges)

    def _source(self, edge: GraphEdge) -> str:
        happened = ", has happened" if edge.happened else ""
        if event := self._events.get(edge.source):
            glyph, _, words = ORIGINS[event.origin]
            return f"{glyph} {words}{happened}"
        return f"from {self._stages[edge.source]}{' ↺' if edge.back else ''}{happened}"

    def _leads_to(self, stage: GraphStage) -> Iterator[Line]:
        led: dict[str, list[str]] = {}
        for edge in self._graph.edges:
            if edge.source == stage.id:
                led.setdefault(one_line(edge.label), []).append(self._stages[edge.target])
        for label, targets in led.items():
            yield Line(_STEP, Text(f"sends {label} → {', '.join(dict.fromkeys(targets))}"), PLAIN)
        for label in stage.unheard:
            yield Line(_STEP, Text(f"sends {one_line(label)}, for which no stage waits", style=DIM), PLAIN)
