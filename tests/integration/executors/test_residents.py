"""Drivers that stay: one job after the other in one process, and none in the way of another."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kabanero.executors.ansible import AnsibleExecutor, traces
from kabanero.ports import Work, WorkStatus

from tests.integration.executors.test_direct import KILLED_AFTER, TOKEN, done, opened, runner, silent, told, until, work
from tests.support.runner import Runner

__all__ = ["runner", "silent"]


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[AnsibleExecutor]:
    async with opened(tmp_path) as made:
        yield made


def of(runner: Runner, *, timeout: float = 0) -> Work:
    """A job that ends at once."""
    return work(timeout=timeout, K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))


def hanging(silent: str) -> Work:
    return work(K8S_AUTH_HOST=silent, K8S_AUTH_API_KEY=TOKEN)


def driver(folder: Path, what: Work) -> traces.Process:
    found = traces.driver_of(folder / "data" / "artifacts" / what.ident)
    assert found is not None
    return found


async def begun(executor: AnsibleExecutor, folder: Path, what: Work) -> asyncio.Task[object]:
    task: asyncio.Task[object] = asyncio.ensure_future(done(executor, what))
    await until((folder / "data" / "artifacts" / what.ident / "driver").exists)
    return task


async def test_the_next_job_is_done_by_the_same_process(
    executor: AnsibleExecutor, runner: Runner, tmp_path: Path
) -> None:
    first, second = of(runner), of(runner)
    results = [await done(executor, first), await done(executor, second)]
    assert driver(tmp_path, first) == driver(tmp_path, second)
    assert told(results[0]) == told(results[1])


async def test_a_job_does_not_wait_for_one_that_hangs(
    executor: AnsibleExecutor, runner: Runner, silent: str, tmp_path: Path
) -> None:
    hangs = await begun(executor, tmp_path, hanging(silent))
    assert (await done(executor, of(runner))).status is WorkStatus.ERRORED
    assert not hangs.done()
    hangs.cancel()


async def test_the_next_job_knows_nothing_of_one_that_was_cancelled(
    executor: AnsibleExecutor, runner: Runner, silent: str, tmp_path: Path
) -> None:
    first, second = hanging(silent), of(runner)
    hangs = await begun(executor, tmp_path, first)
    await executor.cancel(first.ident, "not wanted")
    await hangs
    assert (await done(executor, second)).reason == "TektonNotFound"
    assert driver(tmp_path, first) == driver(tmp_path, second)


async def test_a_signal_for_a_job_that_has_just_ended_ends_no_other(
    executor: AnsibleExecutor, silent: str, tmp_path: Path
) -> None:
    what = hanging(silent)
    hangs = await begun(executor, tmp_path, what)
    os.kill(driver(tmp_path, what).pid, signal.SIGTERM)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(hangs), 0.5)
    await executor.cancel(what.ident)
    assert (await hangs).status is WorkStatus.CANCELLED  # type: ignore[attr-defined]


async def test_one_that_was_killed_is_replaced(executor: AnsibleExecutor, runner: Runner, tmp_path: Path) -> None:
    first, second = of(runner), of(runner)
    await done(executor, first)
    os.kill(driver(tmp_path, first).pid, signal.SIGKILL)
    await until(lambda: not driver(tmp_path, first).alive)
    assert (await done(executor, second)).reason == "TektonNotFound"
    assert driver(tmp_path, second) != driver(tmp_path, first)


async def test_one_that_is_killed_at_its_job_is_said_to_be_interrupted(
    executor: AnsibleExecutor, silent: str, tmp_path: Path
) -> None:
    what = hanging(silent)
    hangs = await begun(executor, tmp_path, what)
    os.kill(driver(tmp_path, what).pid, signal.SIGKILL)
    assert (await hangs).reason == "Interrupted"  # type: ignore[attr-defined]


async def test_the_environment_of_a_job_is_gone_with_it(
    executor: AnsibleExecutor, runner: Runner, tmp_path: Path
) -> None:
    named, unnamed = work(KUBECONFIG="/nowhere/named"), work(HOME=str(tmp_path))
    assert "no kubeconfig /nowhere/named" in (await done(executor, named)).message
    assert "don't know where the API is" in (await done(executor, unnamed)).message
    assert driver(tmp_path, named) == driver(tmp_path, unnamed)


async def test_none_is_left_when_the_runner_is_gone(runner: Runner, tmp_path: Path) -> None:
    what = of(runner)
    async with opened(tmp_path) as executor:
        await done(executor, what)
        assert driver(tmp_path, what).alive
    await until(lambda: not driver(tmp_path, what).alive)


async def test_one_at_work_ends_its_job_after_the_runner_has_gone(silent: str, tmp_path: Path) -> None:
    what = work(timeout=2, K8S_AUTH_HOST=silent, K8S_AUTH_API_KEY=TOKEN)
    async with opened(tmp_path) as first:
        (await begun(first, tmp_path, what)).cancel()
        await first.close()
        async with opened(tmp_path) as second:
            began = time.monotonic()
            assert (await done(second, what)).status is WorkStatus.TIMED_OUT
            assert time.monotonic() - began < KILLED_AFTER
    await until(lambda: not driver(tmp_path, what).alive)


async def test_many_side_by_side_leave_no_more_than_two(
    executor: AnsibleExecutor, runner: Runner, tmp_path: Path
) -> None:
    jobs = [of(runner) for _ in range(12)]
    results = await asyncio.gather(*(done(executor, each) for each in jobs))
    assert {each.reason for each in results} == {"TektonNotFound"}
    drivers = {driver(tmp_path, each) for each in jobs}
    await until(lambda: sum(each.alive for each in drivers) <= 2)


async def test_who_lets_go_while_a_job_is_handed_over_holds_up_no_playbook(
    executor: AnsibleExecutor, runner: Runner, tmp_path: Path
) -> None:
    (tmp_path / "project" / "quick.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks: []\n")
    await done(executor, of(runner))
    handed_over = asyncio.ensure_future(executor.carry_out(of(runner)))
    for _ in range(3):
        await asyncio.sleep(0)
    handed_over.cancel()
    result = await done(executor, Work("quick.1", "quick.yml", {}, {}))
    assert result.status is WorkStatus.SUCCEEDED
