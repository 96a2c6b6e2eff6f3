"""Commands as outbox entries and back. Used by the reducer and, through it, by the strategy_run controller."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from kabanero.engine.commands import CancelStage, Command, CreateStageRuns, PublishEvent, SettleStage, StartStage
from kabanero.model.kinds.runs import OutboxEntry, RunStatus, StagePhase

_COMMANDS = {kind.__name__: kind for kind in (CreateStageRuns, StartStage, CancelStage, SettleStage, PublishEvent)}
CREATE = "create"


def entry_of(command: Command) -> OutboxEntry:
    """The entry; its id is the same for the same effect."""
    arguments = {field.name: getattr(command, field.name) for field in dataclasses.fields(command)}
    return OutboxEntry(id=_id(command), command=type(command).__name__, arguments=arguments)


def _id(command: Command) -> str:
    match command:
        case CreateStageRuns():
            return CREATE
        case PublishEvent(id=id):
            return f"publish/{id}"
        case _:
            return f"{type(command).__name__}/{command.stage}/{command.attempt}"


def outbox_commands(status: RunStatus) -> list[tuple[str, Command]]:
    """Id and command of every entry, in order."""
    return [(entry.id, _command(entry)) for entry in status.outbox]


def _command(entry: OutboxEntry) -> Command:
    arguments: dict[str, Any] = dict(entry.arguments)
    for key in ("triggered_by", "causes"):
        if key in arguments:
            arguments[key] = tuple(arguments[key])
    if "phase" in arguments:
        arguments["phase"] = StagePhase(arguments["phase"])
    return _COMMANDS[entry.command](**arguments)


def without_outbox(status: RunStatus, done: Collection[str]) -> RunStatus:
    """The status without the entries that are done; with the making of its StageRuns a run's start is over."""
    left = tuple(entry for entry in status.outbox if entry.id not in done)
    if len(left) == len(status.outbox):
        return status
    starting = status.starting and any(entry.id == CREATE for entry in left)
    return status.model_copy(update={"outbox": left, "starting": starting})
