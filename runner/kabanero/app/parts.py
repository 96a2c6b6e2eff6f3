"""The adapters of one runner: opened in the order in which they need each other, closed in the opposite one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from kabanero.app.cluster import Cluster
from kabanero.app.secrets import StoredSecrets
from kabanero.buses.sqlite import SqliteBus
from kabanero.clock import SystemClock
from kabanero.controllers.retention import Prune
from kabanero.controllers.stage_status import Objections
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.executors.ansible.playbooks import objection_to
from kabanero.executors.awx import AwxJobs, AwxSettings
from kabanero.ports import Bus, Clock, Executor, Jobs, Store
from kabanero.settings import Settings
from kabanero.stores.sqlite import SqliteStore, StoreSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters of one runner. `cluster` is the API server where that keeps the resources."""

    clock: Clock
    store: Store
    bus: Bus
    executor: Executor
    jobs: Jobs
    prune: Prune
    objections: Objections
    cluster: Cluster | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, settings: Settings) -> AsyncIterator[Parts]:
        """Opens them in DATA_DIR and closes them in the opposite order."""
        clock, data = SystemClock(), settings.data_dir.absolute()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            cluster: Cluster | None = None
            if settings.store == "kubernetes":
                cluster = await stack.enter_async_context(Cluster.opened(settings, data, clock))
                await cluster.presence.begin()
                store, bus, prune = cluster.store, cluster.bus, cluster.prune
            else:
                store, bus, prune = await _on_this_machine(settings, data, clock, stack)
            executor = await AnsibleExecutor.open(_executor_settings(settings, data), clock)
            stack.push_async_callback(executor.close)
            jobs = AwxJobs(StoredSecrets(store), clock, _awx_settings(settings))
            stack.push_async_callback(jobs.close)
            yield cls(clock, store, bus, executor, jobs, prune, _objections(settings.project_dir.absolute()), cluster)


async def _on_this_machine(
    settings: Settings, data: Path, clock: Clock, stack: contextlib.AsyncExitStack
) -> tuple[Store, Bus, Prune]:
    history = StoreSettings(history_seconds=int(settings.retention.changes))
    store = await SqliteStore.open(data / "store.db", clock, history)
    stack.push_async_callback(store.close)
    bus = await SqliteBus.open(data / "bus.db", clock)
    stack.push_async_callback(bus.close)
    return store, bus, bus.prune


def _objections(project: Path) -> Objections:
    def find(playbook: str) -> tuple[str, str] | None:
        found = objection_to(playbook, project)
        return (found.reason, found.message) if found else None

    return find


def _awx_settings(settings: Settings) -> AwxSettings:
    chosen = settings.awx
    return AwxSettings(chosen.timeout, chosen.settle, chosen.login_patience, chosen.parallel)


def _executor_settings(settings: Settings, data: Path) -> AnsibleExecutorSettings:
    chosen = settings.executor
    return AnsibleExecutorSettings(
        data_dir=data,
        project_dir=settings.project_dir.absolute(),
        collections_path=chosen.collections_path,
        warm=chosen.warm,
        direct=chosen.direct,
        inline=chosen.inline,
        max_parallel=chosen.parallel,
        log_limit=chosen.log_limit,
    )
