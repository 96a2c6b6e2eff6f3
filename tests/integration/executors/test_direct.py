"""A stage of Tekton's without a playbook: what can be seen of it is as if the playbook had been played."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Work, WorkResult, WorkStatus

from tests.support.collection import collections_path
from tests.support.runner import Runner

PLAYBOOK = "kabanero.events.stages.tekton_stage"
PATIENCE, KILLED_AFTER = 60.0, 10.0
TOKEN = "a-secret-of-eleven-words"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """An API that serves no Tekton."""
    with Runner(tmp_path_factory.mktemp("runner")) as started:
        yield started


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes requests and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[AnsibleExecutor]:
    async with opened(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(folder: Path, *, collections: Path | None = None, **settings: Any) -> AsyncIterator[AnsibleExecutor]:
    for name in ("project", "data"):
        (folder / name).mkdir(exist_ok=True)
    found = collections or collections_path(folder / "collections")
    chosen = AnsibleExecutorSettings(folder / "data", folder / "project", str(found), **settings)
    made = await AnsibleExecutor.open(chosen, SystemClock())
    yield made
    await made.close(cancel=True)


def work(*, timeout: float = 0, spec: dict[str, Any] | None = None, **environment: str) -> Work:
    told = {
        "contextID": "20261123083000000-1a2b3c4d5e",
        "strategy": "main",
        "strategy_run": "main-1",
        "stage_name": "Build",
        "stage_run": "main-1-build",
        "stage_run_uid": str(uuid.uuid4()),
        "stage_attempt": 1,
        "stage_timeout": timeout,
        "kabanero_namespace": "kabanero",
        "stage_spec": spec or {"pipelineName": "build"},
    }
    return Work(f"build-{uuid.uuid4().hex[:8]}.1", PLAYBOOK, told, environment, timeout)


async def done(executor: AnsibleExecutor, what: Work) -> WorkResult:
    async with asyncio.timeout(PATIENCE):
        return await executor.carry_out(what)


async def log_of(executor: AnsibleExecutor, what: Work) -> str:
    return b"".join([piece async for piece in executor.log(what.ident)]).decode()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.02)


def artifacts(folder: Path, what: Work) -> set[str]:
    return {each.name for each in (folder / "data" / "artifacts" / what.ident).iterdir()}


def told(result: WorkResult) -> tuple[Any, ...]:
    return result.status, result.reason, result.message, dict(result.outputs), result.waiting_for


@pytest.mark.parametrize(
    "spec", [{"pipelineName": "build"}, {}, {"pipelineName": "build", "resolver": {"name": "git"}}, {"resolver": {}}]
)
async def test_what_goes_wrong_is_told_as_by_the_playbook(runner: Runner, tmp_path: Path, spec: dict[str, Any]) -> None:
    what = {"spec": spec or {"timeouts": {}}, "K8S_AUTH_KUBECONFIG": str(runner.data / "kubeconfig")}
    collections = collections_path(tmp_path / "collections")
    async with opened(tmp_path, collections=collections) as direct:
        without = await done(direct, work(**what))
    async with opened(tmp_path, collections=collections, direct=False) as played:
        expected = await done(played, work(**what))
    assert without.status is WorkStatus.ERRORED
    assert told(without)[:2] == told(expected)[:2]
    assert without.message in expected.message or expected.message in without.message


async def test_no_playbook_is_played(executor: AnsibleExecutor, runner: Runner, tmp_path: Path) -> None:
    what = work(K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))
    await done(executor, what)
    assert artifacts(tmp_path, what) == {"driver", "result.json", "log"}
    assert "no PipelineRun: the API server serves no tekton.dev/v1" in await log_of(executor, what)


async def test_a_setting_has_it_played(runner: Runner, tmp_path: Path) -> None:
    what = work(K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))
    async with opened(tmp_path, direct=False) as executor:
        await done(executor, what)
        assert "PLAY [Start a Tekton pipeline]" in await log_of(executor, what)


async def test_whoever_wants_it_ended_gets_it_ended_while_the_server_is_silent(
    executor: AnsibleExecutor, silent: str, tmp_path: Path
) -> None:
    what = work(K8S_AUTH_HOST=silent, K8S_AUTH_API_KEY=TOKEN)
    carrying = asyncio.create_task(done(executor, what))
    folder = tmp_path / "data" / "artifacts" / what.ident
    await until((folder / "driver").exists)
    began = time.monotonic()
    await executor.cancel(what.ident, "not wanted any more")
    assert told(await carrying)[:3] == (WorkStatus.CANCELLED, "Cancelled", "not wanted any more")
    assert time.monotonic() - began < KILLED_AFTER, "it ended by itself"


async def test_it_ends_when_its_time_is_up(executor: AnsibleExecutor, silent: str) -> None:
    result = await done(executor, work(timeout=0.5, K8S_AUTH_HOST=silent, K8S_AUTH_API_KEY=TOKEN))
    assert told(result)[:3] == (WorkStatus.TIMED_OUT, "DeadlineExceeded", "not ended within 0.5 s")


async def test_secrets_are_not_told(executor: AnsibleExecutor) -> None:
    what = work(KUBECONFIG=f"/nowhere/{TOKEN}", KABANERO_TOKEN=TOKEN)
    result = await done(executor, what)
    assert "there is no kubeconfig /nowhere/********" in result.message
    assert TOKEN not in await log_of(executor, what)
