"""`kabanero replay`: delivers events once more, above all dead letters when their cause is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from kabanero.cli.errors import MissingError, UsageError
from kabanero.cli.events import PATH, context_of, full_id
from kabanero.cli.session import Session, connected
from kabanero.cli.text import parse_time

Json = dict[str, Any]
PAGE = 1000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--dead", is_flag=True, help="Dead letters.")
@click.option("--topic", default="", help="Events of this topic.")
@click.option("--path", "path_glob", metavar="GLOB", default="", help="Events of topic paths like this.")
@click.option("--run", "context_id", metavar="RUN", default="", help="Events of this run.")
@click.option(
    "--since", metavar="TIME", default="", help="Not older than this: 30m, 2h, 1d, or a time such as 2026-05-01T12:00."
)
@click.option("--consumer", default="", help="Deliver to this consumer only, such as triggers.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
@connected
def replay(session: Session, ids: tuple[str, ...], dry_run: bool, consumer: str, **chosen: Any) -> None:
    """Deliver events once more, by ID or by what they have in common.

    What an event did already it doesn't do again: runs and their stages are told apart by the event that caused them.

    \b
      kabanero replay --dead
      kabanero replay --topic SourceRepository --since 2h
    """
    if not ids and not any(chosen.values()):
        raise UsageError("say which events: an ID, --dead, --topic, --path, --run or --since")
    start = moment(chosen["since"], datetime.now(UTC)) if chosen["since"] else None
    queries = [{"id": full_id(session, id)} for id in ids] or [_query(session, chosen)]
    count = 0
    for query in queries:
        for page in _pages(session, query, start):
            count += len(page) if dry_run else _replay(session, page, query, consumer)
    if not count:
        raise MissingError("no event is kept that is selected")
    click.echo(
        f"{count} {'event' if count == 1 else 'events'} "
        + ("would be delivered again" if dry_run else "delivered again")
    )


def _query(session: Session, chosen: Json) -> Json:
    query = {
        "topic": chosen["topic"],
        "path": chosen["path_glob"],
        "context": context_of(session, chosen["context_id"]),
        "fate": "Dead" if chosen["dead"] else "",
    }
    return {key: value for key, value in query.items() if value}


def _pages(session: Session, query: Json, start: datetime | None) -> Iterator[list[Json]]:
    """The selected events, newest first, back to a time: the bus's sequence rises with time."""
    before = 0
    while page := _page(session, query, before):
        kept = [event for event in page if not start or (parse_time(event["time"]) or start) >= start]
        if kept:
            yield kept
        before = int(page[-1]["sequence"])
        if len(kept) < len(page):
            return


def _page(session: Session, query: Json, before: int) -> list[Json]:
    asked = {**query, "limit": str(PAGE)} | ({"before": str(before)} if before else {})
    found: list[Json] = session.runner.get(PATH, asked)["items"]
    return found


def moment(text: str, now: datetime) -> datetime:
    """A time that is given as one, or as a span before now. Raises UsageError."""
    if text[:-1].isdigit() and text[-1] in _UNITS:
        return now - timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])
    if found := parse_time(text):
        return found
    raise UsageError(f"--since {text!r} is no time", ["write 30m, 2h, 1d, or a time such as 2026-05-01T12:00"])


def _replay(session: Session, page: Sequence[Json], query: Json, consumer: str) -> int:
    """Replays the events of one page; its bounds name them, whatever has come since."""
    bounds = {"before": int(page[0]["sequence"]) + 1, "after": int(page[-1]["sequence"]) - 1, "limit": PAGE}
    wanted = {**query, **bounds} | ({"consumer": consumer} if consumer else {})
    return int(session.runner.create(f"{PATH}/replay", wanted)["replayed"])
