"""Where boxes and lines go: nothing lies over anything else, and every line arrives, whatever the graph."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as some
from kabanero.cli.graphlayout import Box, Layout, Net, TooTangledError, Wire, arranged

Cell = tuple[int, int]


@some.composite
def graphs(draw: some.DrawFn) -> tuple[list[Box], list[Net]]:
    """Boxes in a few layers, and lines that only lead down."""
    layers = draw(some.lists(some.integers(1, 4), min_size=2, max_size=5))
    boxes = [
        Box(f"{layer}.{place}", draw(some.integers(5, 20)), draw(some.integers(3, 6)), layer)
        for layer, count in enumerate(layers)
        for place in range(count)
    ]
    nets = []
    for box in boxes:
        lower = [each.id for each in boxes if each.layer > box.layer]
        for targets in draw(some.lists(some.sets(some.sampled_from(lower), min_size=1), max_size=2)) if lower else ():
            nets.append(Net(len(nets), box.id, tuple(sorted(targets)), draw(some.integers(0, 12))))
    return boxes, nets


def laid_out(graph: tuple[list[Box], list[Net]]) -> Layout | None:
    try:
        return arranged(*graph)
    except TooTangledError:
        return None


def cells(wire: Wire, begin: int, end: int) -> Iterator[tuple[Cell, str]]:
    """Every cell of a wire between two rows, with the direction in which it is crossed there."""
    row = begin + wire.track if wire.track >= 0 else end
    yield from (((wire.top, y), "vertical") for y in range(begin, row))
    for column in wire.bottoms:
        yield from (((column, y), "vertical") for y in range(row + 1, end))
    if wire.track < 0:
        return
    left, right = wire.span
    ends = {wire.top, *wire.bottoms}
    yield from (((x, row), "corner" if x in ends else "horizontal") for x in range(left, right + 1))


@given(graphs())
@settings(deadline=None)
def test_boxes_of_a_layer_do_not_touch(graph: tuple[list[Box], list[Net]]) -> None:
    layout = laid_out(graph)
    for layer in layout.layers if layout else ():
        for before, box in pairwise(layer):
            assert before.center + before.right_extent < box.center - box.left_extent


@given(graphs())
@settings(deadline=None)
def test_two_lines_share_a_cell_only_where_one_crosses_the_other(graph: tuple[list[Box], list[Net]]) -> None:
    layout = laid_out(graph)
    for channel in layout.channels if layout else ():
        begin = channel.y + int(channel.has_labels)
        seen: dict[Cell, tuple[int, str]] = {}
        for wire in channel.wires:
            for cell, way in cells(wire, begin, channel.y + channel.height):
                net, other = seen.setdefault(cell, (wire.net, way))
                assert net == wire.net or {way, other} == {"vertical", "horizontal"}


@given(graphs())
@settings(deadline=None)
def test_every_line_arrives_at_every_target(graph: tuple[list[Box], list[Net]]) -> None:
    layout = laid_out(graph)
    if layout is None:
        return
    arrived: dict[int, set[str]] = {}
    for place, channel in enumerate(layout.channels):
        for wire in channel.wires:
            for column in wire.bottoms:
                box = next(each for each in layout.layers[place + 1] if each.x <= column < each.x + each.width)
                arrived.setdefault(wire.net, set()).add(box.id)
    for net in graph[1]:
        assert set(net.targets) <= arrived[net.key]


@given(graphs())
@settings(deadline=None)
def test_everything_lies_inside(graph: tuple[list[Box], list[Net]]) -> None:
    layout = laid_out(graph)
    for box in layout.boxes.values() if layout else ():
        assert box.center - box.left_extent >= 0
        assert layout and box.center + box.right_extent < layout.width and box.y + box.height <= layout.height


def test_a_line_to_the_box_below_goes_straight_down() -> None:
    layout = arranged([Box("a", 9, 3, 0), Box("b", 9, 3, 1)], [Net(0, "a", ("b",))])
    assert [(wire.top, wire.bottoms, wire.track) for wire in layout.channels[0].wires] == [(4, [4], -1)]


def test_the_order_within_a_layer_avoids_crossings() -> None:
    boxes = [Box(id, 5, 3, layer) for id, layer in (("a", 0), ("b", 0), ("x", 1), ("y", 1))]
    layout = arranged(boxes, [Net(0, "a", ("y",)), Net(1, "b", ("x",))])
    assert [box.id for box in layout.layers[1]] == ["y", "x"] or [box.id for box in layout.layers[0]] == ["b", "a"]
