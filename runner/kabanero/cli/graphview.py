"""Draws a strategy's graph with characters: boxes for stages, lines for events. Pure text, no I/O.

`drawn` gives the drawing where it fits the width, plainer where only that fits, else None: then `graphlist` tells the
same as a list. Used by `graph`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from kabanero.cli.graphlayout import Box, Layout, Net, TooTangledError, Wire, arranged
from kabanero.cli.text import one_line
from kabanero.cli.treeview import PHASE_STYLES, Alphabet
from kabanero.engine.graph import Graph, GraphEdge, GraphEvent, GraphStage

ORIGINS = {
    "first": ("▶", "bold", "starts a run"),
    "external": ("◇", "cyan", "comes from outside"),
    "missing": ("✘", "red", "no stage sends it"),
}
UNHEARD, BACK = "→", "↺"
DIM = "bright_black"
_HAPPENED = "green"
_NORTH, _EAST, _SOUTH, _WEST = 1, 2, 4, 8
_LINES = dict(zip(range(1, 16), "╵╶└╷│┌├╴┘─┴┐┤┬┼", strict=True))
_ASCII = str.maketrans("╵╶└╷│┌├╴┘─┴┐┤┬┼▼▶◇✘…↺→╭╮╰╯╎╌", "|-+||++-+-+++++v>*x.@~++++:-")
_LAST_RESORT = 14
_LONGEST = (40, 22, _LAST_RESORT)


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands in one box or event, line by line with its style, and the style of its frame."""

    lines: tuple[tuple[str, str], ...]
    frame: str
    is_box: bool = True
    is_broken: bool = False

    @property
    def width(self) -> int:
        """Cells, with the frame."""
        return max(cell_len(text) for text, _ in self.lines) + (4 if self.is_box else 0)

    @property
    def height(self) -> int:
        """Rows, with the frame."""
        return len(self.lines) + (2 if self.is_box else 0)


def drawn(graph: Graph, alphabet: Alphabet, width: int = 0, *, ascii: bool = False) -> list[Text] | None:
    """Lines of the drawing, at most `width` cells wide (0: any width); None where it doesn't fit or gets tangled."""
    for longest in _LONGEST:
        maker = _Drawing(graph, alphabet, longest)
        try:
            layout = maker.layout()
        except TooTangledError:
            continue
        if not width or layout.width <= width:
            lines = maker.lines(layout)
            return [in_ascii(line) for line in lines] if ascii else lines
    return None


def in_ascii(line: Text) -> Text:
    """The line with the characters that we draw with in ASCII."""
    return Text(line.plain.translate(_ASCII), spans=line.spans)


def unreachable(stage: GraphStage) -> str:
    """That a stage can't be triggered: at all, or in this run."""
    return "✘ never triggered" if stage.phase is None else "✘ can't be triggered"


def fitting(text: str, longest: int) -> str:
    """Safe text of at most so many cells."""
    line = one_line(text)
    return line if cell_len(line) <= longest else set_cell_size(line, longest - 1) + "…"


