"""Tasks that need no process of their own, done in the process of their playbook.

Ansible forks a worker for every task, which costs more than most tasks that only compute or ask an API. So here such a
task does what it would have done in its worker, and what it has sent is heard afterwards as if it had come from there.
A task is tried where its action may be one of these. When it turns out to want what a worker gives (another action,
a command, a lookup that reaches out), nothing of it has been heard yet, and a worker is forked after all.

Installed by `warm` in the process that all playbooks are forked from, and only there imported: it needs Ansible. See
docs/decisions/0040-tasks-without-a-worker.md.
"""

from __future__ import annotations

import contextlib
import copy
import io
import multiprocessing.process
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from ansible.errors import AnsibleError
from ansible.executor.process import worker
from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_queue_manager import FinalQueue
from ansible.playbook.task_include import TaskInclude
from ansible.plugins import loader, strategy
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from kabanero.executors.ansible.processes import take_environment

PURE = (
    "debug", "set_fact", "set_stats", "assert", "fail", "include_vars", "validate_argument_spec", "add_host",
    "group_by",
)  # fmt: skip
"""Actions of Ansible's that change nothing by themselves."""
LOOKUPS = (
    "items", "list", "dict", "env", "vars", "varnames", "file", "fileglob", "first_found", "template", "sequence",
    "subelements", "together", "nested", "indexed_items", "random_choice", "ini", "csvfile", "config",
    "inventory_hostnames",
)  # fmt: skip
"""Lookups that compute or read. Others may run commands, ask, or leave something behind in their process."""
CORE = ("ansible.builtin", "ansible.legacy")
OURS = "kabanero.events."
WANTS_PROCESS = ("async_val", "timeout", "delegate_to", "until", "retries", "become", "debugger")


class _NeedsProcess(BaseException):
    """The task wants something that only a process of its own gives."""


class _Held(FinalQueue):  # type: ignore[misc]
    """What a worker would have sent, in the form that would have travelled."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def put(self, obj: Any) -> None:
        self.sent.append(pickle.dumps(obj))

    def send_prompt(self, **kwargs: Any) -> None:
        raise _NeedsProcess


class _Heard:
    """The strategy as its results thread sees it, with a queue of what one task has sent."""

    def __init__(self, of: Any, sent: Iterable[bytes]) -> None:
        self._strategy, self._sent, self._final_q = of, iter(sent), self

    def get(self) -> Any:
        each = next(self._sent, None)
        return strategy.StrategySentinel() if each is None else pickle.loads(each)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)


class Worker(worker.WorkerProcess):  # type: ignore[misc]
    """Ansible's worker, which becomes a process only where its task needs one."""

    busy = False
    """Whether a task is being done in this process."""

    def start(self) -> None:
        """In place of a fork, where that is possible."""
        if not (_may_stay(self) and self._done_here()):
            super().start()

    def _done_here(self) -> bool:
        """False, with nothing done, for a task that needs a process after all."""
        twin, held = self._twin(), _Held()
        twin._final_q = held
        try:
            with _as_in_a_worker():
                twin.run()
        except _NeedsProcess:
            return False
        except KeyboardInterrupt:
            raise
        except BaseException:  # it would have ended its worker: Ansible's own words for that
            raise AnsibleError("A worker was found in a dead state") from None
        strategy.results_thread_main(_Heard(self._final_q.strategy, held.sent))
        return True

    def _twin(self) -> Worker:
        """This worker with its own copies of all that a task changes, as a fork would have."""
        twin = copy.copy(self)
        twin._task = self._task.copy(exclude_tasks=True)
        if not _may_be_done(self._task):
            twin._task.post_validate = _refuse  # Ansible's next step when the condition is true
        twin._host = copy.copy(self._host)
        twin._task_vars = self._task_vars.copy()
        twin._term = signal.getsignal(signal.SIGTERM)
        return twin

    def _detach(self) -> None:
        """Output that is no display's is caught, as a worker does, which tells of it in a warning."""
        if Worker.busy:
            sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
            sys.stdin.close()
        else:
            super()._detach()

    def _hard_exit(self, e: str) -> NoReturn:
        if not Worker.busy:
            super()._hard_exit(e)
        raise  # noqa: PLE0704  (called where the error is being handled)


