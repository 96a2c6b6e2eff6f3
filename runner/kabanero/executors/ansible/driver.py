"""The driver: one process that has ansible-runner carry one playbook out, and leaves the result behind.

Forked by the job server, or started by itself for a cold run. It goes on when the runner is killed: what it writes is
found by the next one. Ended by SIGTERM, it takes every process of the playbook with it.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ansible_runner.runner
import orjson
import pexpect
from ansible_runner.config.runner import RunnerConfig

from kabanero.executors.ansible import direct, traces
from kabanero.executors.ansible.job import Job
from kabanero.executors.ansible.observing import News, Observer
from kabanero.executors.ansible.playbooks import objection_to, prompts
from kabanero.executors.ansible.processes import MARK, adopt_orphans, kill_below
from kabanero.executors.ansible.unsafe import unsafe
from kabanero.ports import WorkResult, WorkStatus

INVENTORY = "localhost ansible_connection=local ansible_python_interpreter={python}\n"
LOOK_SECONDS = 1
"""How often ansible-runner looks whether the time is up while a playbook is silent."""
Play = Callable[[], None]
"""Plays the playbook inside a process that has Ansible loaded; never returns. None: start ansible-playbook."""


def drive(job: Job, news: News, play: Callable[[list[str], dict[str, str], str], Play] | None = None) -> bool:
    """Carries a job out, if nobody else has begun it, and leaves its result; False: another has.

    `play` makes the warm child; without it the run is cold.
    """
    is_direct = play is not None and direct.knows(job)
    if not traces.claim(job.path, durably=not is_direct):
        return False
    stopping = _Stopping()
    started = datetime.now(UTC)
    try:
        result = _result(job, news, stopping, play, is_direct=is_direct)
    except Exception as error:
        result = _full(job, error) or WorkResult(WorkStatus.ERRORED, "DriverError", traceback.format_exc(limit=-3))
    if result.status in (WorkStatus.CANCELLED, WorkStatus.TIMED_OUT):
        kill_below(os.getpid())
    finished = datetime.now(UTC)
    _leave(job.path, dataclasses.replace(result, started=started, finished=finished), stopping, durably=not is_direct)
    return True


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _full(job: Job, error: Exception) -> WorkResult | None:
    """Ansible and ansible-runner write as they go, and can't go on without room."""
    if not _is_full(error):
        return None
    kill_below(os.getpid())
    message = f"the disk of {job.folder} was full: the playbook was broken off (free space, then retry the stage)"
    return WorkResult(WorkStatus.ERRORED, "DiskFull", message)


def _leave(folder: Path, result: WorkResult, stopping: _Stopping, *, durably: bool) -> None:
    """Writes the result down. While the disk is full it waits for room: what was done would have to be done again."""
    while True:
        try:
            return traces.write_result(folder, result, durably=durably)
        except OSError as error:
            if not _is_full(error) or stopping.asked:
                raise
            time.sleep(LOOK_SECONDS)


class _Stopping:
    """Whether somebody wants the job ended. SIGTERM kills the playbook, so that ansible-runner notices at once."""

    def __init__(self) -> None:
        self.asked = False
        adopt_orphans()
        signal.signal(signal.SIGTERM, self._asked)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def _asked(self, *_: Any) -> None:
        self.asked = True
        kill_below(os.getpid())

    def __call__(self) -> bool:
        return self.asked


def _result(job: Job, news: News, stopping: _Stopping, play: Any, *, is_direct: bool) -> WorkResult:
    reason = traces.cancelled(job.path)
    if reason is not None:
        return WorkResult(WorkStatus.CANCELLED, "Cancelled", reason or "cancelled before it began")
    missing = _not_readable(job)
    if missing is not None:
        return missing
    observer = Observer(job.path / traces.LOG, job.log_limit, job.secrets(), news)
    if is_direct:
        return direct.result(job, observer)
    return _played(job, observer, stopping, play)


def _played(job: Job, observer: Observer, stopping: _Stopping, play: Any) -> WorkResult:
    runner = _runner(job, observer, lambda: stopping() or _is_asking(observer), play)
    runner.run()
    if stopping.asked:
        return traces.broken_off(job.path, job.timeout, asked=True)
    if observer.question:
        asking = prompts(f"playbook {job.playbook}", observer.question)
        return WorkResult(WorkStatus.ERRORED, asking.reason, asking.message)
    if runner.timed_out:
        return traces.broken_off(job.path, job.timeout, asked=False)
    return observer.result(int(runner.rc))


def _not_readable(job: Job) -> WorkResult | None:
    objection = objection_to(job.playbook, Path(job.project_dir))
    return WorkResult(WorkStatus.ERRORED, objection.reason, objection.message) if objection else None


def _is_asking(observer: Observer) -> bool:
    """Whether the playbook waits for an answer, which it would do until its time is up."""
    if observer.question:
        kill_below(os.getpid())
    return bool(observer.question)


def _runner(job: Job, observer: Observer, stopping: Callable[[], bool], play: Any) -> ansible_runner.runner.Runner:
    config = _config(job)
    full = {**config.env, **job.environment, MARK: job.folder}
    # ansible-runner writes config.env into the artifact `command`: it gets no secrets and nothing of the runner's own.
    config.env = {name: value for name, value in config.env.items() if name.startswith(("ANSIBLE_", "AWX_", "RUNNER_"))}
    ansible_runner.runner.pexpect = _spawning(full, play)
    return ansible_runner.runner.Runner(
        config, event_handler=observer.event, cancel_callback=stopping, remove_partials=True
    )


def _config(job: Job) -> RunnerConfig:
    variables, inventory = job.path / "extravars.json", job.path / "inventory"
    variables.write_bytes(orjson.dumps(unsafe(job.extra_vars)))
    inventory.write_text(INVENTORY.format(python=shlex.quote(sys.executable)))
    config = RunnerConfig(
        private_data_dir=job.folder,
        project_dir=job.project_dir,
        playbook=job.playbook,
        inventory=str(inventory),
        cmdline=f"-e @{shlex.quote(str(variables))}",
        verbosity=job.verbosity or None,
        ident="artifacts",
        artifact_dir=job.folder,
        fact_cache_type="memory",
    )
    config.prepare()
    # `prepare` drops all settings when the folder has no env/settings: so they are set behind it.
    config.suppress_output_file = config.suppress_ansible_output = True
    config.pexpect_timeout = min(LOOK_SECONDS, job.timeout or LOOK_SECONDS)
    config.job_timeout = job.timeout or None
    config.command[0] = str(Path(sys.executable).parent / "ansible-playbook")
    return config


def _spawning(environment: dict[str, str], play: Any) -> Any:
    """pexpect as ansible-runner sees it: the child gets the full environment, and, warm, never execs."""

    def spawn(command: str, args: list[str], *, cwd: str, env: Any, **options: Any) -> Any:
        hook = play([command, *args], environment, cwd) if play else None
        child = pexpect.spawn(command, args, cwd=cwd, env=environment, preexec_fn=hook, **options)
        child.delayafterclose = child.ptyproc.delayafterclose = 0
        return child

    return SimpleNamespace(spawn=spawn, EOF=pexpect.EOF, TIMEOUT=pexpect.TIMEOUT, exceptions=pexpect.exceptions)
