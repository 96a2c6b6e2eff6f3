"""Which collection a playbook gets: loading ours ahead of time must change nothing but the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Work, WorkResult, WorkStatus

from tests.support.collection import collections_path

PATIENCE = 60.0
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - kabanero.events.stage_result:
        outputs: {from: ours}
"""
OTHER = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        data = {"kabanero_stage_result": {"status": "Success", "outputs": {"from": "theirs"}}}
        return {"changed": False, "ansible_stats": {"data": data, "per_host": False, "aggregate": False}}
"""
MODULE = "#!/usr/bin/python\nDOCUMENTATION = 'module: stage_result\\nshort_description: theirs'\n"


@pytest.fixture(params=["warm", "cold"])
async def executor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnsibleExecutor]:
    (tmp_path / "project").mkdir()
    (tmp_path / "data").mkdir()
    settings = AnsibleExecutorSettings(
        data_dir=tmp_path / "data",
        project_dir=tmp_path / "project",
        collections_path=str(collections_path(tmp_path / "collections")),
        warm=request.param == "warm",
    )
    opened = await AnsibleExecutor.open(settings, SystemClock())
    yield opened
    await opened.close(cancel=True)


async def played(executor: AnsibleExecutor, playbook: str) -> WorkResult:
    async with asyncio.timeout(PATIENCE):
        return await executor.carry_out(Work(f"{Path(playbook).stem}.1", playbook, {}))


def vendored(folder: Path) -> None:
    """Another kabanero.events beside a playbook."""
    plugins = folder / "collections" / "ansible_collections" / "kabanero" / "events" / "plugins"
    for kind, text in (("action", OTHER), ("modules", MODULE)):
        (plugins / kind).mkdir(parents=True)
        (plugins / kind / "stage_result.py").write_text(text)


async def test_a_playbook_gets_the_collection_that_the_runner_has(executor: AnsibleExecutor, tmp_path: Path) -> None:
    (tmp_path / "project" / "plain.yml").write_text(PLAYBOOK)
    result = await played(executor, "plain.yml")
    assert (result.status, result.outputs) == (WorkStatus.SUCCEEDED, {"from": "ours"}), result


async def test_a_collection_beside_the_playbook_counts_first(executor: AnsibleExecutor, tmp_path: Path) -> None:
    folder = tmp_path / "project" / "shop"
    vendored(folder)
    (folder / "own.yml").write_text(PLAYBOOK)
    result = await played(executor, "shop/own.yml")
    assert (result.status, result.outputs) == (WorkStatus.SUCCEEDED, {"from": "theirs"}), result


async def test_the_next_playbook_gets_the_runners_again(executor: AnsibleExecutor, tmp_path: Path) -> None:
    vendored(tmp_path / "project" / "shop")
    (tmp_path / "project" / "shop" / "own.yml").write_text(PLAYBOOK)
    (tmp_path / "project" / "plain.yml").write_text(PLAYBOOK)
    await played(executor, "shop/own.yml")
    assert (await played(executor, "plain.yml")).outputs == {"from": "ours"}
