"""The process between a stage and a command of its: when the stage is cancelled or dies, all the command began dies.

    python -I -S guard.py LIFELINE GRACE COMMAND...

LIFELINE is the reading end of a pipe that the stage's process holds the other end of, GRACE seconds between SIGTERM and
SIGKILL. A program of its own because only another process outlives a SIGKILL of the stage's; it imports nothing of the
project so that it starts in a few milliseconds. Started by `command`. Linux: it looks into /proc.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator

PR_SET_CHILD_SUBREAPER = 36
NOT_FOUND = 127


def main(lifeline: int, grace: float, command: list[str]) -> int:
    """Runs the command; its exit code, 128 and the signal's number, or 127 when it can't be started."""
    os.set_inheritable(lifeline, False)
    # Descendants whose parent ends become ours: none is lost sight of, wherever it puts itself.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        child = os.posix_spawnp(command[0], command, os.environ, setsigmask=())
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode(errors="replace"))
        return NOT_FOUND
    code = _wait(child, woken, lifeline)
    _end_all(grace if code is None else 0.0)
    return 128 + signal.SIGKILL if code is None else code


def _wait(child: int, woken: int, lifeline: int) -> int | None:
    """The child's exit code; None when the lifeline broke."""
    poll = select.poll()
    poll.register(woken, select.POLLIN)
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if woken in ready:
            os.read(woken, 4096)
        for pid, status in _reaped():
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        if lifeline in ready:
            return None


def _reaped() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, status


def _end_all(grace: float) -> None:
    """SIGTERM to all descendants; after the grace they are stopped, so that none can fork away, and killed."""
    until = time.monotonic() + grace
    if grace:
        _signal(signal.SIGTERM)
    while _living():
        if time.monotonic() >= until:
            for number in (signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL):
                _signal(number)
        time.sleep(0.01)


def _living() -> list[int]:
    list(_reaped())
    return _descendants()


def _signal(number: int) -> None:
    for pid in _descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib is slow to import
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError), open(f"/proc/{entry}/stat", "rb") as stat:  # noqa: PTH123
                children.setdefault(int(stat.read().rsplit(b")", 1)[1].split()[1]), []).append(int(entry))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
