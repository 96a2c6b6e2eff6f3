"""`kabanero retry`: one more attempt for stages that ended badly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from kabanero.cli.errors import RefusedError
from kabanero.cli.runs import find_run, find_stage, patch_stage_run, run_argument, stage_argument, stage_run, stages_of
from kabanero.cli.session import Session, connected
from kabanero.cli.stagetree import ENDED
from kabanero.cli.text import safe

Json = dict[str, Any]
BAD = ("Failed", "Errored", "TimedOut", "Cancelled")


@click.command()
@run_argument()
@stage_argument()
@click.option("--watch", "-w", is_flag=True, help="Then watch the run to its end.")
@connected
def retry(session: Session, run: str, stage: str | None, watch: bool) -> int | None:
    """Run failed stages of RUN once more, or the one STAGE that is named.

    A stage that succeeded can be named as well. What a stage did before stays done: retry work that bears it.
    """
    found = find_run(session, run)
    name = str(found["metadata"]["name"])
    for planned in _chosen(found, stage):
        attempt = _again(session, planned)
        click.echo(f"{safe(planned['name'])} of {name} starts attempt {attempt}")
    return _watch(session, name) if watch else None


def _chosen(run: Json, stage: str | None) -> Sequence[Json]:
    if stage:
        return [_retryable(find_stage(run, stage))]
    bad = [planned for planned in stages_of(run) if planned.get("phase") in BAD]
    if not bad:
        phases = ", ".join(f"{safe(planned['name'])} {planned.get('phase', 'Waiting')}" for planned in stages_of(run))
        raise RefusedError(f"no stage of {run['metadata']['name']} has failed", [phases])
    return bad


def _retryable(planned: Json) -> Json:
    phase = planned.get("phase") or "Waiting"
    if phase not in ENDED:
        raise RefusedError(f"stage {safe(planned['name'])} has not ended: it is {phase}")
    if phase == "Skipped":
        raise RefusedError(f"stage {safe(planned['name'])} was never triggered: there is nothing to repeat")
    return planned


def _again(session: Session, planned: Json) -> int:
    """Asks for the next attempt; decisions about the last one don't count for it."""
    found = stage_run(session, planned)
    status, spec = found.get("status") or {}, found["spec"]
    attempt = int(status.get("attempt") or planned.get("attempt") or 0) + 1
    forgotten: Json = {"approval": None} if spec.get("approval") else {}
    forgotten |= {"cancel": False} if spec.get("cancel") else {}
    patch_stage_run(session, planned["stageRun"], {"attempt": attempt, **forgotten})
    return attempt


def _watch(session: Session, name: str) -> int:
    from kabanero.cli.watch import watch_to_end

    return watch_to_end(session, name)
