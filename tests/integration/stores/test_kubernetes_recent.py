"""Reads that may be a moment old never miss what was done through the same store, however slow its watch or answers.

On the embedded API, which speaks Kubernetes' own protocol, with a client that lets news and answers through one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kabanero.api.certificate import own_certificate
from kabanero.clock import SystemClock
from kabanero.kubernetes import Client, ClientSettings, Request
from kabanero.kubernetes.streaming import Stream
from kabanero.model.errors import ConflictError, NotFoundError
from kabanero.ports import Change, Store, WatchEvent
from kabanero.stores.kubernetes import KubernetesStore

from tests.contract.resources import TYPE, key, stage_run, with_attempt, with_metadata
from tests.support.api_server import serve_api

PATIENCE = 20
KEY = key("a")


class SlowStream(Stream):
    """News come when they are let through."""

    def __init__(self, stream: Stream, gate: asyncio.Semaphore) -> None:
        super().__init__(stream._response)
        self._gate = gate

    async def values(self) -> AsyncIterator[dict[str, Any]]:
        async for value in super().values():
            if value["type"] != "BOOKMARK":
                await self._gate.acquire()
            yield value


class SlowClient(Client):
    """Answers to verbs that are `held` come when the event there is set; `done` says that the server did it."""

    def __init__(self, clock: SystemClock, settings: ClientSettings) -> None:
        super().__init__(clock, settings)
        self.news, self.connected, self.done = asyncio.Semaphore(0), asyncio.Event(), asyncio.Event()
        self.held: dict[str, asyncio.Event] = {}

    async def call(self, request: Request, body: Any = None) -> dict[str, Any]:
        answer = await super().call(request, body)
        if held := self.held.get(request.verb):
            self.done.set()
            await held.wait()
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        async with super().stream(request) as stream:
            self.connected.set()
            yield SlowStream(stream, self.news)


class Place:
    """The store with its slow client and one who follows the kind, and somebody else's way to the same resources."""

    def __init__(self, client: SlowClient, others: Store) -> None:
        self.client, self.others = client, others
        self.store = KubernetesStore(client, SystemClock())
        self.told: asyncio.Queue[WatchEvent] = asyncio.Queue()

    async def follow(self, since: str) -> None:
        async for event in self.store.watch(TYPE, since=since):
            self.told.put_nowait(event)

    async def hear(self) -> WatchEvent:
        """Lets the next news through."""
        self.client.news.release()
        return await asyncio.wait_for(self.told.get(), PATIENCE)

    async def somebody_changes_it(self) -> None:
        now = await self.others.get(KEY)
        await self.others.update(with_metadata(now, labels={"changed-at": now["metadata"]["resourceVersion"]}))

    async def is_gone(self) -> bool:
        try:
            await self.store.get(KEY, recent=True)
        except NotFoundError:
            return True
        return False


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serve_api(tmp_path, own_certificate(tmp_path / "certificate", "127.0.0.1")) as server:
        client = await SlowClient.open(SystemClock(), ClientSettings(kubeconfig=server.kubeconfig))
        assert isinstance(client, SlowClient)
        place = Place(client, server.store)
        since = (await place.store.list(TYPE)).resource_version
        following = asyncio.create_task(place.follow(since))
        await asyncio.wait_for(client.connected.wait(), PATIENCE)
        yield place
        await place.store.close()
        await asyncio.wait_for(following, PATIENCE)
        await client.close()


async def test_after_a_conflict_a_slow_watch_does_not_unwrite_what_was_written(place: Place) -> None:
    created = await place.store.create(stage_run("a"))
    ours = await place.store.update(with_attempt(created, 2))
    await place.somebody_changes_it()
    with pytest.raises(ConflictError):
        await place.store.update(with_attempt(ours, 3))
    assert (await place.hear()).resource["spec"]["attempt"] == 1
    assert (await place.store.get(KEY, recent=True))["spec"]["attempt"] == 2


async def test_an_update_that_is_answered_after_the_deletion_was_told_brings_nothing_back(place: Place) -> None:
    created = await place.store.create(stage_run("a"))
    answer = place.client.held["update"] = asyncio.Event()
    updating = asyncio.create_task(place.store.update(with_attempt(created, 2)))
    await asyncio.wait_for(place.client.done.wait(), PATIENCE)
    await place.others.delete(KEY)
    assert [(await place.hear()).change for _ in range(3)] == [Change.ADDED, Change.MODIFIED, Change.DELETED]
    answer.set()
    await updating
    assert await place.is_gone()


async def test_what_was_deleted_through_the_store_is_not_brought_back_by_a_slow_watch(place: Place) -> None:
    await place.store.create(stage_run("a"))
    await place.somebody_changes_it()
    await place.store.delete(KEY)
    assert [(await place.hear()).change for _ in range(2)] == [Change.ADDED, Change.MODIFIED]
    assert await place.is_gone()


async def test_a_read_on_its_way_while_it_is_deleted_brings_nothing_back(place: Place) -> None:
    await place.store.create(stage_run("a"))
    answer = place.client.held["get"] = asyncio.Event()
    reading = asyncio.create_task(place.store.get(KEY))
    await asyncio.wait_for(place.client.done.wait(), PATIENCE)
    await place.store.delete(KEY)
    answer.set()
    await reading
    assert await place.is_gone()


async def test_what_comes_again_after_it_was_deleted_is_found(place: Place) -> None:
    await place.store.create(stage_run("a"))
    await place.store.delete(KEY)
    await place.others.create(with_attempt(stage_run("a"), 7))
    for _ in range(3):
        await place.hear()
    assert (await place.store.get(KEY, recent=True))["spec"]["attempt"] == 7
