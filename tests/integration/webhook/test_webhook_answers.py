"""What `POST /webhook` answers, and when: 202 means durable, everything else says why not and what would mend it."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from kabanero.sources.github_keys import KeyRing
from kabanero.sources.github_origin import read_source_url

from tests.integration.webhook.conftest import Listener, head
from tests.support.github import REPOSITORY, SECRET, body_of, headers_for, key_ring, payload

PUSH = body_of("push")
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
IDENTITY = f"github/github.com#{DELIVERY}"


async def test_a_signed_push_is_accepted_and_on_the_bus(listener: Listener) -> None:
    reply = await listener.post(PUSH, x_github_delivery=DELIVERY)

    assert (reply.status, reply.json) == (202, {"accepted": True, "event": IDENTITY})
    assert listener.bus.events[IDENTITY].data["rawData"] == payload("push")


async def test_nothing_is_answered_before_the_event_is_durable(listener: Listener) -> None:
    listener.bus.disk.clear()
    answer = asyncio.create_task(listener.post(PUSH))
    await listener.bus.waiting.wait()

    assert not answer.done()
    listener.bus.disk.set()
    assert (await answer).status == 202


async def test_a_second_delivery_of_the_same_is_accepted_as_a_duplicate(listener: Listener) -> None:
    await listener.post(PUSH, x_github_delivery=DELIVERY)
    reply = await listener.post(PUSH, x_github_delivery=DELIVERY)

    assert (reply.status, reply.json) == (202, {"accepted": True, "event": IDENTITY, "duplicate": True})
    assert len(listener.bus.events) == 1


async def test_another_body_under_the_same_delivery_changes_nothing(listener: Listener) -> None:
    await listener.post(PUSH, x_github_delivery=DELIVERY)
    reply = await listener.post(body_of("push_tag"), x_github_delivery=DELIVERY)

    assert (reply.status, reply.json["duplicate"]) == (202, True)
    assert listener.bus.events[IDENTITY].data["branch"] == "feature/ä"


async def test_a_ping_is_answered(listen: Any) -> None:
    listener = await listen(keys=key_ring("https://github.com/acme"))
    reply = await listener.post(body_of("ping_organization"), event="ping")

    assert (reply.status, reply.json["pong"]) == (202, True)


async def test_an_event_that_we_have_no_fields_for_is_recorded(listener: Listener) -> None:
    reply = await listener.post(body_of("issues"), event="issues")

    assert reply.status == 202
    assert listener.bus.events[reply.json["event"]].data["eventName"] == "Issues"


async def test_githubs_form_encoding_is_accepted(listener: Listener) -> None:
    body = urlencode({"payload": PUSH}).encode()
    reply = await listener.post(body, content_type="application/x-www-form-urlencoded")

    assert listener.bus.events[reply.json["event"]].data["branch"] == "feature/ä"


async def test_a_wrong_signature_is_401(listener: Listener) -> None:
    reply = await listener.post(PUSH, headers_for(PUSH, secret=b"wrong"))

    assert (reply.status, listener.bus.events) == (401, {})


async def test_a_body_changed_by_one_byte_is_401(listener: Listener) -> None:
    reply = await listener.post(PUSH.replace(b"ada", b"adb", 1), headers_for(PUSH))

    assert reply.status == 401


async def test_an_unknown_repository_is_answered_like_a_wrong_signature(listener: Listener, listen: Any) -> None:
    wrong = await listener.post(PUSH, headers_for(PUSH, secret=b"wrong"))
    knows_nobody = await listen(keys=KeyRing())
    unknown = await knows_nobody.post(PUSH)

    assert (unknown.status, unknown.headers, unknown.body) == (wrong.status, wrong.headers, wrong.body)


async def test_no_signature_is_401(listener: Listener) -> None:
    headers = headers_for(PUSH)
    del headers["x-hub-signature-256"]
    reply = await listener.post(PUSH, headers)

    assert (reply.status, "X-Hub-Signature-256" in reply.json["error"]) == (401, True)


@pytest.mark.parametrize(
    "body",
    [b"", b"ref=main", b'{"ref": "\xff\xfe"}', b"[" * 100_000 + b"]" * 100_000, b"[]", b'"text"'],
    ids=["empty", "text", "invalid UTF-8", "deep", "list", "string"],
)
async def test_what_is_no_json_object_is_400(listener: Listener, body: bytes) -> None:
    reply = await listener.post(body)

    assert (reply.status, listener.bus.events) == (400, {})
    assert reply.json["fix"]


async def test_a_megabyte_of_branch_name_is_400(listener: Listener) -> None:
    reply = await listener.post(body_of("push", ref="refs/heads/" + "x" * 1_048_576))

    assert (reply.status, "ref is" in reply.json["error"]) == (400, True)


async def test_a_push_without_ref_is_400(listener: Listener) -> None:
    reply = await listener.post(body_of("push", ref=None))

    assert (reply.status, reply.json["error"]) == (400, "ref is missing")


@pytest.mark.parametrize("name", ["x-github-event", "x-github-delivery"])
async def test_a_missing_header_is_400(listener: Listener, name: str) -> None:
    headers = headers_for(PUSH)
    del headers[name]
    reply = await listener.post(PUSH, headers)

    assert (reply.status, name in reply.json["error"]) == (400, True)


async def test_a_full_disk_is_503_with_retry_after(listener: Listener) -> None:
    listener.bus.fill_the_disk()
    reply = await listener.post(PUSH)

    assert (reply.status, reply.headers["retry-after"]) == (503, "5")


async def test_a_fault_of_ours_is_500_and_no_acknowledgement(listener: Listener) -> None:
    listener.bus.trouble = RuntimeError("a bug")
    reply = await listener.post(PUSH)

    assert (reply.status, "accepted" in reply.json) == (500, False)


async def test_a_runner_that_has_not_read_its_secrets_yet_is_503(listen: Any) -> None:
    listener = await listen(ready=lambda: False, keys=KeyRing())

    assert (await listener.post(PUSH)).status == 503


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_405_with_a_hint(listener: Listener, method: str) -> None:
    async with listener.connect() as connection:
        await connection.send(head({}, length=0, method=method))
        reply = await connection.reply()

    assert (reply.status, reply.headers["allow"], "payload URL" in reply.json["fix"]) == (405, "POST", True)


async def test_other_paths_are_404(listener: Listener) -> None:
    async with listener.connect() as connection:
        await connection.send(head(headers_for(PUSH), length=len(PUSH), path="/webhooks") + PUSH)
        reply = await connection.reply()

    assert (reply.status, reply.json["fix"]) == (404, "send webhooks to /webhook")


async def test_every_answer_is_counted_by_its_outcome(listener: Listener) -> None:
    await listener.post(PUSH, x_github_delivery=DELIVERY)
    await listener.post(PUSH, x_github_delivery=DELIVERY)
    await listener.post(b"")

    assert listener.answered == [(202, "accepted"), (202, "duplicate"), (400, "malformed")]


async def test_two_namespaces_with_one_secret_are_both_told_at_once(listen: Any) -> None:
    keys = key_ring(source=("team-a", "hello"))
    keys.put(("team-b", "hello"), read_source_url(REPOSITORY), [SECRET])
    listener = await listen(keys=keys)
    await listener.post(PUSH)

    assert [event.data["namespace"] for event in listener.bus.events.values()] == ["team-a", "team-b"]
