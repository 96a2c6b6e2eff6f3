"""A runner's presence is told for as long as it runs, whatever breaks beside it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from kabanero.kubernetes.presence import Presence
from kabanero.model.errors import StoreUnavailableError

from tests.support.clock import START, FakeClock

GONE_SECONDS = 90.0


class Heard(Presence):
    """Announces itself to a test. `trouble` is in the way of that."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(cast(Any, None), clock, "k", "kabanero", "one", GONE_SECONDS, lambda: seconds(clock))
        self.clock, self.times = clock, 0
        self.trouble: Exception | None = None

    async def _announce(self) -> None:
        if self.trouble:
            raise self.trouble
        self.times += 1

    async def passing(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for _ in range(5):
                await asyncio.sleep(0)


def seconds(clock: FakeClock) -> float:
    return (clock.now() - START).total_seconds()


class Work:
    """Can't be ended the first `fails` times."""

    def __init__(self, fails: int = 0) -> None:
        self.fails, self.asked = fails, 0

    async def end(self) -> None:
        self.asked += 1
        if self.asked <= self.fails:
            raise OSError(28, "No space left on device")


async def test_a_runner_whose_work_could_not_be_ended_is_heard_again_after_an_outage() -> None:
    presence, work = Heard(FakeClock()), Work(fails=10**6)
    presence.trouble = StoreUnavailableError("away")
    running = asyncio.create_task(presence.run(work.end))
    await presence.passing(120)
    presence.trouble = None
    await presence.passing(20)
    assert work.asked and presence.times
    await _end(running)


async def test_work_that_could_not_be_ended_is_ended_as_soon_as_it_can_be_and_then_left_alone() -> None:
    presence, work = Heard(FakeClock()), Work(fails=2)
    presence.trouble = StoreUnavailableError("away")
    running = asyncio.create_task(presence.run(work.end))
    await presence.passing(int(GONE_SECONDS))
    await presence.passing(60)
    assert work.asked == 3
    await _end(running)


async def test_an_error_that_nobody_expected_counts_as_an_outage() -> None:
    presence, work = Heard(FakeClock()), Work()
    presence.trouble = KeyError("spec")
    running = asyncio.create_task(presence.run(work.end))
    await presence.passing(int(GONE_SECONDS))
    assert work.asked == 1
    presence.trouble = None
    await presence.passing(20)
    assert presence.times
    await _end(running)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
