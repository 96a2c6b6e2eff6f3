"""The adapters that every contract holds for. A new adapter is one more entry in BUSES or STORES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from kabanero.buses.kubernetes import KubernetesBus
from kabanero.buses.sqlite import Backoff, BusSettings, SqliteBus
from kabanero.ports import Bus, Store
from kabanero.stores.sqlite import SqliteStore

from tests.contract import kubernetes_bus as buses_on_kubernetes
from tests.contract import kubernetes_store as on_kubernetes
from tests.support.absent import absent
from tests.support.clock import FakeClock, ServedClock
from tests.testbed.apiserver import ApiServer
from tests.testbed.fixtures import BUILD
from tests.testbed.parts import missing

BACKOFF = Backoff(first_seconds=10, factor=3, max_seconds=50)


@dataclass
class BusUnderTest:
    """A bus, the clock that it goes by, and how to end it and open what it kept."""

    bus: Bus
    clock: FakeClock
    reopen: Callable[[], Awaitable[Bus]]


@dataclass
class StoreUnderTest:
    """A store, how to let its time pass (or wait for it), and how to make it forget its history up to now.

    `forget_history` is None for an adapter that can't be made to.
    """

    store: Store
    advance: Callable[[float], None]
    forget_history: Callable[[], Awaitable[None]] | None


async def sqlite_bus(request: pytest.FixtureRequest) -> AsyncIterator[BusUnderTest]:
    folder: Path = request.getfixturevalue("tmp_path")
    clock, settings = FakeClock(), BusSettings(backoff=BACKOFF, flush_seconds=0.01)

    async def reopen() -> Bus:
        await under_test.bus.close()
        under_test.bus = await SqliteBus.open(folder / "bus.db", clock, settings)
        return under_test.bus

    under_test = BusUnderTest(await SqliteBus.open(folder / "bus.db", clock, settings), clock, reopen)
    yield under_test
    await under_test.bus.close()


async def kubernetes_bus(request: pytest.FixtureRequest) -> AsyncIterator[BusUnderTest]:
    clock = ServedClock()

    async def reopen() -> Bus:
        await under_test.bus.close()
        under_test.bus = KubernetesBus(client, clock, settings)
        return under_test.bus

    async with buses_on_kubernetes.opened(request.getfixturevalue("apiserver"), BACKOFF) as (client, settings):
        under_test = BusUnderTest(KubernetesBus(client, clock, settings), clock, reopen)
        yield under_test
        await under_test.bus.close()


async def sqlite_store(request: pytest.FixtureRequest) -> AsyncIterator[StoreUnderTest]:
    clock = FakeClock()
    store = await SqliteStore.open(request.getfixturevalue("tmp_path") / "store.db", clock)

    async def forget_history() -> None:
        await store.compact()
        clock.advance(601)
        await store.compact()

    yield StoreUnderTest(store, clock.advance, forget_history)
    await store.close()


async def kubernetes_store(request: pytest.FixtureRequest) -> AsyncIterator[StoreUnderTest]:
    async for store, forget_history in on_kubernetes.opened(request.getfixturevalue("collected_apiserver")):
        yield StoreUnderTest(store, lambda seconds: None, forget_history)


@pytest.fixture(scope="session")
def collected_apiserver(apiserver: ApiServer) -> ApiServer:
    """The API server, with namespaces for the contract and Kubernetes' garbage collector."""
    if missing([on_kubernetes.COLLECTOR]):
        absent(on_kubernetes.COLLECTOR, BUILD)
    on_kubernetes.prepare(apiserver)
    return apiserver


BUSES = {"kubernetes": kubernetes_bus, "sqlite": sqlite_bus}
STORES = {"kubernetes": kubernetes_store, "sqlite": sqlite_store}


@pytest.fixture(params=[pytest.param("kubernetes", marks=pytest.mark.cluster), "sqlite"])
async def bus_under_test(request: pytest.FixtureRequest) -> AsyncIterator[BusUnderTest]:
    async for each in BUSES[request.param](request):
        yield each


@pytest.fixture
def bus(bus_under_test: BusUnderTest) -> Bus:
    return bus_under_test.bus


@pytest.fixture
def clock(bus_under_test: BusUnderTest) -> FakeClock:
    return bus_under_test.clock


@pytest.fixture(params=[pytest.param("kubernetes", marks=pytest.mark.cluster), "sqlite"])
async def store_under_test(request: pytest.FixtureRequest) -> AsyncIterator[StoreUnderTest]:
    async for each in STORES[request.param](request):
        yield each


@pytest.fixture
def store(store_under_test: StoreUnderTest) -> Store:
    return store_under_test.store
