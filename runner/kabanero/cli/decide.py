"""`kabanero approve` and `kabanero reject`: a person's decision about a stage that waits for one."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any

import click

from kabanero.cli.errors import RefusedError, UsageError
from kabanero.cli.runs import Decorator, find_run, find_stage, patch_stage_run, run_argument, stage_argument, stage_runs
from kabanero.cli.session import Session, connected
from kabanero.cli.text import safe

Json = dict[str, Any]
_by = click.option("--by", default="", metavar="NAME", help="Who decides; else the user of this machine.")


def _reason(why: str) -> Decorator:
    return click.option("--reason", "-m", default="", metavar="TEXT", help=why)


@click.command()
@run_argument()
@stage_argument()
@_reason("Why it may pass.")
@_by
@connected
def approve(session: Session, run: str, stage: str | None, reason: str, by: str) -> None:
    """Let a stage of RUN pass that waits for approval.

    STAGE is needed only where several stages wait.

    \b
      kabanero approve @latest
      kabanero approve main-7f3a approval --reason "looks good"
    """
    _decide(session, run, stage, {"decision": "Approved", "by": by or _user(), "reason": reason})


@click.command()
@run_argument()
@stage_argument()
@_reason("Why it may not pass.")
@_by
@connected
def reject(session: Session, run: str, stage: str | None, reason: str, by: str) -> None:
    """Stop a stage of RUN that waits for approval: it fails, and with it what depends on it."""
    _decide(session, run, stage, {"decision": "Rejected", "by": by or _user(), "reason": reason})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _decide(session: Session, run: str, stage: str | None, approval: Json) -> None:
    found = find_run(session, run)
    waiting = waiting_for_approval(session, found)
    chosen = _named(found, stage, waiting) if stage else _only(found, waiting)
    patch_stage_run(session, chosen["metadata"]["name"], {"approval": approval})
    click.echo(f"{safe(chosen['spec']['stageName'])} of {found['metadata']['name']} {approval['decision'].lower()}")


def waiting_for_approval(session: Session, run: Json) -> list[Json]:
    """StageRuns of a run that wait for a person who has not decided yet."""
    return [found for found in stage_runs(session, run).values() if _waits(found)]


def _waits(stage_run: Json) -> bool:
    return (stage_run.get("status") or {}).get("waitsOn") == "Approval" and not stage_run["spec"].get("approval")


def _named(run: Json, stage: str, waiting: Sequence[Json]) -> Json:
    planned = find_stage(run, stage)
    for found in waiting:
        if found["spec"]["stageName"] == planned["name"]:
            return found
    problem = f"stage {safe(planned['name'])} of {run['metadata']['name']} doesn't wait for approval"
    raise RefusedError(f"{problem}: it is {planned.get('phase', 'Waiting')}", [_who_waits(waiting)])


def _only(run: Json, waiting: Sequence[Json]) -> Json:
    name = run["metadata"]["name"]
    if not waiting:
        phase = (run.get("status") or {}).get("phase", "Pending")
        hint = f"see what it does with: kabanero watch {name}   (or why it waits: kabanero explain {name})"
        raise RefusedError(f"no stage of {name} waits for approval: the run is {phase}", [hint])
    if len(waiting) > 1:
        raise UsageError(f"several stages of {name} wait for approval; name one", [_who_waits(waiting)])
    return waiting[0]


def _who_waits(waiting: Sequence[Json]) -> str:
    names = ", ".join(safe(found["spec"]["stageName"]) for found in waiting)
    return f"waiting: {names}" if names else ""
