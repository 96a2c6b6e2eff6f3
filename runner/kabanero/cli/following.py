"""A watch that goes on: across broken connections, restarts of the runner and versions that are too old.

Used by `get --watch`, `watch` and `submit --wait`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kabanero.cli.answers import AnswerError
from kabanero.cli.errors import StreamBrokenError, UnreachableError

if TYPE_CHECKING:
    from kabanero.cli.client import Client

Json = dict[str, Any]
SERVER_SECONDS = 300
SILENCE = 330.0
PAUSES = (0.1, 0.3, 1.0, 2.0)


class TooOldError(Exception):
    """The server no longer remembers this version (410): list again."""


def follow(
    client: Client,
    path: str,
    query: Mapping[str, str],
    since: str,
    relist: Callable[[], tuple[list[Json], str]],
    *,
    accept: str = "application/json",
    pause: Callable[[float], object] = time.sleep,
    told: Callable[[str], object] = str,
) -> Iterator[Json]:
    """Changes after version `since`, for ever; a server that is away is asked again and again.

    `relist` gives objects and version afresh when `since` is too old; each object comes as a MODIFIED then.
    `told` hears why nothing comes, and an empty text when it goes on.
    """
    failures, too_old = 0, False
    while True:
        try:
            if too_old:
                items, since = relist()
                yield from ({"type": "MODIFIED", "object": item} for item in items)
            stream = changes(client, path, query, since, accept)
            failures, too_old = 0, False
            told("")
            for change in stream:
                since = version_of(change["object"]) or since
                if change["type"] != "BOOKMARK":
                    yield change
            pause(PAUSES[0])
        except TooOldError:
            too_old = True
        except (StreamBrokenError, UnreachableError) as error:
            told(str(error) if failures else "")
            pause(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1


def changes(client: Client, path: str, query: Mapping[str, str], since: str, accept: str) -> Iterator[Json]:
    """One watch until the server ends it; it is open when this returns.

    Raises TooOldError, StreamBrokenError, UnreachableError and AnswerError, at once or under way.
    """
    asked = {**query, "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(SERVER_SECONDS)}
    try:
        lines = client.lines(path, asked | {"resourceVersion": since}, accept=accept, silence=SILENCE)
    except AnswerError as error:
        raise _refusal(error) from error
    return map(_checked, lines)


def _checked(change: Json) -> Json:
    if change["type"] == "ERROR":
        status = change["object"]
        raise TooOldError if status.get("code") == 410 else StreamBrokenError(str(status.get("message")))
    return change


def _refusal(error: AnswerError) -> Exception:
    if error.status == 410:
        return TooOldError()
    return StreamBrokenError(str(error)) if error.status in (429, 500, 502, 503, 504) else error


def version_of(thing: Json) -> str:
    """The resourceVersion of an object, a list or a table of one row."""
    version = (thing.get("metadata") or {}).get("resourceVersion")
    if not version and (rows := thing.get("rows")):
        version = ((rows[0].get("object") or {}).get("metadata") or {}).get("resourceVersion")
    return str(version or "")
