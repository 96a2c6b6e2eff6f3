"""`kabanero logs`: what the stages of a run print, one after the other or side by side."""

from __future__ import annotations

import queue
import re
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import click

from kabanero.cli.answers import AnswerError
from kabanero.cli.catalog import STAGE_RUN
from kabanero.cli.errors import RefusedError, StreamBrokenError
from kabanero.cli.output import colours, note
from kabanero.cli.runs import find_run, find_stage, run_argument, stage_argument, stages_of
from kabanero.cli.session import Session, connected
from kabanero.cli.text import safe, safe_log

Json = dict[str, Any]
_PALETTE = ("cyan", "magenta", "yellow", "green", "blue", "bright_cyan", "bright_magenta")


_BANNER = re.compile(r"(PLAY|TASK|RUNNING HANDLER|PLAY RECAP)\b.*\*{3,}")


@click.command()
@run_argument()
@stage_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on until the stages have ended.")
@connected
def logs(session: Session, run: str, stage: str | None, follow: bool) -> None:
    """Print what the stages of RUN print, or only the one STAGE.

    Lines of several stages begin with the stage's name.
    """
    found = find_run(session, run)
    stages = [find_stage(found, stage)] if stage else [s for s in stages_of(found) if s.get("attempt")]
    if not stages:
        raise RefusedError(f"no stage of {found['metadata']['name']} has started yet")
    query = {"follow": "true"} if follow else {}
    if stage:
        _print_one(session, stages[0], query)
    else:
        _print_several(session, stages, query, together=follow)


def _pieces(session: Session, stage: Json, query: Json) -> Iterator[bytes]:
    path = STAGE_RUN.path(session.namespace, str(stage["stageRun"]), "log")
    return session.runner.stream(path, query)


def _print_one(session: Session, stage: Json, query: Json) -> None:
    for line in _lines(_pieces(session, stage, query)):
        _write(line)


def _print_several(session: Session, stages: Sequence[Json], query: Json, *, together: bool) -> None:
    width = max(len(safe(stage["name"])) for stage in stages)
    prefixes = {
        str(stage["name"]): click.style(safe(stage["name"]).ljust(width), fg=_PALETTE[place % len(_PALETTE)])
        for place, stage in enumerate(stages)
    }
    source = _side_by_side(session, stages, query) if together else _in_turn(session, stages, query)
    for name, line in source:
        prefix = prefixes[name] if colours() else click.unstyle(prefixes[name])
        _write(_without_overhang(line, width + len(" | ")), f"{prefix} | ")


def _in_turn(session: Session, stages: Sequence[Json], query: Json) -> Iterator[tuple[str, str]]:
    for stage in stages:
        yield from _of_stage(session, stage, query)


def _of_stage(session: Session, stage: Json, query: Json) -> Iterator[tuple[str, str]]:
    """Lines of one stage; a stage that printed nothing, such as an approval, is silent."""
    name = str(stage["name"])
    try:
        yield from ((name, line) for line in _lines(_pieces(session, stage, query)))
    except AnswerError as error:
        if error.status != 404:
            raise
    except StreamBrokenError as error:
        note(f"the log of {name} broke off: {error}")


def _side_by_side(session: Session, stages: Sequence[Json], query: Json) -> Iterator[tuple[str, str]]:
    """Lines of all stages as they come, one thread each."""
    lines: queue.SimpleQueue[tuple[str, str] | BaseException | None] = queue.SimpleQueue()

    def pump(stage: Json) -> None:
        try:
            for found in _of_stage(session, stage, query):
                lines.put(found)
            lines.put(None)
        except BaseException as error:
            lines.put(error)

    for stage in stages:
        threading.Thread(target=pump, args=(stage,), daemon=True).start()
    left = len(stages)
    while left:
        found = lines.get()
        if isinstance(found, BaseException):
            raise found
        left -= found is None
        if found:
            yield found


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *complete, rest = (rest + piece).split(b"\n")
        yield from map(_decoded, complete)
    if rest:
        yield _decoded(rest)


def _decoded(line: bytes) -> str:
    """A line as text; a playbook prints on a terminal of its own, which ends lines with a carriage return."""
    return line.rstrip(b"\r").decode(errors="replace")


def _without_overhang(line: str, used: int) -> str:
    """Ansible draws its banners as wide as a terminal: beside the stage's name they would go on in the next line."""
    if not _BANNER.fullmatch(line) or not sys.stdout.isatty():
        return line
    room = shutil.get_terminal_size((80, 24)).columns - used
    return line[: max(room, len(line.rstrip("*")))]


def _write(line: str, prefix: str = "") -> None:
    sys.stdout.write(prefix + safe_log(line, colours=colours()) + "\n")
    sys.stdout.flush()
