"""The process that has Ansible loaded: it follows the configuration, may be killed, and is never needed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings, server_link, traces
from kabanero.ports import Work, WorkResult, WorkStatus

from tests.support.collection import collections_path
from tests.support.playbooks import make_project
from tests.support.runner import descendants

PATIENCE = 30.0
RUNNER = """
import asyncio, sys
from pathlib import Path
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Work

async def main(folder):
    settings = AnsibleExecutorSettings(folder / "data", folder / "project", str(folder / "collections"))
    executor = await AnsibleExecutor.open(settings, SystemClock())
    await executor.carry_out(Work("naps-1.1", "naps.yml", {}))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def settings(tmp_path: Path) -> AnsibleExecutorSettings:
    make_project(tmp_path / "project")
    collections = collections_path(tmp_path / "collections")
    (tmp_path / "data").mkdir()
    return AnsibleExecutorSettings(tmp_path / "data", tmp_path / "project", str(collections))


@pytest.fixture
async def executor(settings: AnsibleExecutorSettings) -> AsyncIterator[AnsibleExecutor]:
    opened = await AnsibleExecutor.open(settings, SystemClock())
    yield opened
    await opened.close(cancel=True)


async def played(executor: AnsibleExecutor, playbook: str, ident: str) -> WorkResult:
    async with asyncio.timeout(PATIENCE):
        return await executor.carry_out(Work(ident, playbook, {}))


def servers() -> list[int]:
    """Job servers among the children of this process."""
    found = []
    for pid in descendants(os.getpid()):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"kabanero.executors.ansible.server" in words and _parent(pid) == os.getpid():
            found.append(pid)
    return found


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_the_runner_itself_never_loads_ansible() -> None:
    code = (
        "import sys, kabanero.executors.ansible; sys.exit('ansible' in sys.modules or 'ansible_runner' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_changed_configuration_is_heeded_by_the_next_playbook(
    executor: AnsibleExecutor, settings: AnsibleExecutorSettings
) -> None:
    assert (await played(executor, "forks.yml", "forks-1.1")).outputs == {"forks": 5}
    before = servers()
    (settings.project_dir / "ansible.cfg").write_text("[defaults]\nforks = 17\n")
    assert (await played(executor, "forks.yml", "forks-2.1")).outputs == {"forks": 17}
    assert len(before) == 1
    assert before != servers()


async def test_a_killed_job_server_is_replaced_and_its_work_goes_on(executor: AnsibleExecutor, tmp_path: Path) -> None:
    running = asyncio.create_task(played(executor, "naps.yml", "naps-1.1"))
    while not traces.driver_of(tmp_path / "data" / "artifacts" / "naps-1.1"):
        await asyncio.sleep(0.02)
    (server,) = servers()
    os.kill(server, signal.SIGKILL)
    assert (await played(executor, "plain.yml", "plain-1.1")).status is WorkStatus.SUCCEEDED
    assert (await running).outputs == {"slept": True}
    assert len(servers()) == 1
    assert servers() != [server]


async def test_playbooks_are_played_without_a_job_server_when_there_can_be_none(
    executor: AnsibleExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> Any:
        raise OSError("no more processes")

    monkeypatch.setattr(server_link._Server, "started", refused)
    await executor._link.close()
    assert (await played(executor, "plain.yml", "plain-1.1")).status is WorkStatus.SUCCEEDED
    assert servers() == []


async def test_a_job_that_sets_ansible_variables_is_played_by_itself(executor: AnsibleExecutor) -> None:
    work = Work("forks-1.1", "forks.yml", {}, environment={"ANSIBLE_FORKS": "3"})
    assert (await executor.carry_out(work)).outputs == {"forks": 3}


async def test_work_outlives_a_runner_that_was_killed_and_the_next_one_gets_its_result(
    settings: AnsibleExecutorSettings, tmp_path: Path
) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path)])
    folder, deadline = tmp_path / "data" / "artifacts" / "naps-1.1", time.monotonic() + PATIENCE
    while not traces.driver_of(folder) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    runner.kill()
    runner.wait()
    started = traces.driver_of(folder)
    assert started and started.alive
    executor = await AnsibleExecutor.open(settings, SystemClock())
    try:
        assert (await played(executor, "naps.yml", "naps-1.1")).outputs == {"slept": True}
        assert traces.driver_of(folder) == started
    finally:
        await executor.close()
