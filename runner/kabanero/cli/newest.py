"""What `@latest` means: the newest object of a kind. Used wherever a command takes a name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kabanero.cli.answers import AnswerError
from kabanero.cli.catalog import ServedKind
from kabanero.cli.listing import metadata
from kabanero.cli.session import Session

_UNSTARTED = datetime.max.replace(tzinfo=UTC)


def newest_name(session: Session, kind: ServedKind, namespace: str) -> str | None:
    """The name of the newest object; None when there is none.

    A server tells the second of a creation only. Of those that were made in the same second, the one that started last
    is the newest, and one that has not started yet is newer than any that has.
    """
    found = list(metadata(session, kind, namespace))
    if not found:
        return None
    last = max(each["creationTimestamp"] for each in found)
    names = sorted(str(each["name"]) for each in found if each["creationTimestamp"] == last)
    if len(names) == 1:
        return names[0]
    return max(names, key=lambda name: _started(session, kind.path(namespace, name)))


def _started(session: Session, path: str) -> datetime:
    try:
        found: dict[str, Any] = session.client.get(path)
    except AnswerError as error:
        if error.status == 404:
            return datetime.min.replace(tzinfo=UTC)
        raise
    time = (found.get("status") or {}).get("startTime")
    return datetime.fromisoformat(time) if time else _UNSTARTED
