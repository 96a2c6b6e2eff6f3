"""`kabanero version`: of this program, and of the runner or cluster that it talks to."""

from __future__ import annotations

import platform

import click

import kabanero
from kabanero.cli.errors import CliError
from kabanero.cli.output import output_option, print_object
from kabanero.cli.session import Session, connected
from kabanero.cli.text import safe


@click.command()
@click.option("--client", "client_only", is_flag=True, help="Don't ask the runner.")
@output_option("json", "yaml")
@connected
def version(session: Session, client_only: bool, output: str) -> None:
    """Show the versions of this program and of the runner."""
    versions = {"kabanero": kabanero.__version__, "python": platform.python_version()}
    if not client_only:
        versions["runner"] = _of_runner(session)
    if output != "table":
        print_object(versions, output)
        return
    for name, value in versions.items():
        click.echo(f"{name:<9} {safe(value)}")


def _of_runner(session: Session) -> str:
    try:
        answer = session.client.get("/version")
    except CliError as error:
        return f"not known: {error.message}"
    return f"{answer.get('gitVersion', '?')} at {session.connection.server}"
