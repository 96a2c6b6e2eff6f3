"""Exit codes, and the errors that end a command with one. Raised anywhere in the CLI, shown by `main`."""

from __future__ import annotations

import enum
import os
import re
import sys
from collections.abc import Sequence
from typing import IO, Any

import click

_COMMAND = re.compile(r"\bkabanero [a-z]")


class ExitCode(enum.IntEnum):
    """What a command tells a script; the table in `kabanero help exit-codes` and the reference is made from it."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    REFUSED = 5
    TIMED_OUT = 6
    BUG = 70
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "done; a run that was waited for has succeeded",
    ExitCode.FAILED: "the outcome is bad: a run failed, was rejected or cancelled, or lint found mistakes",
    ExitCode.USAGE: "the command line is wrong, or a file named on it can't be read",
    ExitCode.NOT_FOUND: "no such resource, stage, event or kind",
    ExitCode.UNREACHABLE: "no runner answers, it is not ready, or it doesn't accept the credentials",
    ExitCode.REFUSED: "the runner refused: invalid input, a conflict, or not possible in this state",
    ExitCode.TIMED_OUT: "--timeout was over before the end",
    ExitCode.BUG: "a mistake of this program (KABANERO_DEBUG=1 shows where)",
    ExitCode.INTERRUPTED: "ended with Ctrl-C; runs go on",
}


def colour_wish() -> bool | None:
    """For click: False where nobody wants colours (https://no-color.org), else it looks for a terminal itself."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


class CliError(click.ClickException):
    """Ends the command: `message` says what is wrong, each of `hints` is one line on what to do about it."""

    exit_code = int(ExitCode.FAILED)

    def __init__(self, message: str, hints: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.hints = tuple(hint for hint in hints if hint)

    def show(self, file: IO[Any] | None = None) -> None:
        """Writes the error and its hints to stderr, control characters escaped."""
        from kabanero.cli.text import fitted, safe

        message = fitted(safe(self.message, lines=True), sys.stderr, used=len("error: "))
        click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True, color=colour_wish())
        for hint in map(safe, self.hints):
            # What is to be typed stays on one line, so that it can be copied.
            shown = hint if _COMMAND.search(hint) else fitted(hint, sys.stderr, used=2, indent=4)
            click.echo(f"  {shown}", err=True)


class OutcomeError(CliError):
    """What was asked for was done and came out badly."""


class UsageError(CliError):
    """The command line, or a file on it, is wrong."""

    exit_code = int(ExitCode.USAGE)


class MissingError(CliError):
    """Nothing of that name."""

    exit_code = int(ExitCode.NOT_FOUND)


class UnreachableError(CliError):
    """No runner answers, or it doesn't know us."""

    exit_code = int(ExitCode.UNREACHABLE)


class RefusedError(CliError):
    """The runner, or the state that things are in, says no."""

    exit_code = int(ExitCode.REFUSED)


class TimeIsUpError(CliError):
    """`--timeout` is over."""

    exit_code = int(ExitCode.TIMED_OUT)


class StreamBrokenError(Exception):
    """The connection of a watch or a log broke, or nothing came for too long: open it again."""
