"""While webhooks crowd in, what they bring is begun a little later, and never much later."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from kabanero.controllers.lull import CROWD, LATEST, QUIET, Lull

from tests.support.clock import FakeClock
from tests.support.crowd import taking_in

TURNS = 5


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lull(clock: FakeClock) -> Lull:
    return Lull(clock)


async def turns() -> None:
    """Whoever can go on has done so."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


@pytest.mark.parametrize("webhooks", [1, CROWD - 1])
async def test_a_few_webhooks_at_a_time_hold_up_nothing(lull: Lull, clock: FakeClock, webhooks: int) -> None:
    with taking_in(lull, webhooks):
        await asyncio.wait_for(lull.wait(clock.now()), 1)


async def test_a_crowd_is_waited_for(lull: Lull, clock: FakeClock) -> None:
    with taking_in(lull):
        waiting = asyncio.create_task(lull.wait(clock.now()))
        await turns()
        assert not waiting.done()
    clock.advance(QUIET.total_seconds())
    await turns()
    assert waiting.done()


async def test_between_two_webhooks_of_a_crowd_nothing_is_begun(lull: Lull, clock: FakeClock) -> None:
    with taking_in(lull):
        pass
    waiting = asyncio.create_task(lull.wait(clock.now()))
    await turns()
    assert not waiting.done()
    clock.advance(QUIET.total_seconds())
    await turns()
    assert waiting.done()


async def test_a_crowd_that_never_ends_is_not_waited_for_long(lull: Lull, clock: FakeClock) -> None:
    since = clock.now()
    with taking_in(lull):
        waiting = asyncio.create_task(lull.wait(since))
        await turns()
        clock.advance(LATEST.total_seconds())
        await turns()
        assert waiting.done()


async def test_what_came_long_ago_is_not_held_up(lull: Lull, clock: FakeClock) -> None:
    with taking_in(lull):
        await asyncio.wait_for(lull.wait(clock.now() - LATEST - timedelta(seconds=1)), 1)


async def test_in_a_crowd_the_next_is_begun_when_the_one_before_is_done(lull: Lull) -> None:
    done = asyncio.Event()
    with taking_in(lull):
        waiting = asyncio.create_task(lull.one_by_one(asyncio.create_task(ended(done))))
        await turns()
        assert not waiting.done()
        done.set()
        await turns()
        assert waiting.done()


async def test_when_the_crowd_has_gone_all_may_begin_side_by_side(lull: Lull, clock: FakeClock) -> None:
    never = asyncio.create_task(ended(asyncio.Event()))
    with taking_in(lull):
        waiting = asyncio.create_task(lull.one_by_one(never))
        await turns()
        assert not waiting.done()
    clock.advance(QUIET.total_seconds())
    await turns()
    assert waiting.done()
    never.cancel()


async def test_without_a_crowd_nothing_waits_for_what_was_begun(lull: Lull) -> None:
    never = asyncio.create_task(ended(asyncio.Event()))
    with taking_in(lull, 1):
        await asyncio.wait_for(lull.one_by_one(never), 1)
    never.cancel()


async def ended(done: asyncio.Event) -> None:
    """Work that goes on until it is told to end."""
    await done.wait()
