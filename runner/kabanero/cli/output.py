"""How answers are printed: as a table that fits, as JSON, or as YAML; never with a control character from outside."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from kabanero.cli.errors import colour_wish
from kabanero.cli.text import fitted, is_hostile, safe

Rows = Sequence[Sequence[str]]
_UNSAFE_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_COLOURS = {
    "Succeeded": "green",
    "Running": "cyan",
    "Triggered": "cyan",
    "Failed": "red",
    "Errored": "red",
    "Dead": "red",
    "TimedOut": "red",
    "Cancelled": "yellow",
    "Pending": "yellow",
    "Skipped": "bright_black",
    "Waiting": "bright_black",
    "True": "green",
    "False": "red",
    "Handled": "green",
}
SEVERITIES = {"error": "red", "warning": "yellow", "note": "cyan"}


def output_option(*formats: str, default: str = "table") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-o`; the formats beside the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([default, *(formats or ("wide", "json", "yaml", "name"))]),
        default=default,
        show_default=True,
        help="How to print it.",
    )


def colours(stream: Any = None) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return bool((stream or sys.stdout).isatty()) and colour_wish() is None


def styled(text: str, **style: Any) -> str:
    """The text in a style where colours are on."""
    return click.style(text, **style) if colours() else text


def phase_style(text: str) -> str:
    """A phase, or any other word that has a colour, in it."""
    return styled(text, fg=_COLOURS[text]) if text in _COLOURS else text


def print_object(value: Any, output: str) -> None:
    """JSON or YAML."""
    click.echo(as_yaml(value).rstrip("\n") if output == "yaml" else as_json(value))


def as_json(value: Any) -> str:
    """Indented JSON; what could harm a terminal is written as an escape."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _UNSAFE_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_yaml(value: Any) -> str:
    """YAML; what could harm a terminal is written as an escape."""
    import yaml

    def dumped(unicode: bool) -> str:
        text: str = yaml.safe_dump(value, allow_unicode=unicode, sort_keys=False, width=120)
        return text

    text = dumped(True)
    return dumped(False) if is_hostile(text) else text


def print_table(headers: Sequence[str], rows: Rows) -> None:
    """Columns side by side. On a terminal it fits the width; elsewhere nothing is shortened."""
    width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 0
    for line in table_lines(headers, rows, width):
        click.echo(line)


def table_lines(headers: Sequence[str], rows: Rows, width: int = 0) -> list[str]:
    """The lines of a table; `width` 0 means as wide as it needs."""
    from kabanero.cli import tables

    return tables.table_lines(headers, rows, width, lambda line: styled(line, bold=True), phase_style)


def tell(severity: str, text: str, *, err: bool = False) -> None:
    """`error: TEXT` and its like, with the word in its colour and the text as it fits."""
    word = f"{severity}:"
    shown = fitted(text, sys.stderr if err else sys.stdout, used=len(word) + 1)
    click.echo(f"{click.style(word, fg=SEVERITIES[severity], bold=True)} {shown}", err=err)


def note(text: str) -> None:
    """A remark to stderr, so that stdout stays what was asked for."""
    click.echo(safe(text, lines=True), err=True)


def clock_now() -> str:
    """The time of day, for lines of news."""
    from datetime import datetime

    return datetime.now().astimezone().strftime("%H:%M:%S")
