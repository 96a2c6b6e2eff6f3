"""A click group that knows its commands by name and help alone and imports one only when it is used.

`kabanero --help` must not pay for a terminal library, an HTTP client and the model. Used by `main`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is found (`module:attribute`), and its line in the help of the group."""

    place: str
    help: str

    def load(self) -> click.Command:
        """Imports the command."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


Sections = Mapping[str, Mapping[str, LazyCommand]]


class LazyGroup(click.Group):
    """Commands in sections; `sections` maps a heading to commands by name."""

    def __init__(self, *args: Any, sections: Sections | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections or {}

    def _lazy(self) -> dict[str, LazyCommand]:
        return {name: command for commands in self.sections.values() for name, command in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help."""
        return list(self._lazy())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself; this is where it is imported."""
        found = self._lazy().get(cmd_name)
        return found.load() if found else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Answers an unknown name with the one that was probably meant."""
        if args and args[0] not in self._lazy() and not args[0].startswith("-"):
            ctx.fail(_unknown(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections, one line for each command."""
        for heading, rows in self._rows():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def _rows(self) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
        width = max((len(name) for name in self._lazy()), default=0)
        for heading, commands in self.sections.items():
            yield heading, [(name.ljust(width), command.help) for name, command in commands.items()]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Names and helps without importing anything; options as click has them."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=command.help)
            for name, command in self._lazy().items()
            if name.startswith(incomplete)
        ]


def _unknown(name: str, possible: Sequence[str]) -> str:
    from kabanero.cli.text import safe
    from kabanero.model.nearmiss import did_you_mean

    return f"no command {safe(name)!r}: {did_you_mean(name, possible, listed=30)}"
