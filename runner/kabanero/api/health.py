"""`/livez`, `/readyz` and `/metrics`, for supervisors, load balancers and Prometheus.

The first two need no token: they tell nothing but whether the runner works. `/metrics` needs one unless it is opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from kabanero.api.access import Tokens
from kabanero.api.http import Receive, Replies, Request, Response, Scope, Send, error_response, text_response
from kabanero.api.metrics import CONTENT_TYPE, Registry
from kabanero.api.status import method_not_allowed, unauthorized

log = logging.getLogger(__name__)
CHECK_SECONDS = 5.0
Check = Callable[[], Awaitable[object]]
PATHS = ("/livez", "/readyz", "/healthz", "/metrics")


class Health:
    """Answers for the runner's health. `checks` raise when their part does not work.

    `notes` are lines about what does not work in full, though it is no reason to send nothing here.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        registry: Registry,
        tokens: Tokens,
        *,
        metrics_open: bool,
        notes: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._checks, self._notes = checks, notes
        self._registry = registry
        self._tokens = tokens
        self._metrics_open = metrics_open
        self._replies = Replies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._replies.send(await self.answer(Request(scope, receive)), receive, send)

    async def answer(self, request: Request) -> Response:
        """The answer to one request."""
        if request.method not in ("GET", "HEAD"):
            return error_response(method_not_allowed(request.method))
        if request.path.startswith("/metrics"):
            return await self._metrics(request)
        if request.path.startswith("/livez"):
            return text_response("ok")
        return await self._ready()

    async def _metrics(self, request: Request) -> Response:
        if not self._metrics_open and self._tokens.user(request.header(b"authorization")) is None:
            return error_response(unauthorized())
        return text_response(await self._registry.text(), content_type=CONTENT_TYPE)

    async def _ready(self) -> Response:
        found = await asyncio.gather(*(self._works(name, check) for name, check in self._checks.items()))
        lines = [f"[{'+' if works else '-'}]{name} {'ok' if works else 'failed'}" for name, works in found]
        if all(works for _, works in found):
            return text_response("\n".join(["ok", *(f"[!]{note}" for note in self._notes())]))
        return text_response("\n".join([*lines, "readyz check failed", ""]), 503)

    async def _works(self, name: str, check: Check) -> tuple[str, bool]:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await check()
        except Exception as error:
            log.warning("Not ready: %s: %s", name, error)
            return name, False
        return name, True
