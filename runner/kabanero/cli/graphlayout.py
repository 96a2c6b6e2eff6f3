"""Where everything of a drawing goes: boxes in layers, lines between them. Knows nothing of stages; no I/O.

A layered drawing: who comes later stands lower; in a layer boxes stand so that few lines cross and lines are short.
A line that passes a layer keeps a column free there (a *bend*). Between two layers each line gets a row of its own for
its horizontal part, and no two lines share a piece. Used by `graphview`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

GAP = 3
_SWEEPS = 12


class TooTangledError(Exception):
    """Lines can't be drawn side by side without touching; draw something simpler."""


@dataclass(slots=True)
class Box:
    """Something with lines at its top and bottom. `width`, `height` in cells; what else is found by the layout.

    `sinks`: it stands at the bottom of its layer, where others hang from the top.
    """

    id: str
    width: int
    height: int
    layer: int
    is_bend: bool = False
    sinks: bool = False
    right: int = 0
    center: int = 0
    y: int = 0
    ports: list[int] = field(default_factory=list)

    @property
    def left_extent(self) -> int:
        """Cells left of the centre."""
        return self.width // 2

    @property
    def right_extent(self) -> int:
        """Cells right of the centre, with what stands beside its lines."""
        return max(self.width - self.width // 2 - 1, self.right)

    @property
    def x(self) -> int:
        """Column of its left edge."""
        return self.center - self.width // 2


@dataclass(frozen=True, slots=True)
class Net:
    """One line from a box to all boxes that it leads to, which stand lower."""

    key: int
    source: str
    targets: tuple[str, ...]
    label_width: int = 0


@dataclass(slots=True)
class Wire:
    """A net's part between two layers: from one column at the top to some at the bottom. `track` -1: straight down."""

    net: int
    top: int
    bottoms: list[int]
    track: int = -1

    @property
    def span(self) -> tuple[int, int]:
        """Columns of its horizontal part."""
        return min(self.top, *self.bottoms), max(self.top, *self.bottoms)


@dataclass(slots=True)
class Channel:
    """The space below a layer: a row for labels, rows for horizontal lines, a row for arrow heads."""

    y: int
    has_labels: bool
    tracks: int
    wires: list[Wire]
    arrows: list[int]

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.has_labels) + self.tracks + 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Every box with its place, and what is between the layers."""

    boxes: Mapping[str, Box]
    layers: Sequence[Sequence[Box]]
    channels: Sequence[Channel]
    width: int
    height: int


def arranged(boxes: Sequence[Box], nets: Sequence[Net]) -> Layout:
    """Places everything. A net's targets must stand in lower layers than its source. Raises TooTangledError."""
    return _Arrangement(boxes, nets).layout()


