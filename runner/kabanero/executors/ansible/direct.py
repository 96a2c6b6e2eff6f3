"""Stages whose playbook is the collection's own and does one thing: done without playing it, in the driver alone.

Used by `driver` where Ansible and the collection are loaded. The collection says which playbooks these are, and does
the same as they do by the same code. See docs/decisions/0039-stages-without-a-playbook.md.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kabanero.executors.ansible import traces
from kabanero.executors.ansible.job import Job
from kabanero.executors.ansible.observing import STAGE_RESULT, Observer
from kabanero.executors.ansible.processes import take_environment
from kabanero.ports import WorkResult

MODULE = "ansible_collections.kabanero.events.plugins.module_utils.direct_stages"


class _BrokenOff(BaseException):
    """A signal came; `asked` tells whether somebody wants the job ended, else its time is up."""

    def __init__(self, *, asked: bool) -> None:
        self.asked = asked


def load() -> Any:
    """The collection's module about such stages; None for a collection that is too old to have one."""
    try:
        return importlib.import_module(MODULE)
    except ImportError:
        return None


def knows(job: Job) -> bool:
    """Whether the job is done without playing its playbook. Such a job may be done twice."""
    known = load() if job.direct and not job.verbosity else None
    return known is not None and job.playbook in known.DIRECT


def result(job: Job, observer: Observer) -> WorkResult:
    """What came of a job that is known.

    The process may do other jobs before and after: it ends this one where this one is marked, whatever a signal was
    meant for, and what is set is set back.
    """

    def is_cancelled() -> bool:
        return traces.cancelled(job.path) is not None

    try:
        with _environment(job.environment), _signals(job.timeout, is_cancelled):
            if is_cancelled():
                raise _BrokenOff(asked=True)
            report, told = load().DIRECT[job.playbook](job.extra_vars)
    except _BrokenOff as end:
        return traces.broken_off(job.path, job.timeout, asked=end.asked)
    return _reported(report, told, observer)


def close() -> None:
    """Lets go of what was kept for the next job."""
    if known := load():
        known.close()


def _reported(report: dict[str, Any], told: str, observer: Observer) -> WorkResult:
    """By the way that a playbook's report takes: secrets are hidden, and what can't be kept is an error."""
    observer.event({"stdout": told})
    observer.event({"event": "playbook_on_stats", "event_data": {"artifact_data": {STAGE_RESULT: report}}})
    return observer.result(0)


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    try:
        os.environ.update(more)
        yield
    finally:
        take_environment(before)


@contextmanager
def _signals(timeout: float, is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """SIGTERM, where `is_cancelled` holds, and the end of so many seconds (0: never), break off what is done here."""

    def break_off(number: int, _: Any) -> None:
        if number == signal.SIGALRM or is_cancelled():
            raise _BrokenOff(asked=number == signal.SIGTERM)

    before = {number: signal.signal(number, break_off) for number in (signal.SIGTERM, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
