"""How the jobs of a template go, where no playbook is run for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FailedTask:
    """A task that failed on a host."""

    task: str
    host: str
    message: str
    unreachable: bool = False
    ignored: bool = False


@dataclass(frozen=True)
class Script:
    """`hold`: goes on until the test ends it or it is cancelled. `seconds`: how long it takes otherwise."""

    status: str = "successful"
    artifacts: dict[str, Any] = field(default_factory=dict)
    failures: tuple[FailedTask, ...] = ()
    output: tuple[str, ...] = ("PLAY [all] ***", "ok: [localhost]")
    explanation: str = ""
    traceback: str = ""
    hold: bool = False
    stubborn: bool = False
    seconds: float = 0.0
