"""`kabanero watch`: a run as a live tree on a terminal, or one line for each change where there is none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import click

from kabanero.cli.errors import ExitCode, OutcomeError
from kabanero.cli.output import colours, output_option, phase_style
from kabanero.cli.runs import find_run, run_argument
from kabanero.cli.runwatch import RunWatch
from kabanero.cli.session import Session, connected
from kabanero.cli.stagetree import RunView, StageView
from kabanero.cli.text import safe

TICK = 0.2
QUIET_TICK = 1.0
SILENT = ("Rejected", "StageUnknown", "PlaybookNotFound", "PlaybookUnreadable")
"""Reasons of stages that have printed nothing."""


@click.command()
@run_argument(optional=True)
@click.option("--timeout", type=float, default=0, metavar="SECONDS", help="Stop watching after so long; 0: never.")
@output_option("json")
@connected
def watch(session: Session, run: str | None, timeout: float, output: str) -> int:
    """Show a RUN live, as a tree of its stages, until it ends; without RUN, the newest.

    The exit code is 0 when the run succeeds and 1 when it doesn't. Ctrl-C stops watching; the run goes on.

    \b
      kabanero watch
      kabanero watch main-7f3a --timeout 600
    """
    name = str(find_run(session, run or "@latest")["metadata"]["name"])
    return watch_to_end(session, name, timeout, output)


def watch_to_end(session: Session, name: str, timeout: float = 0, output: str = "table") -> int:
    """Shows a run until it has ended; returns the exit code. Raises OutcomeError when it didn't succeed."""
    return follow_to_end(RunWatch(session, name), timeout, output)


def follow_to_end(followed: RunWatch, timeout: float = 0, output: str = "table") -> int:
    """The same for a run that may have been looked at before."""
    try:
        show(followed, timeout, output)
    except KeyboardInterrupt:
        click.echo(f"\nthe run goes on; watch it with: kabanero watch {followed.name}", err=True)
        return ExitCode.INTERRUPTED
    return _outcome(followed.view(), output)


def show(followed: RunWatch, timeout: float = 0, output: str = "table") -> None:
    """Shows a run for as long as it is followed."""
    _shower(output)(followed, timeout)


def _shower(output: str) -> Callable[[RunWatch, float], None]:
    if output == "json":
        return _show_json
    return _show_tree if sys.stdout.isatty() else _show_lines


def _outcome(view: RunView, output: str) -> int:
    if view.phase != "Succeeded":
        raise OutcomeError(f"run {view.name} ended as {view.phase} after {view.took}", _reasons(view))
    if output != "json":
        click.echo(f"{phase_style('Succeeded')} after {view.took}")
    return ExitCode.OK


def _reasons(view: RunView) -> list[str]:
    bad = [stage for stage in view.all_stages() if stage.phase in ("Failed", "Errored", "TimedOut", "Cancelled")]
    reasons = [f"{stage.name}: {stage.detail or stage.phase}" for stage in bad]
    printed = [stage for stage in bad if stage.took and stage.reason not in SILENT]
    look = [f"logs: kabanero logs {view.name} {_shell_word(stage.name)}" for stage in printed[:1]]
    return [*(reasons or [view.message]), *look]


def _shell_word(text: str) -> str:
    import shlex

    return shlex.quote(safe(text))


def _show_tree(followed: RunWatch, timeout: float) -> None:
    """Redraws one drawing in place; the last one stays."""
    from rich.console import Console
    from rich.live import Live

    from kabanero.cli.treeview import RunTree

    console = Console(highlight=False, color_system="auto" if colours() else None)
    frame = 0
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            for _ in followed.changes(TICK, timeout):
                frame += 1
                height = console.size.height - 1
                tree = RunTree(followed.view(), frame=frame, height=height, notice=_notice(followed))
                live.update(tree, refresh=True)
    finally:
        if followed.run:
            console.print(RunTree(followed.view()))


def _notice(followed: RunWatch) -> str:
    if followed.trouble:
        return f"{followed.trouble}; trying again"
    asking = [stage for stage in followed.view().all_stages() if stage.asks]
    return _how_to_approve(followed.name, asking)


def _how_to_approve(run: str, asking: list[StageView]) -> str:
    if not asking:
        return ""
    stage = f" {_shell_word(asking[0].name)}" if len(asking) > 1 else ""
    return f"approve with: kabanero approve {run}{stage}   (or: kabanero reject {run}{stage} --reason ...)"


def _show_lines(followed: RunWatch, timeout: float) -> None:
    """One line for each stage that has changed."""
    for changed in followed.changes(QUIET_TICK, timeout):
        if changed:
            _print_news(followed.view(), followed.told)


def _print_news(view: RunView, told: dict[str, tuple[str, int, bool]]) -> None:
    for stage in view.all_stages():
        now = (stage.phase, stage.attempt, stage.asks)
        if told.get(stage.name, ("Waiting", 0, False)) != now:
            click.echo(_line(stage))
        told[stage.name] = now


def _line(stage: StageView) -> str:
    from kabanero.cli.output import clock_now

    attempt = f"(attempt {stage.attempt})" if stage.attempt > 1 else ""
    words = [clock_now(), safe(stage.name), phase_style(stage.phase), attempt, stage.took, stage.detail]
    return "  ".join(word for word in words if word)


def _show_json(followed: RunWatch, timeout: float) -> None:
    """One JSON object a line for each change of the run."""
    last = ""
    for _ in followed.changes(QUIET_TICK, timeout):
        status = followed.run.get("status") or {}
        news = json.dumps({"run": followed.name, "phase": status.get("phase"), "stages": status.get("stages") or []})
        if news != last:
            click.echo(news)
        last = news