class _Arrangement:
    def __init__(self, boxes: Sequence[Box], nets: Sequence[Net]) -> None:
        self._boxes = {box.id: box for box in boxes}
        self._nets = nets
        self._layers: list[list[Box]] = [[] for _ in range(1 + max(box.layer for box in boxes))]
        for box in boxes:
            self._layers[box.layer].append(box)
        self._links: list[tuple[int, Box, list[Box]]] = []
        for net in nets:
            self._link(net)
        self._up: dict[str, list[Box]] = {id: [] for id in self._boxes}
        self._down: dict[str, list[Box]] = {id: [] for id in self._boxes}
        for _, top, bottoms in self._links:
            self._down[top.id] += bottoms
            for bottom in bottoms:
                self._up[bottom.id].append(top)

    def layout(self) -> Layout:
        self._make_room_for_labels()
        self._sort()
        self._spread()
        channels, y = [], 0
        for place, layer in enumerate(self._layers):
            height = max((box.height for box in layer if not box.is_bend), default=1)
            for box in layer:
                box.y = y + height - box.height if box.sinks else y
                box.height = height if box.is_bend else box.height
            y += height
            if place + 1 < len(self._layers):
                channels.append(self._channel(place, y))
                y += channels[-1].height
        width = max(box.center + box.right_extent for box in self._boxes.values()) + 1
        return Layout(self._boxes, self._layers, channels, width, y)

    # --- links and bends ---

    def _link(self, net: Net) -> None:
        """From layer to layer, with bends where the net passes one."""
        top = self._boxes[net.source]
        targets = [self._boxes[target] for target in net.targets]
        last = max(target.layer for target in targets)
        for layer in range(top.layer + 1, last + 1):
            bottoms = [target for target in targets if target.layer == layer]
            if layer < last:
                bottoms.append(self._bend(net, layer))
            self._links.append((net.key, top, bottoms))
            top = bottoms[-1]

    def _bend(self, net: Net, layer: int) -> Box:
        bend = Box(f"bend {net.key} {layer}", 1, 1, layer, is_bend=True)
        self._boxes[bend.id] = bend
        self._layers[layer].append(bend)
        return bend

    def _make_room_for_labels(self) -> None:
        for box in self._boxes.values():
            labels = self._labels(box)
            if not labels:
                continue
            orders = [[*labels[:place], *labels[place + 1 :], last] for place, last in enumerate(labels)]
            box.width = max(box.width, *(_ports_width(order) + 4 for order in orders))
            box.right = max(_offsets(order)[-1] + order[-1] + 2 for order in orders) if any(labels) else 0

    def _labels(self, box: Box) -> list[int]:
        return [net.label_width for net in self._nets if net.source == box.id]

    # --- order within a layer ---

    def _sort(self) -> None:
        """Barycentre sweeps; the order with the fewest crossings is kept."""
        best, fewest = [list(layer) for layer in self._layers], self._crossings()
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            layers = self._layers[1:] if down else self._layers[-2::-1]
            neighbours = self._up if down else self._down
            for layer in layers:
                self._sort_layer(layer, neighbours)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self._layers], crossings
        self._layers = best

    def _sort_layer(self, layer: list[Box], neighbours: Mapping[str, list[Box]]) -> None:
        places = self._places()
        middle = {
            box.id: sum(places[each.id] for each in neighbours[box.id]) / len(neighbours[box.id])
            if neighbours[box.id]
            else float(places[box.id])
            for box in layer
        }
        layer.sort(key=lambda box: middle[box.id])

    def _places(self) -> dict[str, int]:
        return {box.id: place for layer in self._layers for place, box in enumerate(layer)}

    def _crossings(self) -> int:
        places = self._places()
        count = 0
        for layer in range(len(self._layers) - 1):
            lines = [
                (places[top.id], places[bottom.id])
                for _, top, bottoms in self._links
                if top.layer == layer
                for bottom in bottoms
            ]
            count += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for place, a in enumerate(lines) for b in lines[:place])
        return count

    # --- columns ---

    def _spread(self) -> None:
        """Each box near the middle of its neighbours, none over another."""
        for layer in self._layers:
            _settle(layer, [0.0] * len(layer))
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            for layer in self._layers if down else reversed(self._layers):
                _settle(layer, [self._wish(box, self._up if down else self._down) for box in layer])
        leftmost = min(box.center - box.left_extent for box in self._boxes.values())
        for box in self._boxes.values():
            box.center -= leftmost

    def _wish(self, box: Box, neighbours: Mapping[str, list[Box]]) -> float:
        near = neighbours[box.id] or [box]
        return sum(each.center for each in near) / len(near)

    # --- lines between two layers ---

    def _channel(self, layer: int, y: int) -> Channel:
        links = [link for link in self._links if link[1].layer == layer]
        tops = self._tops(links)
        bottoms = self._bottoms(links, tops)
        wires = [Wire(net, tops[net], bottoms[net]) for net, _, _ in links]
        tracks = _assign_tracks(wires)
        arrows = [column for box in self._layers[layer + 1] if not box.is_bend for column in box.ports]
        has_labels = any(not top.is_bend and any(self._labels(top)) for _, top, _ in links)
        return Channel(y, has_labels, tracks, wires, arrows)

    def _tops(self, links: Sequence[tuple[int, Box, list[Box]]]) -> dict[int, int]:
        """The column at which each net leaves its box: beside each other where there are several."""
        tops: dict[int, int] = {}
        for net, top, _ in links:
            if top.is_bend:
                tops[net] = top.center
                continue
            own = sorted(
                (link for link in links if link[1] is top), key=lambda link: min(box.center for box in link[2])
            )
            widths = {each.key: each.label_width for each in self._nets}
            offsets = _offsets([widths[link[0]] for link in own])
            tops |= {link[0]: top.center + offset for link, offset in zip(own, offsets, strict=True)}
        return tops

    def _bottoms(self, links: Sequence[tuple[int, Box, list[Box]]], tops: Mapping[int, int]) -> dict[int, list[int]]:
        """The columns at which each net meets its targets, straight below its own top where that is possible."""
        found: dict[int, list[int]] = {net: [] for net, _, _ in links}
        taken = {column: net for net, column in tops.items()}
        for box in {each.id: each for _, _, bottoms in links for each in bottoms}.values():
            nets = sorted((net for net, _, bottoms in links if box in bottoms), key=lambda net: tops[net])
            if box.is_bend:
                found[nets[0]].append(box.center)
                continue
            columns = _columns(box, nets, tops, taken)
            box.ports = columns
            for net, column in zip(nets, columns, strict=True):
                found[net].append(column)
        return found


