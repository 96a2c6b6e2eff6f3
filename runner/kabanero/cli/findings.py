"""How repairs and problems of files are shown: `FILE:LINE: what` with the reason and the likely fix. To stderr."""

from __future__ import annotations

from collections.abc import Iterable

from kabanero.cli.manifests import Place, Reading
from kabanero.cli.output import tell
from kabanero.cli.text import one_line
from kabanero.model.errors import Problem


def show_repairs(reading: Reading) -> None:
    """Every repair as a note."""
    for place, repair in reading.repairs:
        tell("note", f"{place}: {one_line(repair.what)} ({one_line(repair.reason)})", err=True)


def show_problems(problems: Iterable[tuple[Place, Problem]]) -> None:
    """Every problem as an error."""
    for place, problem in problems:
        tell("error", f"{place}: {problem_text(problem)}", err=True)


def problem_text(problem: Problem) -> str:
    """Path, reason and fix on one line, safe to print."""
    path = f"{one_line(problem.path)}: " if problem.path else ""
    fix = f" ({one_line(problem.fix)})" if problem.fix else ""
    return f"{path}{one_line(problem.reason)}{fix}"
