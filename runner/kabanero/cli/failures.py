"""What `main` shows for errors that are not the CLI's own: those of the model, of files, and our own mistakes."""

from __future__ import annotations

import os
import traceback

import click

from kabanero.cli.errors import CliError, ExitCode, MissingError, RefusedError, UsageError
from kabanero.cli.text import safe
from kabanero.model.errors import InvalidError, KabaneroError, NotFoundError


def show_failure(error: Exception) -> int:
    """Shows it on stderr and returns the exit code."""
    known = _known(error)
    if known is None:
        return _bug(error)
    known.show()
    return known.exit_code


def _known(error: Exception) -> CliError | None:
    if isinstance(error, InvalidError):
        return RefusedError(f"{error.what} is invalid", [str(problem) for problem in error.problems])
    if isinstance(error, NotFoundError):
        return MissingError(str(error))
    if isinstance(error, KabaneroError):
        return RefusedError(str(error))
    if isinstance(error, OSError) and error.filename:
        return UsageError(f"{error.filename}: {error.strerror}")
    return None


def _bug(error: Exception) -> int:
    if os.environ.get("KABANERO_DEBUG"):
        traceback.print_exception(error)
    click.echo(f"error: unexpected {type(error).__name__}: {safe(error)}", err=True)
    click.echo("  This is a mistake of the program; KABANERO_DEBUG=1 shows where.", err=True)
    return ExitCode.BUG