def _ports_width(labels: Sequence[int]) -> int:
    """Cells from the first line below a box to the last."""
    return sum(label + GAP + 1 for label in labels[:-1])


def _offsets(labels: Sequence[int]) -> list[int]:
    """Columns of the lines below a box, from its centre, so that each label has room right of its line."""
    at, offsets = -(_ports_width(labels) // 2), []
    for label in labels:
        offsets.append(at)
        at += label + GAP + 1
    return offsets


def _columns(box: Box, nets: Sequence[int], tops: Mapping[int, int], taken: Mapping[int, int]) -> list[int]:
    """A free column at the top of a box for each net, in their order. Raises TooTangledError."""
    first, last = box.x + 1, box.x + box.width - 2
    columns: list[int] = []
    for place, net in enumerate(nets):
        wish = tops[net] if len(nets) == 1 else first + round((place + 1) * (last - first) / (len(nets) + 1))
        if len(nets) == 1 and not first <= wish <= last:
            wish = box.center
        free = [
            column
            for column in range(max(first, columns[-1] + 1 if columns else first), last + 1)
            if taken.get(column, net) == net
        ]
        room = [column for column in free if last - column >= len(nets) - place - 1]
        if not room:
            raise TooTangledError(box.id)
        columns.append(min(room, key=lambda column: (abs(column - wish), column)))
    return columns


def _settle(layer: Sequence[Box], wishes: Sequence[float]) -> None:
    """Centres as near to the wishes as order and distances allow (isotonic regression)."""
    shift, shifts = 0, []
    for before, box in zip([None, *layer[:-1]], layer, strict=True):
        shift += before.right_extent + GAP + box.left_extent + 1 if before else 0
        shifts.append(shift)
    groups: list[tuple[float, int]] = []
    for wish, moved in zip(wishes, shifts, strict=True):
        total, count = wish - moved, 1
        while groups and groups[-1][0] / groups[-1][1] >= total / count:
            before_total, before_count = groups.pop()
            total, count = total + before_total, count + before_count
        groups.append((total, count))
    means = [total / count for total, count in groups for _ in range(count)]
    for box, mean, moved in zip(layer, means, shifts, strict=True):
        box.center = round(mean) + moved


def _assign_tracks(wires: Sequence[Wire]) -> int:
    """A row for each horizontal part; a line that comes down above another's end lies over it. Number of rows."""
    bent = [wire for wire in wires if wire.bottoms != [wire.top]]
    above = {
        wire.net: {other.net for other in bent if other is not wire and other.top in wire.bottoms} for wire in bent
    }
    rows: list[list[Wire]] = []
    for wire in _after(bent, above):
        least = max((each.track + 1 for each in bent if each.net in above[wire.net]), default=0)
        wire.track = next((row for row in range(least, len(rows)) if _fits_in(wire, rows[row])), max(least, len(rows)))
        while len(rows) <= wire.track:
            rows.append([])
        rows[wire.track].append(wire)
    return len(rows)


def _after(wires: Sequence[Wire], above: Mapping[int, set[int]]) -> Iterator[Wire]:
    """The wires so that each comes after those above it, short ones first. Raises TooTangledError for a circle."""
    left = sorted(wires, key=lambda wire: (wire.span[1] - wire.span[0], wire.net))
    done: set[int] = set()
    while left:
        wire = next((each for each in left if above[each.net] <= done), None)
        if wire is None:
            raise TooTangledError("a circle of lines")
        left.remove(wire)
        done.add(wire.net)
        yield wire


def _fits_in(wire: Wire, row: Sequence[Wire]) -> bool:
    begin, end = wire.span
    return all(end + 1 < other.span[0] or other.span[1] + 1 < begin for other in row)
