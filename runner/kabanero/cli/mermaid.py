"""A strategy's graph as a Mermaid flowchart, as GitHub and many documents show it. Pure text. Used by `graph`.

Whatever stands in a name is only text: all but letters, digits and a few harmless signs is written as an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kabanero.cli.graphview import unreachable
from kabanero.cli.text import safe
from kabanero.cli.treeview import UNICODE
from kabanero.engine.graph import Graph, GraphEdge, GraphStage

_HARMLESS = re.compile(r"[\w ,=/()-]")
_LIST = re.compile(r"^\s*(\d+[.)]|[-+*])\s")
_NOTHING = "#8203;"
"""A blank without width: keeps Mermaid from taking a name such as `1. build` for the beginning of a list."""
_CLASSES = {
    "Succeeded": "fill:#d8f5dd,stroke:#1a7f37,color:#0b3d1a",
    "Failed": "fill:#ffdcd7,stroke:#cf222e,color:#5c0a12",
    "Errored": "fill:#ffdcd7,stroke:#cf222e,color:#5c0a12",
    "TimedOut": "fill:#ffdcd7,stroke:#cf222e,color:#5c0a12",
    "Cancelled": "fill:#fff1c9,stroke:#9a6700,color:#4d3300",
    "Running": "fill:#d5ebff,stroke:#0969da,color:#06325f",
    "Triggered": "fill:#d5ebff,stroke:#0969da,color:#06325f",
    "Waiting": "fill:#f4f4f4,stroke:#888888,color:#333333",
    "Skipped": "fill:#f4f4f4,stroke:#bbbbbb,color:#888888,stroke-dasharray:4 3",
    "never": "stroke:#cf222e,stroke-dasharray:4 3",
    "first": "stroke-width:2px",
    "external": "stroke-dasharray:4 3",
    "missing": "stroke:#cf222e,color:#cf222e,stroke-dasharray:4 3",
}
_GLYPHS = {"first": "▶", "external": "◇", "missing": "✘"}


def mermaid(graph: Graph) -> str:
    """The flowchart."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "flowchart TD"
    for event in graph.events:
        yield f'    {event.id}(["{_GLYPHS[event.origin]} {escaped(event.text)}"])'
    joins = _Joins(graph)
    for stage in graph.stages:
        yield f'    {stage.id}["{_box(stage)}"]'
        yield from joins.nodes(stage)
    for edge in graph.edges:
        arrow = "==>" if edge.happened else "-->"
        yield f"    {edge.source} {arrow}{_label(graph, edge)} {joins.entrance(edge)}"
    yield from _classes(graph)


def escaped(text: str) -> str:
    """A text that Mermaid shows as it is, in quotes."""
    plain = safe(text)
    lead = _NOTHING if _LIST.match(plain) else ""
    return lead + "".join(each if _HARMLESS.match(each) else f"#{ord(each)};" for each in plain)


def _box(stage: GraphStage) -> str:
    phase = stage.phase.value if stage.phase else ""
    glyph = f"{UNICODE.glyph(phase, False, None)} " if phase else ""
    rows = [glyph + escaped(stage.name), f"<small>{escaped(stage.kind)}</small>"]
    rows += [phase] if phase else []
    rows += [f"<small>→ {escaped(each)}</small>" for each in stage.unheard]
    rows += [] if stage.reachable else [escaped(unreachable(stage))]
    return "<br/>".join(rows)


def _label(graph: Graph, edge: GraphEdge) -> str:
    """The event's name; one from outside has it in its node already."""
    return "" if any(event.id == edge.source for event in graph.events) else f'|"{escaped(edge.label)}"|'


class _Joins:
    """Small nodes before a stage where events are joined: `and` over its entries, `or` over an entry's alternatives."""

    def __init__(self, graph: Graph) -> None:
        self._stages = {stage.id: stage for stage in graph.stages}

    def nodes(self, stage: GraphStage) -> Iterator[str]:
        """The joins of a stage and their ways to it."""
        target = stage.id
        if len(stage.triggers) > 1:
            target = f"{stage.id}and"
            yield f'    {target}{{{{"and"}}}} --> {stage.id}'
        for place, entry in enumerate(stage.triggers):
            if len(entry) > 1:
                yield f'    {stage.id}or{place}{{{{"or"}}}} --> {target}'

    def entrance(self, edge: GraphEdge) -> str:
        """Where an edge goes in."""
        triggers = self._stages[edge.target].triggers
        if len(triggers[edge.entry]) > 1:
            return f"{edge.target}or{edge.entry}"
        return f"{edge.target}and" if len(triggers) > 1 else edge.target


def _classes(graph: Graph) -> Iterator[str]:
    members: dict[str, list[str]] = {}
    for event in graph.events:
        members.setdefault(event.origin, []).append(event.id)
    for stage in graph.stages:
        if stage.phase is not None:
            members.setdefault(stage.phase.value, []).append(stage.id)
        elif not stage.reachable:
            members.setdefault("never", []).append(stage.id)
    for name, ids in members.items():
        yield f"    classDef {name} {_CLASSES[name]}"
        yield f"    class {','.join(ids)} {name}"
