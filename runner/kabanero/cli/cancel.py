"""`kabanero cancel`: ends a run, or one stage, and the work that is under way for it."""

from __future__ import annotations

from typing import Any

import click

from kabanero.cli.catalog import STRATEGY_RUN
from kabanero.cli.errors import RefusedError
from kabanero.cli.runs import find_run, find_stage, patch_stage_run, phase_of, run_argument, stage_argument
from kabanero.cli.session import Session, connected
from kabanero.cli.stagetree import ENDED
from kabanero.cli.text import safe

Json = dict[str, Any]


@click.command()
@run_argument()
@stage_argument()
@click.option("--reason", "-m", default="", metavar="TEXT", help="Why, for people; only for a whole run.")
@click.option("--wait", is_flag=True, help="Return when the run has ended.")
@connected
def cancel(session: Session, run: str, stage: str | None, reason: str, wait: bool) -> None:
    """Cancel RUN and all its work, or only one STAGE of it."""
    found = find_run(session, run)
    if stage:
        _cancel_stage(session, found, stage)
    else:
        _cancel_run(session, found, reason)
    if wait:
        _wait(session, found)


def _cancel_run(session: Session, run: Json, reason: str) -> None:
    name = run["metadata"]["name"]
    if (run.get("status") or {}).get("completionTime"):
        raise RefusedError(f"run {name} has ended already: {phase_of(run)}")
    path = STRATEGY_RUN.path(session.namespace, name)
    if run["spec"].get("cancel") and not (run.get("status") or {}).get("cancelling"):
        session.client.patch(path, {"spec": {"cancel": False}})  # An old wish, from before a retry: it counts no more.
    spec = {"cancel": True} | ({"cancelReason": reason} if reason else {})
    session.client.patch(path, {"spec": spec})
    click.echo(f"{name} is being cancelled")


def _cancel_stage(session: Session, run: Json, stage: str) -> None:
    planned = find_stage(run, stage)
    phase = planned.get("phase") or "Waiting"
    if phase in ENDED:
        raise RefusedError(f"stage {safe(planned['name'])} has ended already: {phase}")
    patch_stage_run(session, planned["stageRun"], {"cancel": True})
    click.echo(f"{safe(planned['name'])} of {run['metadata']['name']} is being cancelled")


def _wait(session: Session, run: Json) -> None:
    from kabanero.cli.runwatch import RunWatch

    followed = RunWatch(session, run["metadata"]["name"])
    for _ in followed.changes(1.0):
        pass
    click.echo(f"{followed.name} ended as {phase_of(followed.run)}")