class _Drawing:
    """`longest`: cells that a name or an event may take; the shorter, the plainer the boxes."""

    def __init__(self, graph: Graph, alphabet: Alphabet, longest: int) -> None:
        self._graph, self._alphabet, self._longest = graph, alphabet, longest
        self._forward = [edge for edge in graph.edges if not edge.back]
        self._nets = self._find_nets()
        self._pictures = {
            **{stage.id: self._of_stage(stage) for stage in graph.stages},
            **{event.id: self._of_event(event) for event in graph.events},
        }

    def layout(self) -> Layout:
        """Places everything. Raises TooTangledError."""
        layers = _layers(self._graph, self._forward)
        boxes = [
            Box(id, max(picture.width, 5), picture.height, layers[id], sinks=not picture.is_box)
            for id, picture in self._pictures.items()
            if id in layers
        ]
        events = {event.id for event in self._graph.events}
        nets = [
            Net(
                key,
                edges[0].source,
                tuple(dict.fromkeys(edge.target for edge in edges)),
                0 if edges[0].source in events else cell_len(self._label(edges[0])),
            )
            for key, edges in enumerate(self._nets)
        ]
        return arranged(boxes, nets)

    def _find_nets(self) -> list[list[GraphEdge]]:
        """Edges of one event from one source are one line that branches."""
        nets: dict[tuple[str, str], list[GraphEdge]] = {}
        for edge in self._forward:
            nets.setdefault((edge.source, edge.label), []).append(edge)
        return list(nets.values())

    def _label(self, edge: GraphEdge) -> str:
        return fitting(edge.label, self._longest)

    # --- what stands in a box ---

    def _of_stage(self, stage: GraphStage) -> Picture:
        phase = stage.phase.value if stage.phase else ""
        style = PHASE_STYLES.get(phase, "" if stage.reachable else "red")
        glyph = f"{self._alphabet.glyph(phase, False, None)} " if phase else ""
        lines = [(glyph + fitting(stage.name, self._longest), f"bold {style}".strip())]
        if self._longest > _LAST_RESORT:
            lines.append((" ".join(part for part in (fitting(stage.kind, self._longest), phase) if part), DIM))
            lines += [(line, "") for line in self._needs(stage)]
            lines += [(f"{UNHEARD} {fitting(text, self._longest)}", DIM) for text in stage.unheard]
        lines += [(f"{BACK} {line}", "magenta") for line in self._backs(stage)]
        if not stage.reachable:
            lines.append((unreachable(stage), "red"))
        return Picture(tuple(lines), style, is_broken=not stage.reachable)

    def _needs(self, stage: GraphStage) -> Iterator[str]:
        """How several events are joined."""
        if sum(len(entry) for entry in stage.triggers) < 2:
            return
        word, entries = "all of", stage.triggers
        if len(stage.triggers) == 1:
            word, entries = "any of", tuple((text,) for text in stage.triggers[0])
        for place, entry in enumerate(entries):
            text = " or ".join(fitting(each, self._longest) for each in entry)
            yield f"{word if not place else ' ' * len(word)} {fitting(text, 2 * self._longest)}"

    def _backs(self, stage: GraphStage) -> list[str]:
        names = {each.id: each.name for each in self._graph.stages}
        return [
            f"{self._label(edge)} from {fitting(names[edge.source], self._longest)}"
            for edge in self._graph.edges
            if edge.back and edge.target == stage.id
        ]

    def _of_event(self, event: GraphEvent) -> Picture:
        glyph, style, _ = ORIGINS[event.origin]
        return Picture(((f"{glyph} {fitting(event.text, self._longest)}", style),), style, is_box=False)

    # --- drawing ---

    def lines(self, layout: Layout) -> list[Text]:
        """The canvas, row by row."""
        canvas = _Canvas(layout.width, layout.height)
        for place, layer in enumerate(layout.layers):
            for box in layer:
                if not box.is_bend:
                    _draw_picture(canvas, box, self._pictures[box.id])
            if place < len(layout.channels):
                self._draw_channel(canvas, layout, place)
        return canvas.lines()

    def _draw_channel(self, canvas: _Canvas, layout: Layout, place: int) -> None:
        channel = layout.channels[place]
        first = channel.y + int(channel.has_labels)
        end = channel.y + channel.height - 1
        for wire in channel.wires:
            style = self._wire_style(wire.net)
            at = first + wire.track if wire.track >= 0 else end
            top = self._bottom_of(layout, place, wire.net)
            canvas.vertical(wire.net, wire.top, top, at, style)
            for column in wire.bottoms:
                canvas.vertical(wire.net, column, at, end + 1, style)
            if wire.track >= 0:
                canvas.horizontal(wire.net, *wire.span, at, style)
            self._draw_start(canvas, layout, place, wire)
        for column in channel.arrows:
            canvas.put(column, end, "▼")
        self._draw_bends(canvas, layout, place)

    def _draw_bends(self, canvas: _Canvas, layout: Layout, place: int) -> None:
        for box in layout.layers[place + 1]:
            if box.is_bend:
                net = int(box.id.split()[1])
                canvas.vertical(net, box.center, box.y - 1, box.y + box.height, self._wire_style(net))

    def _bottom_of(self, layout: Layout, place: int, net: int) -> int:
        """The row in which a line begins: the lower edge of its box."""
        source = layout.boxes[self._nets[net][0].source]
        return layout.channels[place].y if source.layer != place else source.y + source.height - 1

    def _draw_start(self, canvas: _Canvas, layout: Layout, place: int, wire: Wire) -> None:
        """Where a line leaves its stage: the mark in the frame, and the event's name beside it."""
        edge = self._nets[wire.net][0]
        source, picture = layout.boxes[edge.source], self._pictures[edge.source]
        if source.layer == place and picture.is_box:
            canvas.write(wire.top, source.y + source.height - 1, "┬", picture.frame)
            canvas.write(wire.top + 2, layout.channels[place].y, self._label(edge), self._wire_style(wire.net))

    def _wire_style(self, net: int) -> str:
        return _HAPPENED if any(edge.happened for edge in self._nets[net]) else DIM


