"""The port of what carries playbooks out. See the package for the rules that all ports share."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class WorkStatus(enum.StrEnum):
    """How a piece of work ended. `Failed`: the work itself failed. `Errored`: the machinery did."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERRORED = "Errored"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    WAITING = "Waiting"


@dataclass(frozen=True, slots=True)
class Work:
    """One playbook to be carried out once.

    `ident` names it for ever (StageRun and attempt): lower-case letters, digits, `-` and `.`, 253 characters at most.
    `playbook` is an FQCN or a path inside the project folder. `extra_vars` are data from outside: the playbook sees
    them as unsafe text, never as templates. `environment` may hold secrets and is never written to artifacts or logs.
    `timeout` is in seconds, 0 for none.
    """

    ident: str
    playbook: str
    extra_vars: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 0
    verbosity: int = 0


@dataclass(frozen=True, slots=True)
class WorkResult:
    """What came of it. `waiting_for` is set when status is WAITING: the object to be watched, as the playbook gave it.

    `reason` is one CamelCase word, `message` a sentence for a person (the failed task and its message).
    """

    status: WorkStatus
    reason: str = ""
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    waiting_for: Mapping[str, Any] | None = None
    started: datetime | None = None
    finished: datetime | None = None
    links: Mapping[str, str] = field(default_factory=dict)


BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class Progress:
    """A line of news from running work: the task that just began or ended, or how far the work itself says it is.

    The latter has the event `progress`, with `percent` (0-100) or a `message` for people. `begun` is the first: the
    work waits for its turn no more.
    """

    ident: str
    event: str
    task: str = ""
    host: str = ""
    time: datetime | None = None
    percent: int | None = None
    message: str = ""


def ignore_progress(_: Progress) -> None:
    """For callers that want no news."""


class Executor(Protocol):
    """Carries work out, each ident at most once, across restarts of the runner."""

    async def carry_out(self, work: Work, report: Callable[[Progress], None] = ignore_progress) -> WorkResult:
        """Starts the work, or takes up what this ident left behind, and returns when it has ended.

        What it reports begins with `begun`, unless the work has ended already.

        Unknown ident: a durable claim is made first, then the work starts. Still running: waits for it. Ended: returns
        its result again. Claimed, but neither running nor ended (the machine died under it): `Errored` with reason
        `Interrupted`, since nobody can know how far it came. Cancelling the awaiting task leaves the work running.
        Raises ExecutorUnavailableError when it could not be started; then no claim is left.
        """

    async def cancel(self, ident: str, reason: str = "") -> None:
        """Ends the work and every process of it; `carry_out` then returns `Cancelled`. Unknown or ended: nothing.

        An ident that was cancelled before it was ever started never starts.
        """

    def log(self, ident: str, *, follow: bool = False) -> AsyncIterator[bytes]:
        """What the work printed, in pieces; with `follow` until it ends. Raises NotFoundError."""

    async def discard(self, ident: str) -> None:
        """Forgets an ended ident: its artifacts are deleted."""

    async def close(self, *, cancel: bool = False) -> None:
        """Releases what is held; work goes on unless `cancel`, and a later executor finds it."""
