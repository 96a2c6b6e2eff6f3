"""Why a run and its stages stand where they stand, as `explain RUN [STAGE]` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from kabanero.cli.errors import RefusedError
from kabanero.cli.explainview import ExplainView, Line, broken
from kabanero.cli.output import colours, print_object
from kabanero.cli.runs import find_run, stage_runs, unabbreviated
from kabanero.cli.session import Session
from kabanero.cli.treeview import ASCII, UNICODE
from kabanero.engine.explain import as_json, explain
from kabanero.engine.explanation import RunNote, StageNote
from kabanero.model.kinds.runs import RunStatus, StageRunStatus

Json = dict[str, Any]


def explain_run(session: Session, run: str, stage: str | None, output: str) -> None:
    """Prints it. Raises MissingError, UsageError, RefusedError."""
    found = find_run(session, run)
    note = explain(status_of(found), _work(session, found))
    name, strategy = str(found["metadata"]["name"]), str(found["spec"].get("strategy", ""))
    chosen = _stage_note(note, name, stage) if stage else None
    if output != "table":
        print_object({"run": name, "strategy": strategy, **as_json(chosen or note)}, output)
        return
    view = ExplainView(name, strategy, note)
    _print(view.one_stage(chosen) if chosen else view.whole())


def status_of(run: Json) -> RunStatus:
    """A run's status as the engine reads it. Raises RefusedError."""
    try:
        return RunStatus.model_validate(run.get("status") or {})
    except ValidationError as error:
        places = [".".join(map(str, each["loc"])) + f": {each['msg']}" for each in error.errors()[:5]]
        hint = "the runner may be newer than this program: kabanero version"
        raise RefusedError(f"the status of run {run['metadata']['name']} can't be read", [*places, hint]) from None


def _work(session: Session, run: Json) -> Mapping[str, StageRunStatus]:
    """What the StageRuns say; one that can't be read, written by another controller, says nothing."""
    found = {}
    for name, stage_run in stage_runs(session, run).items():
        try:
            found[name] = StageRunStatus.model_validate(stage_run.get("status") or {})
        except ValidationError:
            continue
    return found


def _stage_note(note: RunNote, run: str, name: str) -> StageNote:
    if not note.stages:
        raise RefusedError(f"run {run} has no stages yet: it {note.why}")
    full = unabbreviated(name, [stage.name for stage in note.stages], "stage")
    return next(stage for stage in note.stages if stage.name == full)


def _print(lines: Iterator[Line]) -> None:
    """On a terminal long lines are broken and hang below their text; elsewhere one line stays one line."""
    console = Console(highlight=False, color_system="auto" if colours() else None)
    alphabet = ASCII if console.options.ascii_only else UNICODE
    for line in lines:
        for text in broken(line, console.width if sys.stdout.isatty() else 0, alphabet):
            console.print(text, soft_wrap=True)
