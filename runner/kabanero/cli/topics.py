"""`kabanero help`: help of a command, or of something that isn't one: exit codes, how the runner is found."""

from __future__ import annotations

from collections.abc import Callable

import click

from kabanero.cli.errors import MEANINGS, UsageError
from kabanero.cli.text import safe

CONNECTION = """\
How a command finds the runner; the first that is there counts:

  1. --kubeconfig FILE
  2. --data-dir DIR, or KABANERO_DATA_DIR: the kubeconfig that the runner wrote into its data folder
  3. KUBECONFIG, as kubectl reads it
  4. ~/.local/share/kabanero/kubeconfig
  5. ~/.kube/config

--context chooses another context of the kubeconfig than its current one.

The namespace is that of -n, else KABANERO_NAMESPACE, else the kubeconfig's, else kabanero.

NO_COLOR switches colours off; they are off as well where the output is no terminal.
On a cluster, logs, events, replay and explain --event come from the runner itself, which is found by
KABANERO_RUNNER_URL with KABANERO_RUNNER_TOKEN (and KABANERO_RUNNER_CA, a file), else by the data folder of a runner on
this machine, else through the API server: as the Service in KABANERO_RUNNER_SERVICE, usually
kabanero/kabanero-runner:http.

KABANERO_DEBUG=1 shows where an unexpected error comes from."""


def exit_codes() -> str:
    """The table of exit codes."""
    return "\n".join(["Exit codes:", "", *(f"  {int(code):>3}  {meaning}" for code, meaning in MEANINGS.items())])


def connection() -> str:
    """How a command finds the runner."""
    return CONNECTION


TOPICS: dict[str, Callable[[], str]] = {"exit-codes": exit_codes, "connection": connection}


@click.command()
@click.argument("topic", required=False)
@click.pass_context
def help_command(ctx: click.Context, topic: str | None) -> None:
    """Show help of a command or a topic.

    Topics: exit-codes, connection.
    """
    root = ctx.find_root()
    if topic is None:
        click.echo(root.get_help())
    elif topic in TOPICS:
        click.echo(TOPICS[topic]())
    else:
        _of_command(root, topic)


def _of_command(root: click.Context, name: str) -> None:
    from kabanero.model.nearmiss import did_you_mean

    group = root.command
    assert isinstance(group, click.Group)
    command = group.get_command(root, name)
    if command is None:
        names = [*group.list_commands(root), *TOPICS]
        raise UsageError(f"no help on {safe(name)!r}", [did_you_mean(name, names, listed=30)])
    with click.Context(command, info_name=name, parent=root) as ctx:
        click.echo(command.get_help(ctx))
