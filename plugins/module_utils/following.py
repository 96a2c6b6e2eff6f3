# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows the events of the runner's bus from a bookmark on. Used by the event source `bus` of extensions/eda.

The bookmark names the last event that needs no telling again. It is moved behind an event only when whoever was told
has had it for a while, or has confirmed it, so that events may come twice but none is left out.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from pathlib import Path

from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError
from ansible_collections.kabanero.events.plugins.module_utils.events import last_sequence, pages
from ansible_collections.kabanero.events.plugins.module_utils.matching import (
    as_text,
    attribute,
    matches,
    passes,
    path_of,
)

PAGE = 100
FILTER_FIELDS = ("attribute", "jsonPath", "allowed", "disallowed")


class Wanted:
    """What is told of all events: `query` is the server's, `match` and `filters` a trigger's. Raises ConfigError."""

    def __init__(self, query=None, match=None, filters=(), raw=False):
        self.query, self.match, self.raw = query or {}, match or {}, raw
        self.filters = [_values_of(each) for each in filters]

    def tells(self, event):
        """Whether this event is one of them."""
        data = event["data"] or {}
        return matches(data, self.match) and all(
            passes(values(data), allowed, disallowed) for values, allowed, disallowed in self.filters
        )

    def shape(self, event):
        """An event as it is told: without what became of it, and without the body that came, unless that is wanted."""
        told = {name: value for name, value in event.items() if name != "handlings"}
        if not self.raw and isinstance(told["data"], dict):
            told["data"] = {name: value for name, value in told["data"].items() if name != "rawData"}
        return told


def _values_of(given):
    """A trigger's filter as a function of data, and its globs."""
    odd = sorted(set(given) - set(FILTER_FIELDS))
    if odd or ("attribute" in given) == ("jsonPath" in given):
        raise ConfigError(f"filter {given} holds {', '.join(FILTER_FIELDS)}, and either attribute or jsonPath")
    if "attribute" in given:
        return _attribute_of(given["attribute"]), given.get("allowed"), given.get("disallowed") or ()
    return path_of(given["jsonPath"]), given.get("allowed"), given.get("disallowed") or ()


def _attribute_of(name):
    def values(data):
        found = attribute(data, name)
        return [] if found is None else [as_text(found)]

    return values


class Follower:
    """Where we are on the bus. `sequence` None: we have not looked yet, and begin with what comes from now on."""

    def __init__(self, wanted, sequence=None):
        self.wanted, self.sequence = wanted, sequence

    def news(self, client):
        """Wanted events that came since the last call, the oldest first; of a bus that was made anew, all of them."""
        newest = last_sequence(client)
        if self.sequence is None:
            self.sequence = newest
        if newest < self.sequence:
            self.sequence = 0
        if newest == self.sequence:
            return []
        found = []
        for page in pages(client, self.wanted.query, self.sequence, PAGE):
            found += [self.wanted.shape(event) for event in page if self.wanted.tells(event)]
            newest = max([newest, *(event["sequence"] for event in page[:1])])
        self.sequence = newest
        return found[::-1]


class Bookmark:
    """A file that says from where to go on after a restart. Without a path nothing is kept."""

    def __init__(self, path, settle, clock=time.monotonic):
        self.path = Path(path).expanduser() if path else None
        self.settle, self._clock = settle, clock
        self._told = deque()
        self._kept = None

    def read(self):
        """The sequence that was kept, None when there is none. Raises ConfigError."""
        if self.path is None or not self.path.exists():
            return None
        try:
            return int(json.loads(self.path.read_text(encoding="utf-8"))["sequence"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"bookmark {self.path} can't be read ({error}): delete it to begin anew")

    def told(self, sequence):
        """Notes that everything up to here was told just now."""
        self._told.append((self._clock(), sequence))

    def keep(self, confirmed=False):
        """Moves the file's bookmark behind what was told long enough ago, or behind all when that is `confirmed`."""
        until = None
        while self._told and (confirmed or self._clock() - self._told[0][0] >= self.settle):
            until = self._told.popleft()[1]
        if until is not None:
            self._write(until)

    def _write(self, sequence):
        if self.path is None or sequence == self._kept:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        new.write_text(json.dumps({"sequence": sequence}), encoding="utf-8")
        new.replace(self.path)
        self._kept = sequence
