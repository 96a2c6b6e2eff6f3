"""A runner is killed before and after each of its writes to the API server: as if nothing had been, it goes on.

Before: the write is not carried out. After: it is, and the runner never hears of it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.fault_world import Lane, clear
from tests.testbed.cluster import SimulatedCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
LANES = 3
NEVER = "never so many writes"
BY_CHANCE = 4
"""Progress is shown now and then, and what two write side by side may come in one request: a run may have fewer."""
Point = tuple[int, bool]
"""A write's number in its run, and whether the blow falls first."""


@pytest.fixture
def lanes(cluster: SimulatedCluster, tmp_path: Path) -> Iterator[list[Lane]]:
    made = [Lane(tmp_path / f"lane-{number}", cluster, f"crash-{number}") for number in range(LANES)]
    try:
        with ThreadPoolExecutor(LANES) as threads:
            list(threads.map(lambda lane: lane.prepare(), made))
        yield made
    finally:
        for lane in made:
            lane.close()
        clear(cluster, *(lane.namespace for lane in made))


def test_killed_before_or_after_any_write_it_goes_on_as_if_nothing_had_been(lanes: list[Lane]) -> None:
    writes = undisturbed(lanes[0])
    assert len(writes) >= 20
    points = [(number, first) for number in range(1, len(writes) + 1) for first in (True, False)]
    with ThreadPoolExecutor(LANES) as threads:
        tables = list(threads.map(lambda lane: table_of(lanes[lane], points[lane::LANES]), range(LANES)))
    table = {point: struck for each in tables for point, struck in each.items()}
    assert sorted(table) == sorted(points)
    assert list(table.values()).count(NEVER) <= BY_CHANCE
    pushes = [len(each) + 1 + (lane is lanes[0]) for lane, each in zip(lanes, tables, strict=True)]
    assert [lane.wrong(count) for lane, count in zip(lanes, pushes, strict=True)] == [[]] * LANES


def undisturbed(lane: Lane) -> list[str]:
    """All writes of one run from push to end."""
    settle(lane)
    lane.proxy.arm(0)
    assert lane.pushed("table")
    lane.ended(2)
    settle(lane)
    return lane.proxy.writes


def settle(lane: Lane) -> None:
    """Acknowledgements are written a moment later, and belong to the run before."""
    seen = -1
    while seen != len(lane.proxy.writes):
        seen = len(lane.proxy.writes)
        time.sleep(0.4)


def table_of(lane: Lane, points: list[Point]) -> dict[Point, str]:
    """At which write each blow fell; a line each is printed."""
    table: dict[Point, str] = {}
    for point in points:
        began = time.monotonic()
        table[point] = struck(lane, *point)
        word = "before" if point[1] else "after"
        print(
            f"{lane.namespace} {time.monotonic() - began:5.1f} s  {word:6} {point[0]:2} {table[point]}{os.linesep}",
            end="",
        )
    return table


def struck(lane: Lane, number: int, first: bool) -> str:
    """Kills the runner at a write of a new run; afterwards the run has ended."""
    before, killed = len(lane.runs()), threading.Event()
    delivery = f"point-{number}-{first}"

    def strike() -> None:
        assert lane.process
        lane.process.kill()
        killed.set()

    settle(lane)
    lane.proxy.arm(number, strike, first=first)
    lane.pushed(delivery, seconds=0)
    fell = killed.wait(15)
    at = lane.proxy.writes[-1] if fell else NEVER
    lane.proxy.arm(0)
    if fell:
        assert lane.process
        lane.process.wait()
        lane.start()
    assert lane.pushed(delivery)
    lane.ended(before + 1)
    return at
