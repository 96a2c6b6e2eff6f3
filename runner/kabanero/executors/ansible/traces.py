"""What a job leaves in its folder, and what can be known from it after any crash.

`driver`  made by the driver before anything runs, once and for ever: whoever makes it is the one that does the work.
`result.json`  made at the end, in one step.
`cancelled`  made by whoever wants the job ended; a driver that finds it does nothing.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from kabanero.ports import WorkResult, WorkStatus

DRIVER, RESULT, CANCELLED, LOG = "driver", "result.json", "cancelled", "log"


@dataclass(frozen=True, slots=True)
class Process:
    """A process told apart from a later one with the same number by its start time (clock ticks since boot)."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int:
    """Start time of a process, or 0 when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def claim(folder: Path, *, durably: bool = True) -> bool:
    """Makes this process the driver of a job. False: another one is, or was.

    `durably`: nobody does it again, not even when the machine loses its power now.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = folder / f".{DRIVER}.{os.getpid()}"
    _write(mine, f"{os.getpid()} {start_time(os.getpid())}".encode())
    try:
        os.link(mine, folder / DRIVER)
    except FileExistsError:
        return False
    finally:
        mine.unlink()
    if durably:
        _sync(folder)
        _sync(folder.parent)
    return True


def driver_of(folder: Path) -> Process | None:
    """The job's driver, whether or not it still runs; None when nobody has begun."""
    try:
        pid, started = (folder / DRIVER).read_text().split()
    except FileNotFoundError:
        return None
    return Process(int(pid), int(started))


def write_result(folder: Path, result: WorkResult, *, durably: bool = True) -> None:
    """Makes the end known, in one step."""
    body = {
        "status": result.status.value,
        "reason": result.reason,
        "message": result.message,
        "outputs": dict(result.outputs),
        "waiting_for": dict(result.waiting_for) if result.waiting_for is not None else None,
        "links": dict(result.links),
        "started": result.started,
        "finished": result.finished,
    }
    temporary = folder / f".{RESULT}.{os.getpid()}"
    _write(temporary, orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS))
    temporary.replace(folder / RESULT)
    if durably:
        _sync(folder)


def result_of(folder: Path) -> WorkResult | None:
    """How the job ended; None when it has not."""
    try:
        body: dict[str, Any] = orjson.loads((folder / RESULT).read_bytes())
    except FileNotFoundError:
        return None
    times = {name: datetime.fromisoformat(body[name]) if body[name] else None for name in ("started", "finished")}
    return WorkResult(**{**body, **times, "status": WorkStatus(body["status"])})


def mark_cancelled(folder: Path, reason: str) -> None:
    """Whoever begins after this does nothing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        handle = os.open(folder / CANCELLED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(reason)
        _sync(folder)


def cancelled(folder: Path) -> str | None:
    """Why the job was cancelled; None when it was not."""
    try:
        return (folder / CANCELLED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def broken_off(folder: Path, timeout: float, *, asked: bool) -> WorkResult:
    """How a job ends that somebody wanted ended (`asked`), or whose time, in seconds, is up."""
    if asked:
        return WorkResult(WorkStatus.CANCELLED, "Cancelled", cancelled(folder) or "cancelled on request")
    return WorkResult(WorkStatus.TIMED_OUT, "DeadlineExceeded", f"not ended within {timeout:g} s")


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
