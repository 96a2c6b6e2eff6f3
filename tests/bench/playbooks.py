"""CPU of a stage's playbook by the number of its tasks; and the same where every task is forked for.

Both in turn, one playbook after the other, so that a machine that is busy for a while is so for both. CPU counts what
the job server and its children took, whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Work, WorkStatus

from tests.bench.figures import Figure, median
from tests.support.collection import collections_path
from tests.support.playbooks import HEAD

TASKS = (1, 2, 6)
PLAYBOOKS, ROUNDS = 5, 9
LAST = "    - kabanero.events.stage_result: {message: done}\n"


def measure(folder: Path) -> list[Figure]:
    """Milliseconds of CPU for a playbook."""
    (folder / "project").mkdir()
    for count in TASKS:
        tasks = "".join(f"    - set_fact: {{value{number}: 1}}\n" for number in range(count - 1))
        (folder / "project" / f"{count}.yml").write_text(HEAD + tasks + LAST)
    return asyncio.run(_measured(folder))


async def _measured(folder: Path) -> list[Figure]:
    ours, forking = await _opened(folder, "ours", inline=True), await _opened(folder, "forking", inline=False)
    try:
        figures = []
        for count in TASKS:
            spent = [(await _spent(ours, count), await _spent(forking, count)) for _ in range(ROUNDS)]
            for number, subject in enumerate(("kabanero", "kabanero, executor.inline: false")):
                taken = median([each[number] for each in spent])
                figures.append(Figure("CPU of a playbook", subject, taken, "ms", detail=f"tasks: {count}"))
        return figures
    finally:
        await ours.close()
        await forking.close()


async def _opened(folder: Path, name: str, *, inline: bool) -> AnsibleExecutor:
    (folder / name).mkdir()
    collections = collections_path(folder / "collections")
    settings = AnsibleExecutorSettings(folder / name, folder / "project", str(collections), inline=inline)
    executor = await AnsibleExecutor.open(settings, SystemClock())
    await executor.carry_out(Work("first-1.1", "1.yml", {}))
    return executor


async def _spent(executor: AnsibleExecutor, count: int) -> float:
    """Milliseconds of CPU for one playbook, the mean of some."""
    assert executor._link._server
    server = executor._link._server._process.pid
    before = _cpu(server)
    for number in range(PLAYBOOKS):
        result = await executor.carry_out(Work(f"{count}-{number}-{before:.2f}.1", f"{count}.yml", {}))
        assert result.status is WorkStatus.SUCCEEDED, result.message
    return (_cpu(server) - before) / PLAYBOOKS * 1000


def _cpu(pid: int) -> float:
    """Seconds of a process, and of those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
