"""`POST /webhook`: a delivery is verified, made durable on the bus, and only then answered 202.

An ASGI application of its own, so that it can face the internet on its own address. Wired by `app`; the work on bytes
is in `sources.github`. Why it answers as it does: docs/decisions/0020-webhooks.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from kabanero.api import webhook_answers as answers
from kabanero.api.http import ClientGoneError, Receive, Scope, Send
from kabanero.api.webhook_answers import Answer
from kabanero.api.webhook_body import Body, Budget, NoRoomError, TooLargeError
from kabanero.controllers.lull import Lull
from kabanero.model.errors import TemporaryError
from kabanero.model.events import Event
from kabanero.ports import Bus, Clock
from kabanero.sources.github import DeliveryHeaders, make_events, read_delivery, read_headers
from kabanero.sources.github_keys import KeyRing
from kabanero.sources.github_refusal import RefusedError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """How webhooks are taken, and how many at once."""

    instance: str = "kabanero"
    """Name of the instance: first part of every topic path."""

    path: str = "/webhook"
    """Where webhooks are taken."""

    body_limit: int = 25 * 1024 * 1024
    """Largest body, in bytes. GitHub sends no larger ones. How long it may take is the connection's to limit."""

    in_flight: int = 1024
    """Webhooks under way at once; more are answered 503."""

    held_bytes: int = 256 * 1024 * 1024
    """Bytes of all bodies under way together; more are answered 503."""

    retry_after: int = 5
    """Seconds in `Retry-After` of a 503."""


def ignore_answer(status: int, outcome: str, seconds: float) -> None:
    """For callers that keep no metrics."""


@dataclass(slots=True)
class Webhook:
    """The ASGI application.

    `ready` says whether the key ring is complete: before that, nobody is refused for a secret that is not read yet.
    `answered` is told of each answer: its status, its outcome in one word, and how long it took in seconds.
    `lull` lets others know that answers are waited for.
    """

    keys: KeyRing
    bus: Bus
    clock: Clock
    limits: WebhookLimits = field(default_factory=WebhookLimits)
    ready: Callable[[], bool] = lambda: True
    answered: Callable[[int, str, float], None] = ignore_answer
    lull: Lull | None = None
    in_flight: int = field(default=0, init=False)
    _budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self._budget = Budget(self.limits.held_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; scopes other than `http` belong to the server around it."""
        if scope["type"] != "http":
            raise RuntimeError(f"the webhook can't serve {scope['type']}")
        started = time.perf_counter()
        body = Body(receive, self._budget)
        self.in_flight += 1
        try:
            answer = self._unwanted(scope) or await self._deliver(scope["headers"], body)
            await _send(answer, body, send)
            self.answered(answer.status, answer.outcome, time.perf_counter() - started)
        except ClientGoneError:
            self.answered(0, "gone", time.perf_counter() - started)
        finally:
            self.in_flight -= 1
            body.release()

    def _unwanted(self, scope: Scope) -> Answer | None:
        limits = self.limits
        if scope["path"] != limits.path:
            return answers.not_here(limits.path)
        if scope["method"] != "POST":
            return answers.not_post()
        if self.in_flight > limits.in_flight:
            return answers.busy(limits.retry_after)
        return None if self.ready() else answers.not_ready(limits.retry_after)

    async def _deliver(self, headers: Sequence[tuple[bytes, bytes]], body: Body) -> Answer:
        try:
            read = read_headers(headers)
            raw = await body.read(read.length, self.limits.body_limit)
            return await self._publish(self._events(read, raw))
        except RefusedError as error:
            return answers.refused(error)
        except TooLargeError:
            return answers.too_large(self.limits.body_limit)
        except NoRoomError:
            return answers.busy(self.limits.retry_after)

    def _events(self, headers: DeliveryHeaders, raw: bytes) -> list[Event]:
        delivery = read_delivery(headers, raw)
        grants = self.keys.verify(delivery.origin, raw, headers.signature)
        return make_events(delivery, grants, instance=self.limits.instance, now=self.clock.now())

    async def _publish(self, events: list[Event]) -> Answer:
        try:
            with self.lull.taking_in() if self.lull else nullcontext():
                return answers.accepted(events, await self.bus.publish(events))
        except TemporaryError as error:
            log.error("Webhook %s was not made durable: %s", events[0].identity, error)
            return answers.not_durable("the event can't be made durable now", self.limits.retry_after)
        except Exception:
            log.exception("Webhook %s failed", events[0].identity)
            return answers.failed()


async def _send(answer: Answer, body: Body, send: Send) -> None:
    close = not body.complete
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.all_headers(close=close)})
    if close:
        # Closing while the client still sends would reset the connection and lose the answer.
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await body.throw_away()
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": answer.body})
