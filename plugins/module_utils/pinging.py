# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets GitHub ping a webhook and waits for the answer that it got. Used by the module webhook."""

from __future__ import annotations

import time

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError

POLL = 1.0  # seconds between two looks at the deliveries
NO_PING = (
    "Gitea has no ping: its test sends a push, which would start runs. Push to a branch that no trigger wants, and "
    "look for the event with kabanero.events.event_info"
)
HINTS = {
    400: "it could not read the delivery: is the content type json or form, and no proxy changes it?",
    401: "it knows no such secret for this repository: make the GithubEventSource first, with this secret and this url",
    404: "there is no webhook at this path: the runner's is /webhook",
    503: "it is starting, overloaded or its disk is full: try again",
}


def ping(hooks, hook, timeout, clock=time.monotonic, pause=time.sleep):
    """The delivery of a ping that was answered well. Raises KabaneroError when it was not, or not in time."""
    deadline = clock() + timeout
    before = {each["id"] for each in deliveries(hooks, hook)}
    hooks.forge.ask("POST", f"{hooks.path(hook)}/pings")
    while not (came := [each for each in deliveries(hooks, hook) if each["id"] not in before]):
        if clock() >= deadline:
            raise KabaneroError(f"the forge has not told within {timeout} s of a ping to {hook.url}")
        pause(POLL)
    return answered(came[0], hook)


def deliveries(hooks, hook):
    """The newest pings, the newest first."""
    found = hooks.forge.ask("GET", f"{hooks.path(hook)}/deliveries", query={"per_page": "20"})[1]
    return [each for each in found if each["event"] == "ping"]


def answered(delivery, hook):
    """The delivery as the module returns it. Raises KabaneroError unless the answer was 2xx."""
    code = delivery["status_code"]
    told = {key: delivery[key] for key in ("id", "guid", "status", "status_code", "delivered_at")}
    if 200 <= code < 300:
        return told
    what = f"was answered {code}" if code else f"got no answer ({delivery['status']})"
    hint = HINTS.get(code, "can the forge reach it?")
    raise KabaneroError(f"the ping to {hook.url} {what}: {hint}", delivery=told)
