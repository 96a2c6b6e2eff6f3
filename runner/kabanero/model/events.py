"""The event: a CloudEvent 1.0 whose data is the JSON object that triggers filter.

Made by sources and the engine, carried by a bus, matched by `engine.triggers`. Identity is `source` + `id`: a second
delivery of the same identity changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast

import orjson


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    `payload` is `data` encoded as a JSON object; it stays bytes so that what is only carried is never decoded.
    `path` is the topic path, for example `/kabanero/repository/github/github.com/myorg/hello-world`.
    `context` is the contextID of the run that it belongs to, empty for an event from outside; events of one ordering
    key (`context`, else `path`) are delivered in order. `causes` are `source#id` of the events that led to it.
    """

    id: str
    source: str
    type: str
    topic: str
    path: str
    time: datetime
    payload: bytes
    context: str = ""
    causes: tuple[str, ...] = field(default=())

    @cached_property
    def data(self) -> dict[str, Any]:
        """The JSON object that matchers, filters and `${event.*}` see."""
        return cast(dict[str, Any], orjson.loads(self.payload))

    @property
    def identity(self) -> str:
        """`source#id`, by which a second delivery is recognised."""
        return f"{self.source}#{self.id}"

    @property
    def ordering_key(self) -> str:
        """Events of one key are handled one after the other."""
        return self.context or self.path
