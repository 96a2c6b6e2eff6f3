"""Whatever comes in: never a 500, never a 202 for what is not durable."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kabanero.api.webhook import Webhook
from kabanero.clock import SystemClock

from tests.support.github import body_of, headers_for, key_ring, payload, raw
from tests.support.memory_bus import MemoryBus

EVENTS = st.sampled_from(["push", "pull_request", "create", "release", "ping", "issues", "workflow_dispatch"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from([*payload("push"), *payload("pull_request"), "installation", "enterprise", "release"])
HEADER_NAMES = st.sampled_from(
    [b"x-github-event", b"x-github-delivery", b"x-hub-signature-256", b"content-type", b"content-length"]
)


def answer(bus: MemoryBus, headers: list[tuple[bytes, bytes]], chunks: list[bytes]) -> tuple[int, bytes]:
    """Sends one request through the application, without a server, which might refuse it first."""
    told: list[dict[str, Any]] = []
    pieces = iter(chunks)

    async def receive() -> dict[str, Any]:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Any) -> None:
        told.append(message)

    webhook = Webhook(key_ring(), bus, SystemClock())
    scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": headers}
    asyncio.run(webhook(scope, receive, send))
    return told[0]["status"], b"".join(message.get("body", b"") for message in told[1:])


def must_hold(bus: MemoryBus, status: int, body: bytes) -> None:
    assert status in (202, 400, 401, 408, 413)
    found = orjson.loads(body)
    assert (status == 202) == (found.get("event") in bus.events)
    assert status == 202 or (found["error"] and found["fix"])


@given(st.lists(st.tuples(HEADER_NAMES | st.binary(max_size=20), st.binary(max_size=100))), st.lists(st.binary()))
def test_random_requests_are_refused_with_a_reason(headers: list[tuple[bytes, bytes]], chunks: list[bytes]) -> None:
    bus = MemoryBus()

    must_hold(bus, *answer(bus, headers, chunks))
    assert not bus.events


@given(st.binary(), EVENTS)
def test_random_bodies_that_are_signed_are_refused_or_durable(body: bytes, event: str) -> None:
    bus = MemoryBus()

    must_hold(bus, *answer(bus, raw(headers_for(body, event)), [body]))


@settings(max_examples=200)
@given(EVENTS, st.sampled_from(["push", "pull_request", "issues"]), st.dictionaries(FIELDS, JSON, max_size=3))
def test_payloads_with_random_fields_are_refused_or_durable(event: str, name: str, changes: dict[str, Any]) -> None:
    bus, body = MemoryBus(), orjson.dumps(payload(name) | changes, option=orjson.OPT_NON_STR_KEYS)

    must_hold(bus, *answer(bus, raw(headers_for(body, event)), [body]))


@given(st.data())
def test_payloads_cut_into_random_pieces_are_durable(data: st.DataObject) -> None:
    bus, body = MemoryBus(), body_of("push")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert answer(bus, raw(headers_for(body)), pieces)[0] == 202


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_payloads_with_random_damage_are_never_verified(place: int, damage: bytes) -> None:
    bus, body = MemoryBus(), body_of("push")
    place %= len(body)
    damaged = body[:place] + damage + body[place + len(damage) :]
    status, _ = answer(bus, raw(headers_for(body)), [damaged])

    assert (status == 202) == (damaged == body)


@pytest.mark.parametrize("event", ["push", "ping"])
def test_a_bus_that_is_down_is_never_a_202(event: str) -> None:
    bus, body = MemoryBus(), body_of("push")
    bus.fill_the_disk()

    assert answer(bus, raw(headers_for(body, event)), [body])[0] == 503
