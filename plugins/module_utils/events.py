# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only the runner itself can tell: the events of its bus, and explanations.

Used by event, event_info, replay and explain_info. On a cluster these paths are the runner's, not the API server's, and
the module beside finds it.
"""

from __future__ import annotations

import time
from urllib.parse import quote

from ansible_collections.kabanero.events.plugins.module_utils import beside
from ansible_collections.kabanero.events.plugins.module_utils.errors import ApiError, KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.matching import matches

EVENTS = "/runner/v1/events"
RUNS = "/runner/v1/runs"
INTERNAL = "kabanero.control"
PAGE = 1000
POLL = 0.5  # seconds between two looks at the bus
QUERY_OPTIONS = {"topic": {"type": "str"}, "path": {"type": "str"}, "context_id": {"type": "str"}}
_FIELDS = {"topic": "topic", "path": "path", "context_id": "context", "fate": "fate", "consumer": "consumer"}


def ask(client, method, path, query=None, body=None):
    """The runner's answer. Raises KabaneroError, which says where the runner is not."""
    if client.runner is not None:
        return beside.asked(client.runner, method, path, query, body)
    try:
        return client.request(method, path, query, body)
    except ApiError as error:
        if error.reason == "NoSuchApi" or (error.code == 403 and "cannot get path" in str(error)):
            client.runner = beside.find_runner(client)
            return beside.asked(client.runner, method, path, query, body)
        raise


def query_of(params):
    """The bus's query that a module's options mean."""
    return {field: params[option] for option, field in _FIELDS.items() if params.get(option)}


def pages(client, query, after=0, size=PAGE, internal=False):
    """Yields lists of events, newest first, back to the one after `after`, the runner's inner ones with `internal`."""
    bounds = {"limit": str(size), "after": str(after)}
    while True:
        found = ask(client, "GET", EVENTS, {**query, **bounds})["items"]
        yield [event for event in found if internal or event["topic"] != INTERNAL or query.get("topic") == INTERNAL]
        if len(found) < size:
            return
        bounds["before"] = str(found[-1]["sequence"])


def newest(client, query, limit, wanted):
    """So many of the newest that have the attributes that are wanted, newest first."""
    found = []
    for page in pages(client, query, size=min(3 * limit + 1, PAGE)):
        found += [event for event in page if matches(event["data"] or {}, wanted)]
        if len(found) >= limit:
            break
    return found[:limit]


def one(client, id, what=""):
    """One event, or with `what` "/explain" its explanation."""
    return ask(client, "GET", f"{EVENTS}/{quote(id, safe='')}{what}")


def explain_run(client, name, stage=""):
    """Why a run of the connection's namespace, or one stage of it, stands where it stands."""
    path = f"{RUNS}/{quote(client.connection.namespace, safe='')}/{quote(name, safe='')}/explain"
    return ask(client, "GET", path, {"stage": stage} if stage else None)


def last_sequence(client):
    """The place of the newest event on the bus; 0 when there is none."""
    found = ask(client, "GET", EVENTS, {"limit": "1"})["items"]
    return found[0]["sequence"] if found else 0


def await_event(client, query, wanted, after, timeout, clock=time.monotonic, pause=time.sleep):
    """The first event behind `after` that matches. Raises KabaneroError when none comes within `timeout` seconds."""
    deadline, seen, last = clock() + timeout, 0, None
    while True:
        events = [event for page in pages(client, query, after) for event in page][::-1]
        for event in events:
            if matches(event["data"] or {}, wanted):
                return event
        if events:
            seen, last, after = seen + len(events), events[-1], events[-1]["sequence"]
        if clock() >= deadline:
            raise KabaneroError(_too_long(wanted, timeout, seen, last), last_event=last)
        pause(POLL)


def _too_long(wanted, timeout, seen, last):
    said = ", ".join(f"{name}={value}" for name, value in wanted.items()) or "any"
    text = f"no event ({said}) came within {timeout} s"
    if last is None:
        return f"{text}, nor any other that topic, path and context_id let through"
    data = last["data"] or {}
    near = ", ".join(f"{name}={data.get(name)}" for name in wanted) or last["id"]
    return f"{text}; {seen} others came, the last of them with {near}"
