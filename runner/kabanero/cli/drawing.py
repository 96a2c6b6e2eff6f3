"""Prints graphs in the form that is asked for and that the terminal has room for. Used by `graph`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.text import Text

from kabanero.cli.explainview import broken
from kabanero.cli.graphlist import listed
from kabanero.cli.graphview import BACK, ORIGINS, UNHEARD, drawn, in_ascii
from kabanero.cli.mermaid import mermaid
from kabanero.cli.output import colours, note, print_object
from kabanero.cli.text import safe
from kabanero.cli.treeview import ASCII, UNICODE
from kabanero.engine.graph import Graph

WIDEST = 160
"""Cells that a drawing may take where there is no terminal that says how wide it is."""


def show(graphs: Sequence[Graph], output: str) -> None:
    """Prints them below each other."""
    if output in ("json", "yaml"):
        found = [graph.model_dump(mode="json", by_alias=True, exclude_none=True) for graph in graphs]
        print_object(found[0] if len(found) == 1 else {"items": found}, output)
        return
    for place, graph in enumerate(graphs):
        if place:
            click.echo()
        if output == "mermaid":
            _show_mermaid(graph, titled=len(graphs) > 1)
        else:
            _Terminal(graph).show(output, titled=len(graphs) > 1)


def _show_mermaid(graph: Graph, *, titled: bool) -> None:
    if titled:
        click.echo(f"%% {safe(graph.name)}")
    click.echo(mermaid(graph), nl=False)


class _Terminal:
    """One graph on a terminal, or on something that isn't one."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._console = Console(highlight=False, color_system="auto" if colours() else None)
        self._ascii = self._console.options.ascii_only
        self._alphabet = ASCII if self._ascii else UNICODE
        self._width = self._console.width if sys.stdout.isatty() else 0

    def show(self, output: str, *, titled: bool) -> None:
        """The drawing; a list where it is asked for, or where the drawing doesn't fit."""
        if titled:
            self._print(Text(safe(self._graph.name), style="bold"))
        wide = self._width or WIDEST
        lines = drawn(self._graph, self._alphabet, wide, ascii=self._ascii) if output == "drawing" else None
        if lines is None:
            self._show_list(said=output == "list")
            return
        for line in lines:
            self._print(line)
        self._show_legend()

    def _show_list(self, *, said: bool) -> None:
        if not said:
            note(f"the drawing doesn't fit into {self._width or WIDEST} columns: here is the list")
        for line in listed(self._graph):
            for text in broken(line, self._width, self._alphabet):
                self._print(in_ascii(text) if self._ascii else text)

    def _show_legend(self) -> None:
        """What the signs mean that are in the drawing and don't speak for themselves."""
        origins = {event.origin for event in self._graph.events}
        signs = {ORIGINS[origin][0]: ORIGINS[origin][2] for origin in ORIGINS if origin in origins}
        signs |= {UNHEARD: "no stage waits for it"} if any(stage.unheard for stage in self._graph.stages) else {}
        signs |= {BACK: "leads back"} if any(edge.back for edge in self._graph.edges) else {}
        text = Text("  ".join(f"{sign} {words}" for sign, words in signs.items()), style="bright_black")
        for line in text.wrap(self._console, self._width or WIDEST):
            self._print(in_ascii(line) if self._ascii else line)

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
