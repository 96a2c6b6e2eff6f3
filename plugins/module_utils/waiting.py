# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until a resource has come as far as it should, by watching it. Used by the modules that have `wait`."""

from __future__ import annotations

import time

from ansible_collections.kabanero.events.plugins.module_utils.errors import ApiError, WaitError

WATCH_AT_MOST = 60.0  # seconds; then the resource is read again
PAUSE = 0.2  # seconds between reads when watches end at once


def wait_until(resources, resource, done, timeout, standing=lambda _: "", clock=time.monotonic, pause=time.sleep):
    """The resource once `done(resource)` is true.

    `standing(resource)` is a sentence on how it stands. Raises WaitError when it takes more than `timeout` seconds, or
    when the resource is deleted; its `resource` is what was seen last.
    """
    what, deadline = f"{resources.kind} {resource['metadata']['name']}", clock() + timeout
    while not done(resource):
        began = clock()
        if began >= deadline:
            raise WaitError(f"{what} has not come to its end within {timeout} s: {standing(resource)}", resource)
        resource = _after_next_change(resources, resource, done, min(deadline - began, WATCH_AT_MOST))
        if not done(resource) and clock() - began < PAUSE:
            pause(PAUSE)
    return resource


def _after_next_change(resources, resource, done, timeout):
    """The resource when it is done, or as it is when the watch ends."""
    name = resource["metadata"]["name"]
    try:
        for event in resources.watch(name, resource["metadata"]["resourceVersion"], timeout):
            if event["type"] == "DELETED":
                break
            if event["type"] in ("ADDED", "MODIFIED") and done(event["object"]):
                return event["object"]
    except ApiError as error:
        if error.reason not in ("Expired", "Gone"):
            raise
    now = resources.get(name)
    if now is None:
        raise WaitError(f"{resources.kind} {name} was deleted while it was waited for", resource)
    return now
