"""`kabanero explain`: why a stage runs, waits or never ran; why an event started a run or none."""

from __future__ import annotations

import click

from kabanero.cli.errors import UsageError
from kabanero.cli.output import output_option
from kabanero.cli.runs import run_argument, stage_argument
from kabanero.cli.session import Session, connected


@click.command()
@run_argument(optional=True)
@stage_argument()
@click.option("--event", "event_id", metavar="ID", help="An event instead of a run; @latest for the newest.")
@click.option("--all", "every", is_flag=True, help="All triggers, with --event, not only the nearest.")
@output_option("json", "yaml")
@connected
def explain(
    session: Session, run: str | None, stage: str | None, event_id: str | None, every: bool, output: str
) -> None:
    """Say for every stage of RUN, or for one STAGE, which events it had, which it lacks, and why.

    With --event it says for every trigger why it did or didn't match an event.

    \b
      kabanero explain @latest deploy
      kabanero explain --event @latest
    """
    if (run is None) == (event_id is None):
        raise UsageError("say what to explain: RUN, or --event ID")
    if event_id is not None:
        from kabanero.cli.explain_event import explain_event

        explain_event(session, event_id, output, every=every)
    else:
        from kabanero.cli.explain_run import explain_run

        explain_run(session, run or "", stage, output)
