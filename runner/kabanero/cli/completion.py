"""`kabanero completion`: the script that makes a shell complete kinds, names, runs and stages."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from kabanero.cli.errors import UsageError

VARIABLE = "_KABANERO_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
      bash:  kabanero completion bash > ~/.local/share/bash-completion/completions/kabanero
      zsh:   kabanero completion zsh > "${fpath[1]}/_kabanero"
      fish:  kabanero completion fish > ~/.config/fish/completions/kabanero.fish
    """
    click.echo(script(shell))


def script(shell: str) -> str:
    """The script. Raises UsageError for a shell that click doesn't know."""
    from kabanero.cli.main import cli

    make = get_completion_class(shell)
    if make is None:
        raise UsageError(f"no completion for {shell}")
    return make(cli, {}, "kabanero", VARIABLE).source()
