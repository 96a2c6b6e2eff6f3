"""What the webhook answers: status codes and small JSON objects with the reason and what would mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from kabanero.model.events import Event
from kabanero.ports import Published
from kabanero.sources.github_refusal import MalformedError, RefusedError, UnsignedError, UnverifiedError

Headers = tuple[tuple[bytes, bytes], ...]
_JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")


class Answer(NamedTuple):
    """One answer. `outcome` is a word for metrics."""

    status: int
    outcome: str
    body: bytes
    headers: Headers = ()

    def all_headers(self, *, close: bool) -> list[tuple[bytes, bytes]]:
        """With those that every answer has; `close` tells the client that the connection ends."""
        own = [_JSON, (b"content-length", b"%d" % len(self.body)), *self.headers]
        return [*own, _CLOSE] if close else own


def accepted(events: Sequence[Event], published: Sequence[Published]) -> Answer:
    """202: durable, now or by an earlier delivery."""
    first = events[0]
    told: dict[str, object] = {"accepted": True, "event": first.identity}
    if first.type == "com.github.ping":
        told["pong"] = True
    if not all(each.duplicate for each in published):
        return Answer(202, "accepted", orjson.dumps(told))
    return Answer(202, "duplicate", orjson.dumps(told | {"duplicate": True}))


def refused(error: RefusedError) -> Answer:
    """The answer to a request that is no webhook of ours."""
    for kind, status, outcome in _REFUSALS:
        if isinstance(error, kind):
            return _error(status, outcome, error.reason, error.fix)
    return _error(400, "refused", error.reason, error.fix)


_REFUSALS: tuple[tuple[type[RefusedError], int, str], ...] = (
    (UnsignedError, 401, "unsigned"),
    (UnverifiedError, 401, "unverified"),
    (MalformedError, 400, "malformed"),
)


def too_large(limit: int) -> Answer:
    """413: more bytes than we take."""
    fix = "GitHub sends 25 MB at most; `webhook.bodyLimit` is the runner's limit"
    return _error(413, "too_large", f"the body has more than {limit} bytes", fix)


def too_slow(seconds: float) -> Answer:
    """408: the request did not come in time."""
    fix = "send it faster, or raise `webhook.bodyTimeout`"
    return _error(408, "too_slow", f"the request took more than {seconds:g} s", fix)


def head_too_large(limit: int) -> Answer:
    """431: the headers have no end."""
    return _error(431, "head_too_large", f"the headers have more than {limit} bytes", "let GitHub send the webhook")


def busy(retry_after: int) -> Answer:
    """503: as many webhooks are under way as we hold in memory."""
    return _later("busy", "too many webhooks are under way", "deliver it again later", retry_after)


def not_durable(reason: str, retry_after: int) -> Answer:
    """503: the event is not on disk, or we can't know that it is."""
    return _later("not_durable", reason, "deliver it again later; the runner's log has the cause", retry_after)


def not_ready(retry_after: int) -> Answer:
    """503: secrets are not read yet, so that nothing can be verified."""
    return _later("not_ready", "the runner is starting", "deliver it again later", retry_after)


def not_post() -> Answer:
    """405: somebody looks at the address with a browser."""
    fix = "enter this address as the payload URL of a GitHub webhook, with content type application/json and a secret"
    return _error(405, "not_post", "webhooks are sent with POST", fix, ((b"allow", b"POST"),))


def not_here(path: str) -> Answer:
    """404: another path."""
    return _error(404, "not_here", "there is nothing here", f"send webhooks to {path}")


def failed() -> Answer:
    """500: our mistake. The event may or may not be durable, so this is no acknowledgement."""
    return _error(500, "failed", "the runner failed", "deliver it again; the runner's log has the cause")


def _later(outcome: str, reason: str, fix: str, retry_after: int) -> Answer:
    return _error(503, outcome, reason, fix, ((b"retry-after", b"%d" % retry_after),))


def _error(status: int, outcome: str, reason: str, fix: str, headers: Headers = ()) -> Answer:
    return Answer(status, outcome, orjson.dumps({"error": reason, "fix": fix}), headers)
