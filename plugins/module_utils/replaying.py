# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which events are to be delivered again, and their delivery. Used by the module replay."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.events import EVENTS, PAGE, ask, pages, query_of

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def chosen(client, params):
    """Yields a query and its events, newest first, a page at a time.

    Raises KabaneroError for an id that is not kept, and when nothing says which events.
    """
    queries = [{"id": id} for id in params["ids"] or ()] or [_query(params)]
    if not any(queries) and not params["since"]:
        raise KabaneroError("say which events: ids, dead, topic, path, context_id or since")
    since = moment(params["since"], datetime.now(timezone.utc)) if params["since"] else None
    for query in queries:
        found = [page for page in _since(pages(client, query, internal=True), since) if page]
        if not found and "id" in query:
            raise KabaneroError(f"no event {query['id']!r} is kept on the bus")
        for page in found:
            yield query, page


def _query(params):
    if params["dead"]:
        return query_of(dict(params, fate="Dead"))
    return query_of(dict(params, consumer=None))


def _since(pages, since):
    """Pages back to a time: the bus's sequence rises with time."""
    for page in pages:
        kept = [event for event in page if since is None or _time(event["time"]) >= since]
        yield kept
        if len(kept) < len(page):
            return


def replayed(client, query, page, consumer):
    """Delivers the events of one page; its bounds name them, whatever has come since."""
    bounds = {"before": page[0]["sequence"] + 1, "after": page[-1]["sequence"] - 1, "limit": PAGE}
    body = {**query, **bounds, **({"consumer": consumer} if consumer else {})}
    return ask(client, "POST", f"{EVENTS}/replay", body=body)["replayed"]


def moment(text, now):
    """A time that is given as one, or as a span before now. Raises KabaneroError."""
    if text[:-1].isdigit() and text[-1] in UNITS:
        return now - timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])
    try:
        return _time(text)
    except ValueError:
        raise KabaneroError(f"since: {text!r} is no time; write 30m, 2h, 1d, or a time such as 2026-05-01T12:00:00Z")


def _time(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
