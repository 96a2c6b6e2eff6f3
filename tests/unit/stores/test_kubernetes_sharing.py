"""Readers of a shared watch are told what a watch of their own would have told them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.model.errors import ExpiredError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import ResourceType
from kabanero.ports import Change, WatchEvent
from kabanero.stores.kubernetes.ending import Ending
from kabanero.stores.kubernetes.sharing import Sharing

TYPE = STAGE_RUN.type


class Server:
    """What happened, by version, and watches on it from any version that it remembers."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.remembers_from = 0
        self.watches = 0
        self._news = asyncio.Event()

    def change(self, by: int = 1) -> None:
        self.versions.append((self.versions[-1] if self.versions else 0) + by)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def connect(self, type: ResourceType, since: str, ending: Ending) -> AsyncGenerator[WatchEvent, None]:
        self.watches += 1
        version = int(since)
        while not ending.ended():
            if version < self.remembers_from:
                raise ExpiredError("too old")
            later = [each for each in self.versions if each > version]
            if not later:
                await self._news.wait()
                continue
            version = later[0]
            yield WatchEvent(Change.MODIFIED, {"metadata": {"resourceVersion": str(version)}})


async def read(sharing: Sharing, since: int, upto: int) -> list[int]:
    """Versions that a reader is told until it has heard of `upto`."""
    told: list[int] = []
    async with aclosing(sharing.events(TYPE, str(since), Ending())) as events:  # type: ignore[type-var]
        async for event in events:
            told.append(int(event.resource["metadata"]["resourceVersion"]))
            if told[-1] >= upto:
                return told
    return told


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@given(
    size=st.integers(0, 6),
    steps=st.lists(st.integers(1, 3), min_size=1, max_size=15),
    starts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 14)), min_size=1, max_size=5),
)
def test_every_reader_is_told_all_after_its_version_once_and_in_order(size, steps, starts):
    async def story() -> None:
        server = Server()
        sharing = Sharing(server.connect, size)
        last, reading = sum(steps), []
        for number, step in enumerate(steps):
            for since, begins in starts:
                if begins % len(steps) == number and since < last:
                    reading.append((since, asyncio.create_task(read(sharing, since, last))))
                    await settle()
            server.change(step)
        for since, task in reading:
            told = await asyncio.wait_for(task, 5)
            assert told == [version for version in server.versions if version > since]

    asyncio.run(story())


async def test_readers_at_the_same_place_cost_one_watch() -> None:
    server = Server()
    sharing = Sharing(server.connect, 10)
    tasks = [asyncio.create_task(read(sharing, 0, 2)) for _ in range(10)]
    await settle()
    server.change()
    server.change()
    assert await asyncio.gather(*tasks) == [[1, 2]] * 10
    assert server.watches == 1


async def test_one_who_leaves_does_not_end_the_watch_of_others() -> None:
    server = Server()
    sharing = Sharing(server.connect, 10)
    first, second = (asyncio.create_task(read(sharing, 0, upto)) for upto in (1, 2))
    await settle()
    server.change()
    assert await first == [1]
    server.change()
    assert (await second, server.watches) == ([1, 2], 1)


async def test_when_all_have_left_the_next_one_begins_anew() -> None:
    server = Server()
    sharing = Sharing(server.connect, 10)
    server.change()
    assert await read(sharing, 0, 1) == [1]
    server.change()
    assert await read(sharing, 1, 2) == [2]
    assert server.watches == 2


async def test_an_error_of_the_watch_is_everyones() -> None:
    server = Server()
    sharing = Sharing(server.connect, 10)
    tasks = [asyncio.create_task(read(sharing, 0, 9)) for _ in range(3)]
    await settle()
    server.remembers_from = 5
    server.change()
    await settle()
    server.change()
    for task in tasks:
        with pytest.raises(ExpiredError):
            await asyncio.wait_for(task, 5)


async def test_a_reader_can_be_ended_while_nothing_happens() -> None:
    sharing, ending = Sharing(Server().connect, 10), Ending()

    async def reading() -> list[WatchEvent]:
        return [event async for event in sharing.events(TYPE, "0", ending)]

    task = asyncio.create_task(reading())
    await settle()
    ending.end()
    assert await asyncio.wait_for(task, 5) == []
