"""A task that is done in the process of its playbook ends as it does in a process of its own, and leaves no trace.

Every playbook here is played twice: once by an executor that does such tasks so, once by one that forks for every task.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Progress, Work, WorkResult, WorkStatus

from tests.support.collection import collections_path
from tests.support.runner import descendants

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE = 60.0
HEAD = """
- hosts: localhost
  gather_facts: false
  vars: {given: {a: 1}}
  handlers: [{name: told, set_fact: {heard: '{{ seen }}'}}]
  tasks:
"""
FILTERS = """
import os, sys, time

def changed(value):
    os.environ["LEFT_BEHIND"] = "x"
    os.chdir("/")
    value["b"] = 2
    return value

class FilterModule:
    def filters(self):
        return {
            "pid": lambda _: os.getpid(), "where": lambda _: [os.getcwd(), os.environ.get("LEFT_BEHIND")],
            "changed": changed, "ends": lambda _: sys.exit(3), "breaks": lambda _: 1 / 0,
            "says": lambda value: print(value) or value, "naps": lambda seconds: time.sleep(seconds) or seconds,
        }
"""
LOOKUP = """
import os
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [os.getpid()]
"""
ACTION = """
import os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"pid": os.getpid()}
"""
REPORT = "    - kabanero.events.stage_result: {{outputs: {{seen: '{{{{ {what} }}}}'}}}}\n"


class Pair:
    """Two executors on one project."""

    def __init__(self, folder: Path, here: AnsibleExecutor, forking: AnsibleExecutor) -> None:
        self._project, self.here, self.forking = folder / "project", here, forking

    def written(self, tasks: str, report: str = "") -> str:
        """The name of a playbook of these tasks."""
        name = f"{uuid.uuid4().hex}.yml"
        ending = REPORT.format(what=report) if report else ""
        (self._project / name).write_text(HEAD + tasks.lstrip("\n") + ending)
        return name

    async def both(self, tasks: str, **more: Any) -> tuple[tuple[WorkResult, str], tuple[WorkResult, str]]:
        """Result and log of either."""
        playbook = self.written(tasks, **more)
        return await played(self.here, playbook), await played(self.forking, playbook)


@asynccontextmanager
async def opened(folder: Path, name: str, **settings: Any) -> AsyncIterator[AnsibleExecutor]:
    (folder / name).mkdir()
    chosen = AnsibleExecutorSettings(
        folder / name, folder / "project", str(collections_path(folder / "collections")), **settings
    )
    made = await AnsibleExecutor.open(chosen, SystemClock())
    yield made
    await made.close(cancel=True)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    folder = tmp_path_factory.mktemp("inline")
    plugins = {"filter_plugins/ours.py": FILTERS, "lookup_plugins/pid.py": LOOKUP, "action_plugins/pid.py": ACTION}
    for name, text in plugins.items():
        (folder / "project" / name).parent.mkdir(parents=True)
        (folder / "project" / name).write_text(text)
    (folder / "project" / "more.yml").write_text("- set_fact: {included: '{{ of }}'}\n")
    (folder / "project" / "values.yml").write_text("read: from a file\n")
    async with opened(folder, "here") as here, opened(folder, "forking", inline=False) as forking:
        yield Pair(folder, here, forking)


async def played(executor: AnsibleExecutor, playbook: str, **more: Any) -> tuple[WorkResult, str]:
    ident = f"{uuid.uuid4().hex[:8]}.1"
    async with asyncio.timeout(PATIENCE):
        result = await executor.carry_out(Work(ident, playbook, {}, **more))
        log = b"".join([piece async for piece in executor.log(ident)]).decode()
    return result, log


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.05)


def told(of: tuple[WorkResult, str]) -> tuple[Any, ...]:
    """All but the times."""
    result, log = of
    return result.status, result.reason, result.message, result.outputs, log


SAME = {
    "a result that is registered": "- assert: {that: 1 == 1}\n  register: seen",
    "a failure": "- fail: {msg: the shelf is empty}",
    "a failure that is ignored": "- fail: {msg: no}\n  ignore_errors: true\n  register: seen",
    "a failure with a rescue": "- block:\n    - fail: {msg: no}\n  rescue:\n"
    "    - set_fact: {seen: '{{ ansible_failed_result.msg }}'}",
    "an undefined variable": "- set_fact: {seen: '{{ nothing.here }}'}",
    "an exception of a filter": "- set_fact: {seen: '{{ 1 | breaks }}'}",
    "an exception that is kept": "- set_fact: {seen: '{{ 1 | breaks }}'}\n  ignore_errors: true",
    "the end of the process": "- set_fact: {seen: '{{ 1 | ends }}'}",
    "output of its own": "- set_fact: {seen: '{{ \"printed\" | says }}'}",
    "a loop": "- set_fact: {'k{{ item }}': '{{ item }}'}\n  loop: [1, 2, 3]\n  register: seen",
    "a loop in which one fails": "- assert: {that: item < 2}\n  loop: [1, 2]\n  register: seen\n  ignore_errors: true",
    "a loop with an old lookup": "- set_fact: {seen: '{{ item }}'}\n  with_dict: {a: 1, b: 2}",
    "a condition that is false": "- set_fact: {seen: 1}\n  when: 1 > 2\n  register: seen",
    "a command on a condition": "- command: echo yes\n  when: 2 > 1\n  register: done\n"
    "- command: echo no\n  when: 1 > 2\n  register: left\n"
    "- set_fact: {seen: '{{ [done.stdout, left.skipped] }}'}",
    "a condition that makes no sense": "- command: echo no\n  when: no.such\n  ignore_errors: true\n  register: seen",
    "what changed and failed mean": "- assert: {that: 1}\n  changed_when: true\n  failed_when: 2 > 1",
    "what must not be logged": "- set_fact: {seen: hidden}\n  no_log: true",
    "a failure that must not be logged": "- fail: {msg: hidden}\n  no_log: true",
    "check mode": "- set_fact: {seen: '{{ ansible_check_mode }}'}\n  check_mode: true",
    "a task for another machine": "- set_fact: {seen: '{{ inventory_hostname }}'}\n  delegate_to: elsewhere\n"
    "  delegate_facts: true",
    "variables of task and block": "- block:\n    - set_fact: {first: '{{ own }}'}\n      vars: {own: task}\n"
    "    - set_fact: {seen: '{{ [first, own] }}'}\n  vars: {own: block}",
    "what a block says anew for each task": "- block:\n    - set_fact: {lax: true}\n    - fail: {msg: no}\n"
    "    - set_fact: {seen: '{{ lax }}'}\n  ignore_errors: '{{ lax | default(false) }}'",
    "a file of tasks": "- include_tasks: {file: more.yml}\n  loop: [1, 2]\n  loop_control: {loop_var: of}",
    "a file of variables": "- include_vars: values.yml\n- set_fact: {seen: '{{ read }}'}",
    "a host that comes in": "- add_host: {name: web, groups: web}\n- set_fact: {seen: '{{ groups.web }}'}",
    "a handler that is called twice": 2
    * (
        "- set_fact: {seen: '{{ seen | default(0) + 1 }}'}\n  changed_when: true\n"
        "  notify: told\n- meta: flush_handlers\n"
    ),
    "statistics": "- set_stats: {data: {kabanero_stage_result: {status: Failed, message: by hand}}}",
    "how far the work is": "- kabanero.events.stage_result: {progress: {percent: 50, message: half}}",
    "a wrong argument": "- kabanero.events.stage_result: {statuss: Success}",
    "a task with a time limit": "- set_fact: {seen: '{{ 0 | naps }}'}\n  timeout: 5",
    "a time limit that is passed": "- set_fact: {seen: '{{ 30 | naps }}'}\n  timeout: 1\n  ignore_errors: true",
    "attempts until it is true": "- set_fact: {seen: 1}\n  until: true\n  retries: 2\n  register: seen",
}


@pytest.mark.parametrize("tasks", SAME.values(), ids=list(SAME))
async def test_it_looks_the_same_from_outside(pair: Pair, tasks: str) -> None:
    indented = "".join(f"    {line}\n" for line in tasks.splitlines())
    one, other = await pair.both(indented, report="[heard | default(0), seen | default(given)] | string")
    assert told(one) == told(other)


async def test_progress_is_told_the_same(pair: Pair) -> None:
    playbook = pair.written("    - set_fact: {a: 1}\n    - kabanero.events.stage_result: {progress: {percent: 50}}\n")
    heard: list[list[Any]] = []
    for executor in (pair.here, pair.forking):
        news: list[Progress] = []
        await executor.carry_out(Work(f"{uuid.uuid4().hex[:8]}.1", playbook, {}), news.append)
        heard.append([(each.event, each.task, each.host, each.percent) for each in news])
    assert heard[0] == heard[1]
    assert ("progress", "", "", 50) in heard[0]


PIDS = "    - set_fact: {first: '{{ 0 | pid }}'}\n"


async def test_tasks_that_need_no_process_are_done_in_one(pair: Pair) -> None:
    here, forking = await pair.both(PIDS, report="[first | int, 0 | pid] | unique | length")
    assert (here[0].outputs, forking[0].outputs) == ({"seen": 1}, {"seen": 2})


async def test_a_condition_that_is_false_is_found_without_a_process(pair: Pair) -> None:
    elsewhere = "    - command: echo done\n      when: (0 | pid) != (first | int)\n      register: asked\n"
    here, forking = await pair.both(PIDS + elsewhere, report="asked.skipped | default(false)")
    assert (here[0].outputs, forking[0].outputs) == ({"seen": True}, {"seen": False})


NEED_ONE = {
    "a time limit": "set_fact: {second: '{{ 0 | pid }}'}\n      timeout: 9",
    "another machine": "set_fact: {second: '{{ 0 | pid }}'}\n      delegate_to: elsewhere",
    "attempts": "set_fact: {second: '{{ 0 | pid }}'}\n      until: true",
    "a lookup of the project's": "set_fact: {second: '{{ lookup(\"pid\") }}'}",
    "a lookup that runs a command": 'set_fact: {second: \'{{ 0 | pid + 0 * lookup("pipe", "echo 1") | int }}\'}',
    "a condition that runs one": "set_fact: {second: '{{ 0 | pid }}'}\n      when: lookup('pipe', 'echo 1') == '1'",
    "an action of the project's": "pid:\n      register: done",
}


@pytest.mark.parametrize("task", NEED_ONE.values(), ids=list(NEED_ONE))
async def test_a_task_that_needs_a_process_gets_one(pair: Pair, task: str) -> None:
    (result, log), _ = await pair.both(
        f"{PIDS}    - {task}\n", report="[first | int, (second | default(done.pid)) | int] | unique | length"
    )
    assert result.outputs == {"seen": 2}, log


async def test_several_hosts_are_served_side_by_side(pair: Pair) -> None:
    tasks = "    - add_host: {name: '{{ item }}', groups: many, ansible_connection: local}\n      loop: [a, b]\n"
    play = "- hosts: many\n  gather_facts: false\n  tasks:\n    - set_fact: {mine: '{{ 0 | pid }}'}\n"
    ending = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
    report = "[hostvars.a.mine, hostvars.b.mine] | unique | length"
    playbook = pair.written(tasks + play + ending, report=report)
    assert (await played(pair.here, playbook))[0].outputs == {"seen": 2}


async def test_what_a_filter_changes_is_gone_with_its_task(pair: Pair) -> None:
    where = "    - set_fact: {before: '{{ 0 | where }}'}\n    - set_fact: {unused: '{{ given | changed }}'}\n"
    here, forking = await pair.both(where, report="[before == 0 | where, given]")
    assert here[0].outputs == forking[0].outputs == {"seen": [True, {"a": 1}]}


@pytest.mark.parametrize(("timeout", "status"), [(1.5, WorkStatus.TIMED_OUT), (0.0, WorkStatus.CANCELLED)])
async def test_a_task_that_hangs_is_ended_with_its_playbook(pair: Pair, timeout: float, status: WorkStatus) -> None:
    playbook = pair.written("    - set_fact: {begun: 1}\n    - set_fact: {seen: '{{ 1000 | naps }}'}\n")
    begun, ident = asyncio.Event(), f"{uuid.uuid4().hex[:8]}.1"
    work = Work(ident, playbook, {}, timeout=timeout)
    running = asyncio.create_task(pair.here.carry_out(work, lambda news: begun.set()))
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        if not timeout:
            await pair.here.cancel(ident, "no longer wanted")
        assert (await running).status is status
    assert pair.here._link._server
    server = pair.here._link._server._process.pid
    await until(lambda: not descendants(server))
