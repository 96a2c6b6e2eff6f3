"""Processes of the executor: how they begin, and how one ends with all its descendants, wherever they put themselves.

Used by the job server and what it forks. Ansible's workers leave their group, so that a group is not enough to end.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
MARK = "KABANERO_WORK"
"""Environment variable by which the processes of one piece of work are found: it names the work's folder."""


def forked(work: Callable[[], object]) -> int:
    """A child with a session of its own that does this and ends; its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        work()
        code = 0
    finally:
        os._exit(code)


def take_environment(environment: Mapping[str, str]) -> None:
    """Makes this process's environment equal to another."""
    os.environ.clear()
    os.environ.update(environment)


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process, so that none is lost sight of."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _processes() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208


def _children() -> dict[int, list[int]]:
    """Processes by their parent."""
    found: dict[int, list[int]] = {}
    for pid in _processes():
        with contextlib.suppress(IndexError):
            stat = _read(pid, "stat").decode(errors="replace")
            found.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(pid)
    return found


def descendants(pid: int) -> list[int]:
    """All processes below one, as they are now."""
    children = _children()
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def kill_below(pid: int) -> None:
    """Stops everything below a process first, so that nothing can fork away, and then kills it."""
    for number in (signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL):
        for each in descendants(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, number)


def kill_marked(folder: Path) -> int:
    """Kills what still runs for a piece of work whose driver is gone; returns how many processes that were.

    They carry its mark in the environment that they were started with. What became another user has it no more.
    """
    mark = f"{MARK}={folder}".encode()
    found = [pid for pid in _processes() if mark in _read(pid, "environ").split(b"\0")]
    for pid in found:
        kill_below(pid)
        _kill(pid)
    return len(found)


def kill_strays(drivers: Collection[int]) -> None:
    """Kills children of this process that were forked from it, are no drivers, and so have lost theirs."""
    own = _read(os.getpid(), "cmdline")
    for pid in _children().get(os.getpid(), []):
        if pid not in drivers and _read(pid, "cmdline") == own:
            kill_below(pid)
            _kill(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""
