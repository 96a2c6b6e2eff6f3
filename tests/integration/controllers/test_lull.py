"""While webhooks crowd in, what they bring is begun a little later, and never much later."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import timedelta

import pytest
from kabanero.controllers.lull import LATEST, Lull

from tests.support.clock import FakeClock

TURNS = 5


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lull() -> Lull:
    return Lull()


async def turns() -> None:
    """Whoever can go on has done so."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_one_webhook_at_a_time_holds_up_nothing(lull: Lull, clock: FakeClock) -> None:
    with lull.taking_in():
        await asyncio.wait_for(lull.wait(clock, clock.now()), 1)


async def test_a_crowd_is_waited_for(lull: Lull, clock: FakeClock) -> None:
    with ExitStack() as under_way:
        for _ in range(3):
            under_way.enter_context(lull.taking_in())
        waiting = asyncio.create_task(lull.wait(clock, clock.now()))
        await turns()
        assert not waiting.done()
    await turns()
    assert waiting.done()


async def test_a_crowd_that_never_ends_is_not_waited_for_long(lull: Lull, clock: FakeClock) -> None:
    since = clock.now()
    with lull.taking_in(), lull.taking_in():
        waiting = asyncio.create_task(lull.wait(clock, since))
        await turns()
        clock.advance(LATEST.total_seconds())
        with lull.taking_in():
            pass
        await turns()
        assert waiting.done()


async def test_what_came_long_ago_is_not_held_up(lull: Lull, clock: FakeClock) -> None:
    with lull.taking_in(), lull.taking_in():
        await asyncio.wait_for(lull.wait(clock, clock.now() - LATEST - timedelta(seconds=1)), 1)
