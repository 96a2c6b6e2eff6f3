"""What a measurement hands back, and how all of them are shown: a table for people, JSON for machines."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured number. `goal` is text such as `< 100`; `met` is None where there is no goal."""

    what: str
    subject: str
    value: float
    unit: str
    goal: str = ""
    detail: str = ""

    @property
    def met(self) -> bool | None:
        if not self.goal:
            return None
        sign, bound = self.goal.split()[0], float(self.goal.split()[1].replace(",", ""))
        return self.value < bound if sign == "<" else self.value >= bound


def median(values: Sequence[float]) -> float:
    """The middle."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent lie at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def show(figures: Sequence[Figure]) -> None:
    """Prints the table."""
    table = Table(title=f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}")
    for column in ("measurement", "subject", "value", "goal", "detail"):
        table.add_column(column, overflow="fold", justify="right" if column == "value" else "left")
    for figure in figures:
        mark = {True: "[green]✔[/]", False: "[red]✘[/]", None: ""}[figure.met]
        value = f"{figure.value:,.4g} {figure.unit}" if figure.value < 1000 else f"{figure.value:,.0f} {figure.unit}"
        table.add_row(figure.what, figure.subject, value, f"{figure.goal} {mark}".strip(), figure.detail)
    Console().print(table)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Writes them as JSON."""
    path.write_text(json.dumps([asdict(figure) | {"met": figure.met} for figure in figures], indent=1) + "\n")
