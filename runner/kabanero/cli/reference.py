"""The reference of the command line, made from the commands themselves: `python -m kabanero.cli.reference`.

docs/reference/cli.md is its output; a test says when it is out of date.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from kabanero.cli.errors import MEANINGS
from kabanero.cli.main import SECTIONS
from kabanero.cli.topics import CONNECTION

_SHARED = ("namespace", "data_dir", "kubeconfig", "context_name")


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield "# The command line\n"
    yield "<!-- Made from the commands by `python -m kabanero.cli.reference`; change those. -->\n"
    yield "`kabanero COMMAND --help` says the same, shorter. " + _shared_words()
    for heading, commands in SECTIONS.items():
        yield f"\n## {heading}"
        for name, lazy in commands.items():
            yield from _command(name, lazy.load())
    yield from _topics()


def _shared_words() -> str:
    return (
        "Commands that talk to the runner take `-n`, `--data-dir`, `--kubeconfig` and `--context` before or after "
        "their name."
    )


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"kabanero {name}", parent=None)
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"\n### {name}\n\n```\nkabanero {name} {pieces}\n```\n"
    yield _prose(command.help or "")
    options = [row for row in _options(command, context) if row]
    if options:
        yield "\n| Option | What it does |\n|---|---|"
        yield from options


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    parameters = command.get_params(context)
    names = {parameter.name for parameter in parameters}
    # Said once for all; `serve` has some of these names for things of its own.
    said = _SHARED if names.issuperset(_SHARED) else ()
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record and parameter.name not in said and "--help" not in parameter.opts:
            yield "| " + " | ".join(_cell(part) for part in (f"`{record[0]}`", record[1])) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _prose(text: str) -> str:
    """click's paragraphs; those that it must not rewrap (after \\b) are code."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(_code(part) if part.startswith("\b\n") else part for part in paragraphs)


def _code(paragraph: str) -> str:
    lines = paragraph.removeprefix("\b\n").splitlines()
    return "\n".join(["```", *(line.removeprefix("  ") for line in lines), "```"])


def _topics() -> Iterator[str]:
    yield "\n## Exit codes\n\n| Code | Meaning |\n|---|---|"
    yield from (f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items())
    yield f"\n## How a command finds the runner\n\n```\n{CONNECTION}\n```"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
