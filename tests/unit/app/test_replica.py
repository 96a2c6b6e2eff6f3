"""Taking turns: a stop is heeded whenever it comes, and a runner that goes is silent before it says so."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kabanero.app.replica import Replica, stopped

from tests.support.clock import FakeClock

PATIENCE = 10.0


class SlowToStop:
    """A controller whose stop takes a moment, as that of any does that awaits its tasks."""

    def __init__(self) -> None:
        self.stopping, self.may_stop = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.stopping.set()
            await self.may_stop.wait()


class Election:
    """Won when the test says so, and never lost."""

    def __init__(self) -> None:
        self.won = asyncio.Event()

    async def until_leading(self) -> None:
        await self.won.wait()

    async def until_lost(self) -> None:
        await asyncio.Event().wait()

    async def release(self) -> None: ...


class Presence:
    """Notes what it does; breaks the first `breaks` times."""

    identity = "one"

    def __init__(self, breaks: int = 0) -> None:
        self.announced, self.breaks, self.did = asyncio.Event(), breaks, list[str]()

    async def run(self, _: object) -> None:
        self.did.append("run")
        if self.breaks:
            self.breaks -= 1
            raise OSError(28, "No space left on device")
        self.announced.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # An announcement is on its way.
            self.did.append("silent")

    async def leave(self) -> None:
        self.did.append("leave")

    async def sweep(self) -> None: ...


class Runner:
    """A replica whose followers are slow to stop."""

    def __init__(self, presence: Presence) -> None:
        self.clock, self.election, self.slow = FakeClock(), Election(), SlowToStop()
        self.presence = presence
        cluster = SimpleNamespace(election=self.election, presence=presence)
        loops = SimpleNamespace(following=lambda: {"slow": self.slow}, leading=dict, claiming=None)
        self.work = asyncio.create_task(Replica(cast(Any, cluster), cast(Any, loops), self.clock, 0).run())

    async def until(self, event: asyncio.Event) -> None:
        """Lets time pass until this has happened."""
        async with asyncio.timeout(PATIENCE):
            while not event.is_set():
                await asyncio.sleep(0)
                self.clock.advance(1)


async def test_a_stop_that_comes_while_turns_change_ends_the_runner() -> None:
    runner = Runner(Presence())
    runner.election.won.set()
    await runner.until(runner.slow.stopping)
    runner.work.cancel()
    await asyncio.sleep(0)
    assert not runner.work.done()
    runner.slow.may_stop.set()
    await asyncio.wait({runner.work}, timeout=PATIENCE)
    assert runner.work.cancelled()


async def test_a_runner_says_that_it_left_when_nothing_tells_of_its_presence_any_more() -> None:
    runner = Runner(Presence())
    runner.slow.may_stop.set()
    await runner.until(runner.presence.announced)
    runner.work.cancel()
    await asyncio.wait({runner.work}, timeout=PATIENCE)
    assert runner.presence.did == ["run", "silent", "leave"]


async def test_a_presence_that_breaks_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    runner = Runner(Presence(breaks=2))
    runner.slow.may_stop.set()
    await runner.until(runner.presence.announced)
    runner.work.cancel()
    await asyncio.wait({runner.work}, timeout=PATIENCE)
    assert runner.presence.did == ["run", "run", "run", "silent", "leave"]
    assert "The presence controller broke" in caplog.text


async def test_what_broke_a_task_is_told_to_who_stops_it() -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    task = asyncio.create_task(breaks())
    await asyncio.wait({task})
    with pytest.raises(ZeroDivisionError):
        await stopped(task)
