"""`kabanero graph`: a strategy or a run as a drawing in the terminal, or as Mermaid."""

from __future__ import annotations

from typing import Any

import click

from kabanero.cli import completing
from kabanero.cli.errors import UsageError
from kabanero.cli.output import output_option
from kabanero.cli.session import Session, connected

Json = dict[str, Any]


@click.command()
@click.argument("name", metavar="[STRATEGY|RUN]", required=False, shell_complete=completing.strategies)
@click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE", help="File, folder or - for stdin; repeatable."
)
@output_option("list", "mermaid", "json", "yaml", default="drawing")
@connected
def graph(session: Session, name: str | None, files: tuple[str, ...], output: str) -> None:
    """Draw a strategy or a run: its stages, and the events that lead from one to the next.

    What is not wide enough for the drawing is told as a list. With -f it draws the strategies in files, without asking
    a runner; STRATEGY chooses one of them. A run is looked for where there is no strategy of that name.

    \b
      kabanero graph main
      kabanero graph @latest
      kabanero graph -f strategy.yaml -o mermaid
    """
    if not (name or files):
        raise UsageError("say what to draw: STRATEGY, RUN, or -f FILE")
    from kabanero.cli.drawing import show
    from kabanero.cli.graphsource import from_files, from_server

    show(from_files(files, name) if files else [from_server(session, name or "")], output)
