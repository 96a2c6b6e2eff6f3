"""StrategyRun.status as JSON, and what people are told about a run as it goes.

RunObserver is how the strategy_run controller reports steps: it writes core Events and counts metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from kabanero.engine.commands import Command
from kabanero.model.errors import InvalidError
from kabanero.model.kinds.base import Condition
from kabanero.model.kinds.runs import RunPhase, RunStatus
from kabanero.model.resource import Resource
from kabanero.model.times import rfc3339


class RunObserver(Protocol):
    """Hears of every step that changed something."""

    def stepped(self, run: Resource, status: RunStatus, commands: Sequence[Command]) -> None:
        """`run` as written, its status, and what was decided. Must return at once."""


def as_json(status: RunStatus) -> dict[str, Any]:
    """The status as it is stored."""
    return status.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def condensed(status: RunStatus) -> RunStatus:
    """The status of an ended run whose effects are all done."""
    return status.model_copy(update={"outbox": (), "starting": False})


def errored(context: str, reason: str, error: InvalidError, now: datetime) -> RunStatus:
    """The status of a run that could not begin."""
    time = rfc3339(now)
    message = "; ".join(str(problem) for problem in error.problems)
    condition = Condition(type="Succeeded", status="False", reason=reason, message=message, last_transition_time=time)
    return RunStatus(
        phase=RunPhase.ERRORED,
        contextID=context,
        start_time=time,
        completion_time=time,
        conditions=(condition,),
        summary=f"could not begin: {message}",
    )
