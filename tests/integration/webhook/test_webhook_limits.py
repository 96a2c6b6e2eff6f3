"""Limits of the webhook on a real socket: size, time, and how much is under way at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kabanero.api.webhook import WebhookLimits
from kabanero.api.webhook_connection import RequestLimits

from tests.integration.webhook.conftest import Listener, chunk, head
from tests.support.github import body_of, headers_for

PUSH = body_of("push")
SMALL = WebhookLimits(body_limit=len(PUSH))


async def test_a_body_of_exactly_the_limit_is_accepted(listen: Any) -> None:
    assert (await (await listen(SMALL)).post(PUSH)).status == 202


async def test_a_larger_content_length_is_413_before_the_body_is_sent(listen: Any) -> None:
    listener = await listen(SMALL)
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=len(PUSH) + 1))
        reply = await connection.reply()

    assert (reply.status, reply.closes) == (413, True)


async def test_a_client_that_sends_on_after_413_reads_the_answer(listen: Any) -> None:
    listener = await listen(SMALL)
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=4_000_000) + bytes(4_000_000))

        assert (await connection.reply()).status == 413
        assert await connection.ended()


async def test_a_chunked_body_is_accepted(listener: Listener) -> None:
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH)) + chunk(PUSH[:1000]))
        await connection.send(chunk(PUSH[1000:]) + chunk(b""))

        assert (await connection.reply()).status == 202


async def test_a_chunked_body_over_the_limit_is_413(listen: Any) -> None:
    listener = await listen(SMALL)
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH)) + chunk(PUSH))
        await connection.send(chunk(b" "))

        assert (await connection.reply()).status == 413


async def test_a_body_that_never_ends_is_408(listen: Any) -> None:
    listener = await listen(request_limits=RequestLimits(seconds=0.05))
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=len(PUSH)) + PUSH[:-1])
        reply = await connection.reply()

    assert (reply.status, reply.closes) == (408, True)


async def test_a_body_that_never_begins_is_408(listen: Any) -> None:
    listener = await listen(request_limits=RequestLimits(seconds=0.05))
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=len(PUSH)))

        assert (await connection.reply()).status == 408


async def test_a_head_that_never_ends_is_408(listen: Any) -> None:
    listener = await listen(request_limits=RequestLimits(seconds=0.05))
    async with listener.connect() as connection:
        await connection.send(b"POST /webhook HTTP/1.1\r\nhost: x\r\nx-slow: ")

        assert (await connection.reply()).status == 408
        assert await connection.ended()


async def test_a_second_head_that_never_ends_is_408(listen: Any) -> None:
    listener = await listen(request_limits=RequestLimits(seconds=0.05))
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=len(PUSH)) + PUSH)
        await connection.reply()
        await connection.send(b"POST /web")

        assert (await connection.reply()).status == 408


async def test_a_connection_that_says_nothing_is_closed(listen: Any) -> None:
    listener = await listen(request_limits=RequestLimits(seconds=0.05))
    async with listener.connect() as connection:
        assert b"408" in await connection.reader.read()


async def test_a_head_without_end_is_431(listen: Any) -> None:
    listener = await listen(request_limits=RequestLimits(head=10_000))
    async with listener.connect() as connection:
        await connection.send(b"POST /webhook HTTP/1.1\r\nx: " + b"y" * 20_000)

        assert (await connection.reply()).status == 431


async def test_one_connection_carries_many_webhooks(listener: Listener) -> None:
    async with listener.connect() as connection:
        for _ in range(3):
            await connection.send(head(headers_for(PUSH), length=len(PUSH)) + PUSH)
            assert (await connection.reply()).status == 202

    assert len(listener.bus.events) == 3


async def test_more_webhooks_than_may_be_under_way_are_503(listen: Any) -> None:
    listener = await listen(WebhookLimits(in_flight=1))
    listener.bus.disk.clear()
    first = asyncio.create_task(listener.post(PUSH))
    await listener.bus.waiting.wait()
    second = await listener.post(PUSH)
    listener.bus.disk.set()

    assert (second.status, second.headers["retry-after"]) == (503, "5")
    assert (await first).status == 202


async def test_more_bytes_than_may_be_held_are_503(listen: Any) -> None:
    listener = await listen(WebhookLimits(held_bytes=len(PUSH) + 100))
    listener.bus.disk.clear()
    first = asyncio.create_task(listener.post(PUSH))
    await listener.bus.waiting.wait()
    second = await listener.post(PUSH)
    listener.bus.disk.set()

    assert (second.status, (await first).status) == (503, 202)


async def test_what_was_held_is_free_again_after_the_answer(listen: Any) -> None:
    listener = await listen(WebhookLimits(held_bytes=len(PUSH) + 100, in_flight=1))

    assert [(await listener.post(PUSH)).status for _ in range(3)] == [202, 202, 202]


async def test_a_client_that_goes_in_the_middle_leaves_nothing_behind(listener: Listener) -> None:
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=len(PUSH)) + PUSH[:-1])
    await listener.post(PUSH)
    while not any(outcome == "gone" for _, outcome in listener.answered):
        await asyncio.sleep(0)

    assert (listener.webhook.in_flight, len(listener.bus.events)) == (0, 1)


@pytest.mark.parametrize("size", [100_000, 5_000_000])
async def test_large_bodies_come_through_whole(listener: Listener, size: int) -> None:
    body = body_of("push", filler="x" * size)
    reply = await listener.post(body)

    assert listener.bus.events[reply.json["event"]].payload.endswith(body + b"}")
