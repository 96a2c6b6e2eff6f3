"""`kabanero events`: what came over the bus, newest last, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from kabanero.cli import completing
from kabanero.cli.output import note, output_option, print_object, print_table, table_lines
from kabanero.cli.session import Session, connected
from kabanero.cli.text import local_clock, safe

Json = dict[str, Any]
PATH = "/runner/v1/events"
POLL_SECONDS = 1.0
MOST = 1000
INTERNAL = "kabanero.control"
"""Topic by which the runner's own parts speak to each other; shown when it is asked for."""
HEADERS = ("Time", "Topic", "Name", "Path", "Became", "ID")
WIDE = (*HEADERS, "Context", "Type", "Sequence")


@click.command()
@click.argument("id", required=False)
@click.option("--topic", default="", help="Only of this topic, such as SourceRepository.")
@click.option("--path", "path_glob", metavar="GLOB", default="", help="Only of topic paths like this.")
@click.option(
    "--run", "context_id", metavar="RUN", default="", shell_complete=completing.runs, help="Only of this run."
)
@click.option("--dead", is_flag=True, help="Only dead letters: events that couldn't be handled.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="Newest of them.")
@click.option("-f", "--follow", is_flag=True, help="Then go on with new events, until Ctrl-C.")
@output_option("wide", "json", "yaml")
@connected
def events(
    session: Session,
    id: str | None,
    topic: str,
    path_glob: str,
    context_id: str,
    dead: bool,
    limit: int,
    follow: bool,
    output: str,
) -> None:
    """List events, the newest last, or show the one with this ID.

    What the runner's parts tell each other is left out but with --topic kabanero.control.

    Why an event started a run or none: kabanero explain --event ID
    """
    if id:
        print_object(one_event(session, id), "json" if output == "json" else "yaml")
        return
    query = {"topic": topic, "path": path_glob, "context": context_of(session, context_id), "fate": "Dead" * dead}
    _list(session, {key: value for key, value in query.items() if value}, limit, output, follow)


def one_event(session: Session, id: str) -> Json:
    """One event with what became of it. Raises MissingError with the ids that are near."""
    from kabanero.cli.catalog import quoted

    found: Json = session.runner.get(f"{PATH}/{quoted(full_id(session, id))}")
    return found


def full_id(session: Session, id: str) -> str:
    """The id that is meant by itself or by its beginning, among the newest thousand.

    `@latest` is the newest that came from outside: stages' own events come right behind it.
    """
    from kabanero.cli.runs import LATEST, unabbreviated

    newest = session.runner.get(PATH, {"limit": "1000"})["items"]
    if id in LATEST and newest:
        return str(next((item for item in newest if item["topic"] not in (INTERNAL, "Strategy")), newest[0])["id"])
    ids = list(dict.fromkeys(str(item["id"]) for item in newest))
    return id if len(ids) == 1000 and id not in ids else unabbreviated(id, ids, "event")


def context_of(session: Session, name: str) -> str:
    """The contextID of a run; a name that is no run's is taken for a contextID itself."""
    from kabanero.cli.errors import MissingError
    from kabanero.cli.runs import find_run

    if not name:
        return ""
    try:
        return str((find_run(session, name).get("status") or {}).get("contextID") or name)
    except MissingError:
        return name


def _list(session: Session, query: Json, limit: int, output: str, follow: bool) -> None:
    found = _newest(session, query, limit)[::-1]
    if output in ("json", "yaml"):
        print_object({"items": found}, output)
    elif found:
        print_table(WIDE if output == "wide" else HEADERS, [_row(event, output == "wide") for event in found])
    elif not follow:
        note("no events" + (" of that kind" if query else " yet"))
    if follow:
        _follow(session, query, found[-1]["sequence"] if found else 0, output)


def _newest(session: Session, query: Json, limit: int) -> list[Json]:
    """So many of the newest, newest first."""
    found: list[Json] = []
    bounds: Json = {}
    size = min(limit * 3, MOST)
    while len(found) < limit:
        page = session.runner.get(PATH, {**query, **bounds, "limit": str(size)})["items"]
        found += [event for event in page if _is_wanted(event, query)]
        if len(page) < size:
            break
        bounds = {"before": str(page[-1]["sequence"])}
    return found[:limit]


def _is_wanted(event: Json, query: Json) -> bool:
    return event["topic"] != INTERNAL or "topic" in query


def _follow(session: Session, query: Json, last: int, output: str) -> None:
    """New events as they come; the bus is asked once a second."""
    while True:
        time.sleep(POLL_SECONDS)
        for event in _after(session, query, last):
            last = max(last, int(event["sequence"]))
            if _is_wanted(event, query):
                _print_one(event, output)


def _after(session: Session, query: Json, last: int) -> Iterator[Json]:
    found = session.runner.get(PATH, {**query, "after": str(last), "limit": str(MOST)})["items"]
    yield from reversed(found)


def _print_one(event: Json, output: str) -> None:
    if output in ("json", "yaml"):
        print_object(event, output)
        return
    click.echo(table_lines(["" for _ in HEADERS], [_row(event, False)])[-1])


def _row(event: Json, wide: bool) -> Sequence[str]:
    data = event.get("data") or {}
    name = str(data.get("name") or data.get("eventName") or "")
    status = f"={data['status']}" if data.get("status") and data.get("name") else ""
    row = (local_clock(event.get("time")), event["topic"], name + status, event["path"], became(event), event["id"])
    return (*row, event.get("context") or "", event["type"], str(event["sequence"])) if wide else row


def became(event: Json) -> str:
    """What the consumers made of it, in a few words."""
    handlings = event.get("handlings") or []
    said = [_handling(handling) for handling in handlings]
    return safe("; ".join(dict.fromkeys(part for part in said if part))) or "-"


def _handling(handling: Json) -> str:
    note = str(handling.get("note") or "")
    if handling.get("fate") == "Handled":
        return note
    tries = f" after {handling['attempts']} attempts" if handling.get("attempts", 0) > 1 else ""
    return f"{handling['fate']}{tries}" + (f": {note}" if note else "")
