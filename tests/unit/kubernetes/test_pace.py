"""The client's own limit on requests a second."""

from __future__ import annotations

import asyncio

import pytest
from kabanero.kubernetes.pace import Pace

from tests.support.clock import FakeClock


class Queue:
    """Some who ask for their turn at the same time."""

    def __init__(self, pace: Pace, count: int) -> None:
        self.tasks = [asyncio.create_task(pace.turn()) for _ in range(count)]

    async def passed(self) -> int:
        for _ in range(5):
            await asyncio.sleep(0)
        return sum(task.done() for task in self.tasks)


async def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    clock = FakeClock()
    queue = Queue(Pace(clock, qps=2, burst=3), 6)
    assert await queue.passed() == 3
    clock.advance(0.5)
    assert await queue.passed() == 4
    clock.advance(1)
    assert await queue.passed() == 6


async def test_who_was_quiet_has_a_burst_again_but_no_more() -> None:
    clock = FakeClock()
    pace = Pace(clock, qps=2, burst=3)
    assert await Queue(pace, 3).passed() == 3
    clock.advance(3600)
    assert await Queue(pace, 9).passed() == 3


@pytest.mark.parametrize("burst", [0, 10])
async def test_a_rate_of_nothing_means_no_limit(burst: int) -> None:
    assert await Queue(Pace(FakeClock(), qps=0, burst=burst), 1000).passed() == 1000


async def test_without_a_burst_requests_pass_one_by_one() -> None:
    clock = FakeClock()
    queue = Queue(Pace(clock, qps=10, burst=0), 3)
    assert await queue.passed() == 1
    clock.advance(0.1)
    assert await queue.passed() == 2