def _draw_picture(canvas: _Canvas, box: Box, picture: Picture) -> None:
    if not picture.is_box:
        canvas.write(box.center - picture.width // 2, box.y, *picture.lines[0])
        return
    right, bottom = box.x + box.width - 1, box.y + picture.height - 1
    across, down = ("╌", "╎") if picture.is_broken else ("─", "│")
    canvas.write(box.x, box.y, "╭" + across * (box.width - 2) + "╮", picture.frame)
    canvas.write(box.x, bottom, "╰" + across * (box.width - 2) + "╯", picture.frame)
    for place, (text, style) in enumerate(picture.lines):
        canvas.write(box.x, box.y + 1 + place, down, picture.frame)
        canvas.write(box.x + 2, box.y + 1 + place, text, style)
        canvas.write(right, box.y + 1 + place, down, picture.frame)


def _layers(graph: Graph, edges: Sequence[GraphEdge]) -> dict[str, int]:
    """Stages below all whose events they wait for; events from outside just above the first that waits for them."""
    events = {event.id for event in graph.events}
    stages: dict[str, int] = {}
    for stage in graph.stages:
        above = [edge.source for edge in edges if edge.target == stage.id]
        stages[stage.id] = max((1 if source in events else stages[source] + 1 for source in above), default=0)
    layers = dict(stages)
    for event in graph.events:
        layers[event.id] = min(stages[edge.target] for edge in edges if edge.source == event.id) - 1
    return layers


class _Canvas:
    """Cells by row and column. Lines know their directions, so that corners and branches come by themselves."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._cells: dict[tuple[int, int], tuple[str, str]] = {}
        self._lines: dict[tuple[int, int], dict[int, int]] = {}
        self._styles: dict[int, str] = {}

    def write(self, x: int, y: int, text: str, style: str = "") -> None:
        """Text, cell by cell; a wide character takes two."""
        for character in text:
            size = cell_len(character)
            if size == 0:
                before = self._cells.get((y, x - 1))
                if before:
                    self._cells[y, x - 1] = (before[0] + character, before[1])
                continue
            self._cells[y, x] = (character, style)
            for more in range(1, size):
                self._cells[y, x + more] = ("", style)
            x += size

    def put(self, x: int, y: int, character: str) -> None:
        """An arrow head, in the style of the line that ends there."""
        lines = self._lines.get((y, x), {})
        self._cells[y, x] = (character, next((self._styles[net] for net in lines), ""))

    def vertical(self, net: int, x: int, top: int, bottom: int, style: str) -> None:
        """A line from the middle of one row down to the middle of another; the last row is the first not touched."""
        self._styles[net] = style
        for y in range(top, bottom):
            self._add(net, x, y, _SOUTH)
            self._add(net, x, y + 1, _NORTH)

    def horizontal(self, net: int, left: int, right: int, y: int, style: str) -> None:
        """A line from one column to another."""
        self._styles[net] = style
        for x in range(left, right):
            self._add(net, x, y, _EAST)
            self._add(net, x + 1, y, _WEST)

    def _add(self, net: int, x: int, y: int, direction: int) -> None:
        here = self._lines.setdefault((y, x), {})
        here[net] = here.get(net, 0) | direction

    def lines(self) -> list[Text]:
        """All rows; of two lines that cross, the one that goes down is seen whole."""
        return [self._line(y) for y in range(self._height)]

    def _line(self, y: int) -> Text:
        line = Text()
        for x in range(self._width):
            character, style = self._cells.get((y, x)) or self._crossing(y, x)
            line.append(character, style=style)
        line.rstrip()
        return line

    def _crossing(self, y: int, x: int) -> tuple[str, str]:
        here = self._lines.get((y, x))
        if not here:
            return " ", ""
        net = max(here, key=lambda each: (bool(here[each] & (_NORTH | _SOUTH)), here[each]))
        return _LINES[here[net]], self._styles[net]