def install(ours: Iterable[str]) -> None:
    """From now on, strategies in this process and its forks make workers of this kind. `ours`: names of actions."""
    original = strategy.StrategyBase.__init__

    def opened(self: Any, tqm: Any) -> None:
        original(self, tqm)
        self._final_q.strategy = self

    strategy.StrategyBase.__init__ = opened
    strategy.WorkerProcess = Worker
    _guard_actions([*PURE, *ours])
    _guard_lookups()


def remove() -> None:
    """Every task gets its worker again."""
    strategy.WorkerProcess = worker.WorkerProcess


def _may_stay(it: Worker) -> bool:
    """Whether it is worth a try. With one host at a time nothing is lost by waiting for the task here."""
    of, task = getattr(it._final_q, "strategy", None), it._task
    return (
        of is not None
        and len(of._workers) == 1
        and not of._pending_results
        and (it._task_vars.get("ansible_connection") or task.connection) == "local"
        and (_may_be_done(task) or _may_be_skipped(task))
    )


def _may_be_skipped(task: Any) -> bool:
    """Whether a condition alone may end it: that shows without a process, whatever the task would do."""
    return bool(task.when) and not (task.loop_with or task.loop or task.delegate_to)


def _may_be_done(task: Any) -> bool:
    if any(getattr(task, name) for name in WANTS_PROCESS):
        return False
    if isinstance(task, TaskInclude):
        return True
    collection, _, name = str(task._resolved_action or "").rpartition(".")
    if f"{collection}.".startswith(OURS):  # it may have done something when a loop or a condition asks for a process
        return not (task.loop_with or task.loop or task.changed_when or task.failed_when or any(task.environment or ()))
    return collection in CORE and name in PURE


def _guard_actions(names: Iterable[str]) -> None:
    """Lets only the actions that were meant be run here: a project may have others of the same names."""
    known = set()
    for name in names:
        with contextlib.suppress(Exception):  # the collection may not be there, or another than we know
            known.add(loader.action_loader.get(name, class_only=True))
    found = TaskExecutor._get_action_handler_with_module_context

    def handler(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = found(self, *args, **kwargs)
        return _only_if(type(made[0]) in known, made)

    TaskExecutor._get_action_handler_with_module_context = handler
    run = ActionBase._low_level_execute_command

    def command(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _only_if(False, run)(self, *args, **kwargs)

    ActionBase._low_level_execute_command = command


def _guard_lookups() -> None:
    get: Callable[..., Any] = loader.lookup_loader.get
    known = {get(name, class_only=True) for name in LOOKUPS}
    loader.lookup_loader.get = lambda *args, **kwargs: _only_known(get(*args, **kwargs), known)


def _only_known(made: Any, known: set[type]) -> Any:
    return _only_if(made is None or type(made) in known, made)


def _refuse(**_: Any) -> NoReturn:
    raise _NeedsProcess


def _only_if(here: bool, what: Any) -> Any:
    if Worker.busy and not here:
        raise _NeedsProcess
    return what


@contextlib.contextmanager
def _as_in_a_worker() -> Iterator[None]:
    """Ansible believes itself in a worker: messages go into the queue. What a fork would have lost is put back."""
    shown, process, streams = Display(), multiprocessing.process, (sys.stdin, sys.stdout, sys.stderr)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    environment, folder = dict(os.environ), os.getcwd()  # noqa: PTH109
    process._parent_process = process.current_process()  # type: ignore[attr-defined]
    Worker.busy = True
    try:
        yield
    finally:
        Worker.busy = False
        process._parent_process = None  # type: ignore[attr-defined]
        shown._final_q = worker.current_worker = None
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, each in handlers.items():
            signal.signal(number, each)
        _put_back(environment, folder)


def _put_back(environment: dict[str, str], folder: str) -> None:
    if dict(os.environ) != environment:
        take_environment(environment)
    with contextlib.suppress(OSError):
        os.chdir(folder)
