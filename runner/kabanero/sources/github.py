"""A GitHub webhook, read and made into events, without I/O: bytes and headers in, events out.

Called by `api.webhook` for every delivery, in this order: `read_headers` before the body is there, `read_delivery`
on the body, the key ring's `verify` on both, then `make_events`. Nothing of the body is evaluated, and its JSON goes
into the event as the bytes that came.

Sources: GitHub documentation, "Webhook events and payloads"; CloudEvents adapter for GitHub (the event's type).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from kabanero.model.events import Event
from kabanero.model.topics import Topic
from kabanero.sources.github_body import json_of_form, parse_body
from kabanero.sources.github_fields import read_fields
from kabanero.sources.github_keys import Grant
from kabanero.sources.github_origin import Origin, normal_host, read_origin
from kabanero.sources.github_refusal import MalformedError
from kabanero.sources.github_signature import read_signature

_EVENT = re.compile(rb"[a-z][a-z0-9_]{0,63}")
_DELIVERY = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?")
_FIX = "let GitHub, or a forge that speaks as GitHub does, send the webhook"
_FORM = b"application/x-www-form-urlencoded"


class DeliveryHeaders(NamedTuple):
    """What the headers say. `signature` is 32 bytes; `is_form`: the JSON is in a form's field `payload`.

    `length` is the body's in bytes, 0 where it isn't said.
    """

    event: str
    delivery: str
    signature: bytes
    is_form: bool = False
    host: str = ""
    length: int = 0


class Delivery(NamedTuple):
    """One webhook, read but not verified. `json` are the bytes of its JSON object, `body` is that object."""

    headers: DeliveryHeaders
    json: bytes
    body: dict[str, Any]
    origin: Origin


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> DeliveryHeaders:
    """Reads headers as ASGI gives them (names in lower case). Raises UnsignedError, UnverifiedError, MalformedError."""
    found = dict(headers)
    signature = read_signature(found.get(b"x-hub-signature-256"))
    length, host = found.get(b"content-length", b""), found.get(b"x-github-enterprise-host")
    return DeliveryHeaders(
        _event(found.get(b"x-github-event", b"")),
        _checked(b"x-github-delivery", found.get(b"x-github-delivery", b""), _DELIVERY),
        signature,
        found.get(b"content-type", b"")[: len(_FORM)].lower() == _FORM,
        normal_host(_checked(b"x-github-enterprise-host", host, _HOST)) if host else "",
        int(length) if length.isdigit() else 0,
    )


@lru_cache(maxsize=256)
def _event(value: bytes) -> str:
    return _checked(b"x-github-event", value, _EVENT)


def _checked(name: bytes, value: bytes, form: re.Pattern[bytes]) -> str:
    if not form.fullmatch(value):
        what = "not what GitHub sends" if value else "missing"
        raise MalformedError(f"the header {name.decode()} is {what}", _FIX)
    return value.decode("ascii")


def read_delivery(headers: DeliveryHeaders, raw: bytes) -> Delivery:
    """Reads the raw body. Raises MalformedError."""
    json = json_of_form(raw) if headers.is_form else raw
    body = parse_body(json)
    return Delivery(headers, json, body, read_origin(body, headers.host))


def make_events(delivery: Delivery, grants: Sequence[Grant], *, instance: str, now: datetime) -> list[Event]:
    """The SourceRepository events of a verified delivery: one for each namespace whose sources verified it.

    Their identity is the namespace's own, because GitHub gives one X-GitHub-Delivery to all webhooks that tell of the
    same thing: what one namespace received must not make another's a duplicate. Raises MalformedError.
    """
    event, origin = delivery.headers.event, delivery.origin
    fields = read_fields(event, origin, delivery.body)
    type = _cloudevents_type(event, fields.get("action", ""))
    path = f"/{instance}/repository/github/{origin.path}"
    return [
        Event(
            id=delivery.headers.delivery,
            source=f"github/{origin.host}/{grant.namespace}" if grant.namespace else f"github/{origin.host}",
            type=type,
            topic=Topic.SOURCE_REPOSITORY,
            path=path,
            time=now,
            payload=_payload(fields, grant, delivery.json),
        )
        for grant in grants
    ]


def _cloudevents_type(github_event: str, action: str) -> str:
    return f"com.github.{github_event}.{action}" if action else f"com.github.{github_event}"


def _payload(fields: dict[str, Any], grant: Grant, json: bytes) -> bytes:
    own = orjson.dumps(fields | {"namespace": grant.namespace, "eventSource": grant.source})
    return b"".join((own[:-1], b',"rawData":', json, b"}"))
