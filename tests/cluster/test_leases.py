"""Who leads and who is gone, by real Leases and a clock that only a test moves."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kabanero.clock import SystemClock
from kabanero.kubernetes import Client, ClientSettings
from kabanero.kubernetes.election import Election
from kabanero.kubernetes.identity import identity_in
from kabanero.kubernetes.leases import Leases, now
from kabanero.kubernetes.presence import LABEL, Presence
from kabanero.model.errors import InvalidError

from tests.contract.kubernetes_bus import new_namespace
from tests.support.clock import FakeClock
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
PATIENCE = 30.0
GONE_SECONDS = 90.0


class Asking(Client):
    """A client that knows whether an answer is still to come."""

    open_requests = 0

    async def _send(self, *request: Any) -> Any:
        self.open_requests += 1
        try:
            return await super()._send(*request)
        finally:
            self.open_requests -= 1


@dataclass
class Place:
    """A namespace, a clock, and runners in it."""

    client: Asking
    namespace: str
    clock: FakeClock = field(default_factory=FakeClock)

    def elapsed(self) -> float:
        return self.clock.now().timestamp()

    def candidate(self, identity: str) -> Election:
        return Election(self.client, self.clock, self.namespace, "kabanero", identity, elapsed=self.elapsed)

    def presence(self, identity: str, client: Client | None = None) -> Presence:
        client = client or self.client
        return Presence(client, self.clock, self.namespace, "kabanero", identity, GONE_SECONDS, elapsed=self.elapsed)

    async def passing(self, seconds: float, until: asyncio.Task[None]) -> float:
        """Lets time pass until a task has ended, but no more than this; how much it took. It stands for requests."""
        passed = 0.0
        while passed < seconds:
            await asyncio.sleep(0.02)
            while self.client.open_requests:
                await asyncio.sleep(0.01)
            if until.done():
                break
            step = 0.5 if seconds <= 60 else 2.0
            self.clock.advance(step)
            passed += step
        return passed


@pytest.fixture
async def place(apiserver: ApiServer) -> AsyncIterator[Place]:
    client = await Asking.open(SystemClock(), ClientSettings(kubeconfig=apiserver.kubeconfig, qps=0))
    assert isinstance(client, Asking)
    yield Place(client, await new_namespace(client, "leases"))
    await client.close()


@pytest.fixture
async def nowhere(tmp_path: Path) -> AsyncIterator[Client]:
    """A client whose server is away."""
    config = tmp_path / "away"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    client = await Client.open(SystemClock(), ClientSettings(kubeconfig=config, qps=0))
    yield client
    await client.close()


@contextlib.asynccontextmanager
async def at_work(work: object) -> AsyncIterator[asyncio.Task[None]]:
    task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[arg-type]
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_leads_at_once_and_the_second_waits(place: Place) -> None:
    first, second = place.candidate("a"), place.candidate("b")
    await asyncio.wait_for(first.until_leading(), PATIENCE)
    assert first.leads
    async with at_work(second.until_leading()) as waiting, at_work(first.until_lost()) as leading:
        assert await place.passing(60, waiting) == 60
        assert not leading.done()
        assert (first.leads, second.leads, second.holder) == (True, False, "a")


async def test_a_leader_that_is_silent_is_followed_within_15_seconds(place: Place) -> None:
    first, second = place.candidate("a"), place.candidate("b")
    await first.until_leading()
    async with at_work(second.until_leading()) as waiting:
        took = await place.passing(60, waiting)
    assert 10 <= took < 15
    assert second.leads and not first.leads


async def test_a_leader_that_can_not_renew_gives_up_before_another_may_lead(place: Place, nowhere: Client) -> None:
    first = place.candidate("a")
    await first.until_leading()
    first._leases = Leases(nowhere, place.namespace)
    async with at_work(first.until_lost()) as leading:
        assert 5 <= await place.passing(60, leading) <= 7.5
    assert not first.leads


async def test_a_released_lease_is_taken_at_the_next_look(place: Place) -> None:
    first, second = place.candidate("a"), place.candidate("b")
    await first.until_leading()
    async with at_work(second.until_leading()) as waiting:
        await place.passing(3, waiting)
        await first.release()
        assert await place.passing(60, waiting) <= 1.5


async def test_who_starts_again_under_its_name_leads_on(place: Place) -> None:
    await place.candidate("a").until_leading()
    async with at_work(place.candidate("a").until_leading()) as waiting:
        assert await place.passing(60, waiting) <= 0.5


async def test_a_lease_that_somebody_else_took_ends_leading_at_once(place: Place) -> None:
    first = place.candidate("a")
    await first.until_leading()
    leases = Leases(place.client, place.namespace)
    lease = await leases.get("kabanero")
    assert lease
    await leases.update(lease, {"holderIdentity": "b", "renewTime": now()})
    async with at_work(first.until_lost()) as leading:
        assert await place.passing(60, leading) <= 2.5
    assert first.holder == "b"


async def test_a_runner_counts_as_gone_when_it_was_silent_for_long(place: Place) -> None:
    here, other = place.presence("a"), place.presence("b")
    async with at_work(here.run(_nothing)):
        await asyncio.wait_for(here.announced.wait(), PATIENCE)
        async with at_work(other.gone("a")) as gone:
            assert await place.passing(200, gone) == 200
    async with at_work(other.gone("a")) as gone:
        assert GONE_SECONDS <= await place.passing(200, gone) <= GONE_SECONDS + 10


async def test_a_runner_that_left_counts_as_gone_soon(place: Place) -> None:
    here, other = place.presence("a"), place.presence("b")
    async with at_work(here.run(_nothing)):
        await asyncio.wait_for(here.announced.wait(), PATIENCE)
    await here.leave()
    async with at_work(other.gone("a")) as gone:
        assert await place.passing(200, gone) <= 20


async def test_who_can_not_be_heard_ends_its_work_before_it_counts_as_gone(place: Place, nowhere: Client) -> None:
    silenced: list[float] = []
    began = place.elapsed()

    async def note() -> None:
        silenced.append(place.elapsed() - began)

    async with at_work(place.presence("a", nowhere).run(note)) as running:
        await place.passing(200, running)
    (after,) = silenced
    assert GONE_SECONDS * 0.7 <= after < GONE_SECONDS * 0.95


async def test_leases_of_runners_that_were_killed_long_ago_are_cleared_away(place: Place) -> None:
    leases = Leases(place.client, place.namespace)
    for name, renewed in (("old", "2020-01-01T00:00:00.000000Z"), ("young", now())):
        await leases.create(f"kabanero-replica-{name}", {"renewTime": renewed}, {LABEL: "kabanero"})
    await place.presence("a").sweep()
    left = await leases.labelled(f"{LABEL}=kabanero")
    assert [each["metadata"]["name"] for each in left] == ["kabanero-replica-young"]


def test_a_data_folder_keeps_its_name_and_serves_one_runner(tmp_path: Path) -> None:
    name, handle = identity_in(tmp_path)
    with pytest.raises(InvalidError, match="in use by another runner"):
        identity_in(tmp_path)
    os.close(handle)
    again, handle = identity_in(tmp_path)
    os.close(handle)
    assert again == name


async def _nothing() -> None:
    """There is no work to end."""
