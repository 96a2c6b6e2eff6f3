"""`/runner/v1/events`: what came over the bus, what became of it, why triggers did or didn't match, and replay.

For the CLI (`kabanero events`, `explain --event`, `replay`); no part of the Kubernetes-style API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kabanero.api.access import Role, User
from kabanero.api.http import Reply, Request, json_response
from kabanero.api.reads import parse_number
from kabanero.api.status import bad_request, failure, forbidden, method_not_allowed, no_such_path
from kabanero.model.events import Event
from kabanero.model.nearmiss import did_you_mean
from kabanero.ports import Bus, EventQuery, Fate, Handling, StoredEvent

PREFIX = "/runner/v1/events"
MOST = 1000
_TEXTS = {"id": "id", "topic": "topic", "path": "path_glob", "context": "context", "consumer": "consumer"}
_NUMBERS = ("after", "before", "limit")
_FIELDS = (*_TEXTS, *_NUMBERS, "fate")
Explain = Callable[[Event], Awaitable[Any]]


@dataclass(slots=True)
class RunnerEvents:
    """Answers for events. `explain` says for every trigger why it matched an event or did not, as JSON."""

    bus: Bus
    explain: Explain

    async def __call__(self, request: Request, user: User) -> Reply:
        """One request. Raises ApiError."""
        rest = request.path.removeprefix(PREFIX).strip("/")
        if rest == "replay":
            return await self._replay(request, user)
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed(request.method)
        if not rest:
            return await self._find(request)
        return await self._one(rest)

    async def _find(self, request: Request) -> Reply:
        query = _query({**request.query, **{name: parse_number(request, name) for name in _NUMBERS}})
        events = await self.bus.find(query)
        return json_response({"items": [as_json(event) for event in events]})

    async def _one(self, rest: str) -> Reply:
        explained = rest.endswith("/explain")
        stored = await self._stored(rest.removesuffix("/explain"))
        if not explained:
            return json_response(as_json(stored))
        return json_response({"event": as_json(stored), "triggers": await self.explain(stored.event)})

    async def _stored(self, id: str) -> StoredEvent:
        if not id:
            raise no_such_path()
        found = await self.bus.find(EventQuery(id=id, limit=1))
        if not found:
            text = f"no event {id!r:.200} is kept on the bus"
            raise failure(404, "NotFound", text, {"name": id, "kind": "events"})
        return found[0]

    async def _replay(self, request: Request, user: User) -> Reply:
        if request.method != "POST":
            raise method_not_allowed(request.method)
        if user.role is not Role.ADMIN:
            raise forbidden(f"{user.name} may not replay events: the token has the role {user.role}")
        wanted = await request.json()
        if not isinstance(wanted, dict) or not any(wanted.get(name) for name in _FIELDS if name != "limit"):
            raise bad_request("say which events: an id, or fields such as topic, context, fate, before, after")
        query = _query(wanted)
        return json_response({"replayed": await self.bus.replay(query, consumer=query.consumer)})


def _query(wanted: Mapping[str, Any]) -> EventQuery:
    for name in wanted:
        if name not in _FIELDS:
            raise bad_request(f"{name!r:.60} selects no events ({did_you_mean(str(name), _FIELDS)})")
    texts = {field: str(wanted.get(name) or "") for name, field in _TEXTS.items()}
    numbers = {name: _number(name, wanted.get(name)) for name in _NUMBERS}
    limit = min(numbers.pop("limit") or 100, MOST)
    return EventQuery(**texts, **numbers, limit=limit, fate=_fate(wanted.get("fate")))  # type: ignore[arg-type]


def _number(name: str, value: Any) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise bad_request(f"{name} must be a whole number")
    return value


def _fate(value: Any) -> Fate | None:
    if not value:
        return None
    named = {fate.value.lower(): fate for fate in Fate}
    if str(value).lower() not in named:
        raise bad_request(f"fate is {value!r:.60}; possible: {', '.join(Fate)}")
    return named[str(value).lower()]


def as_json(stored: StoredEvent) -> dict[str, Any]:
    """An event of the bus as the CLI reads it."""
    event = stored.event
    return {
        "sequence": stored.sequence,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "topic": event.topic,
        "path": event.path,
        "time": event.time,
        "context": event.context,
        "causes": event.causes,
        "data": event.data,
        "handlings": [_handling(handling) for handling in stored.handlings],
    }


def _handling(handling: Handling) -> dict[str, Any]:
    return {
        "consumer": handling.consumer,
        "fate": handling.fate,
        "attempts": handling.attempts,
        "note": handling.note,
        "nextAttempt": handling.next_attempt,
    }
