"""The `kabanero` command: names of all commands, the options that all share, and how a command ends.

Nothing heavy is imported here: `kabanero --help` is answered from this file.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from kabanero.cli.errors import ExitCode, colour_wish
from kabanero.cli.lazy import LazyCommand, LazyGroup


def _command(name: str, help: str, module: str = "") -> LazyCommand:
    return LazyCommand(f"kabanero.cli.{module or name}:{name}", help)


SECTIONS = {
    "Run it": {
        "demo": _command("demo", "Show the whole thing on this machine: a push goes through a strategy."),
        "serve": _command("serve", "Start the runner."),
    },
    "Describe strategies": {
        "lint": _command("lint", "Find mistakes in files before they are applied."),
        "apply": _command("apply", "Create or update resources from files."),
        "get": _command("get", "List resources, or show one."),
        "delete": _command("delete", "Delete resources."),
        "graph": _command("graph", "Draw a strategy or a run, in the terminal or as Mermaid."),
        "convert": _command("convert", "Write older YAML in the canonical form."),
        "crds": _command("crds", "Print the definitions by which a cluster serves the kinds."),
    },
    "Work with runs": {
        "submit": _command("submit", "Start a strategy by hand."),
        "watch": _command("watch", "Show a run live, as a tree of its stages."),
        "logs": _command("logs", "Print what stages print."),
        "explain": _command("explain", "Say why a stage runs or waits, or why an event started nothing."),
        "approve": _command("approve", "Let a stage pass that waits for approval.", "decide"),
        "reject": _command("reject", "Stop a stage that waits for approval.", "decide"),
        "cancel": _command("cancel", "Cancel a run, or one of its stages."),
        "retry": _command("retry", "Run failed stages of a run once more."),
    },
    "Follow events": {
        "events": _command("events", "List events, and what became of them."),
        "replay": _command("replay", "Deliver events once more."),
    },
    "Other": {
        "completion": _command("completion", "Print the completion script of a shell."),
        "help": LazyCommand("kabanero.cli.topics:help_command", "Show help of a command or a topic."),
        "version": _command("version", "Show the versions of this program and of the runner."),
    },
}

EPILOG = """\b
RUN is a run's name, the beginning or the end of it, or @latest for the newest.
Exit codes: kabanero help exit-codes. How it finds the runner: kabanero help connection."""


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("-n", "--namespace", metavar="NAME", help="Namespace to work in.")
@click.option("--data-dir", metavar="DIR", help="Data folder of the runner on this machine.")
@click.option("--kubeconfig", metavar="FILE", help="File that says where the runner is and who we are.")
@click.option("--context", "context_name", metavar="NAME", help="Context of the kubeconfig.")
@click.version_option(package_name="kabanero-runner", prog_name="kabanero", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **options: str | None) -> None:
    """Event-triggered strategies of stages, carried out by Ansible playbooks."""
    ctx.color = colour_wish()
    ctx.obj = {name: value for name, value in options.items() if value is not None}


def main(args: Sequence[str] | None = None) -> None:
    """Runs one command and exits with its code."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    _print_anything()
    try:
        return _run(args)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        return _unexpected(error)


def _print_anything() -> None:
    """A name that the terminal's encoding doesn't have is written as an escape and ends no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(args: Sequence[str] | None) -> int:
    result: Any = cli.main(args=args, prog_name="kabanero", standalone_mode=False)
    sys.stdout.flush()
    return result if isinstance(result, int) else ExitCode.OK


def _reader_gone() -> int:
    """`kabanero get run | head`: the reader has had enough, which is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.OK


def _unexpected(error: Exception) -> int:
    from kabanero.cli.failures import show_failure

    return show_failure(error)
