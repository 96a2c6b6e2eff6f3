"""Draws a run as a tree of its stages with rich: glyphs, times, what each does or waits for. Used by `watch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from kabanero.cli.stagetree import ENDED, RunView, StageView
from kabanero.cli.text import safe

PHASE_STYLES = {
    "Succeeded": "green",
    "Failed": "bold red",
    "Errored": "bold red",
    "TimedOut": "bold red",
    "Cancelled": "yellow",
    "Skipped": "bright_black",
    "Waiting": "bright_black",
    "Pending": "yellow",
    "Triggered": "cyan",
    "Running": "cyan",
}
_ASKS = "bold yellow"


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters to draw with."""

    glyphs: dict[str, str]
    asks: str
    frames: str
    branch: str
    last: str
    trunk: str
    overflow: Literal["ellipsis", "crop"]

    def glyph(self, phase: str, asks: bool, frame: int | None) -> str:
        """The sign of a phase; work under way turns round when there are frames."""
        if asks:
            return self.asks
        if phase == "Running" and frame is not None:
            return self.frames[frame % len(self.frames)]
        return self.glyphs.get(phase, "?")


UNICODE = Alphabet(
    {
        "Succeeded": "✔",
        "Failed": "✘",
        "Errored": "✘",
        "TimedOut": "✘",
        "Cancelled": "⊘",
        "Skipped": "–",
        "Waiting": "○",
        "Pending": "○",
        "Triggered": "◌",
        "Running": "●",
    },
    "◆",
    "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    "├─ ",
    "└─ ",
    "│  ",
    "ellipsis",
)
ASCII = Alphabet(
    {
        "Succeeded": "+",
        "Failed": "x",
        "Errored": "x",
        "TimedOut": "x",
        "Cancelled": "/",
        "Skipped": "-",
        "Waiting": ".",
        "Pending": ".",
        "Triggered": "o",
        "Running": "*",
    },
    "?",
    "|/-\\",
    "|- ",
    "`- ",
    "|  ",
    "crop",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One stage's line; `indent` is the tree's drawing before it."""

    indent: str
    stage: StageView


class RunTree:
    """The drawing of a run. `frame` turns the signs of running stages; `height` in lines bounds it, 0: no bound."""

    def __init__(self, view: RunView, *, frame: int | None = None, height: int = 0, notice: str = "") -> None:
        self._view, self._frame, self._height, self._notice = view, frame, height, notice

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lines for this console, in ASCII where it can't do better."""
        alphabet = ASCII if options.ascii_only else UNICODE
        rows = list(_rows(self._view.stages, alphabet))
        shown, hidden = _fitting(rows, self._height - 3 if self._height else len(rows))
        parts: list[Table | Text] = [self._head(alphabet), self._body(shown, alphabet)]
        if hidden:
            parts.append(Text(f"   … and {hidden} more stages", style="bright_black"))
        if self._notice:
            parts.append(Text(safe(self._notice), style="yellow"))
        yield Group(*parts)

    def _head(self, alphabet: Alphabet) -> Text:
        view = self._view
        style = PHASE_STYLES.get(view.phase, "")
        head = Text(f"{alphabet.glyph(view.phase, False, self._frame)} ", style=style)
        head.append(safe(view.name), style="bold")
        head.append(f"  {safe(view.strategy)}  ")
        head.append(view.phase, style=style)
        head.append("".join(f"  {part}" for part in (view.took, view.summary) if part))
        head.no_wrap, head.overflow = True, alphabet.overflow
        return head

    def _body(self, rows: Sequence[_Row], alphabet: Alphabet) -> Table:
        body = Table.grid(padding=(0, 2), expand=True)
        body.add_column(no_wrap=True, overflow=alphabet.overflow, max_width=60)
        body.add_column(no_wrap=True)
        body.add_column(no_wrap=True, justify="right")
        body.add_column(no_wrap=True, overflow=alphabet.overflow, ratio=1)
        for row in rows:
            body.add_row(*self._cells(row, alphabet))
        return body

    def _cells(self, row: _Row, alphabet: Alphabet) -> tuple[Text, Text, Text, Text]:
        stage = row.stage
        style = _ASKS if stage.asks else PHASE_STYLES.get(stage.phase, "")
        name = Text(row.indent, style="bright_black")
        name.append(f"{alphabet.glyph(stage.phase, stage.asks, self._frame)} ", style=style)
        name.append(safe(stage.name), style=style if stage.phase in ("Waiting", "Skipped") else "")
        if stage.joins:
            name.append(f" (with {safe(', '.join(stage.joins))})", style="bright_black")
        phase = Text(stage.phase, style=style)
        if stage.attempt > 1:
            phase.append(f" (attempt {stage.attempt})")
        return name, phase, Text(stage.took), Text(stage.detail, style=_detail_style(stage))


def _detail_style(stage: StageView) -> str:
    if stage.asks:
        return _ASKS
    return "red" if stage.phase in ("Failed", "Errored", "TimedOut") else "bright_black"


def _rows(stages: Sequence[StageView], alphabet: Alphabet, indent: str = "") -> Iterator[_Row]:
    """The tree, line by line."""
    todo = [(stage, indent, place == len(stages) - 1) for place, stage in enumerate(stages)]
    while todo:
        stage, before, is_last = todo.pop(0)
        yield _Row(before + (alphabet.last if is_last else alphabet.branch), stage)
        deeper = before + (" " * len(alphabet.trunk) if is_last else alphabet.trunk)
        children = stage.children
        todo = [(child, deeper, place == len(children) - 1) for place, child in enumerate(children)] + todo


def _fitting(rows: Sequence[_Row], room: int) -> tuple[Sequence[_Row], int]:
    """As many rows as there is room for: what is under way first, then what has ended last; order is kept."""
    if len(rows) <= room:
        return rows, 0
    room = max(room - 1, 1)
    places = sorted(range(len(rows)), key=lambda place: (_weight(rows[place].stage), place))
    kept = sorted(places[:room])
    return [rows[place] for place in kept], len(rows) - len(kept)


def _weight(stage: StageView) -> int:
    if stage.asks or stage.phase in ("Running", "Triggered"):
        return 0
    if stage.phase in ("Failed", "Errored", "TimedOut", "Cancelled"):
        return 1
    return 3 if stage.phase in ENDED else 2
