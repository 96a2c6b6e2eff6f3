"""What the runner says of itself where people look on a cluster: core Events on its own Lease. Used by `app`."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.requests import Request
from kabanero.model.core_events import core_event
from kabanero.model.errors import KabaneroError
from kabanero.model.kinds.core import EVENT

log = logging.getLogger(__name__)


class Notices:
    """Written in the background: one that is lost is only a line less to read."""

    def __init__(self, client: Client, about: Mapping[str, str]) -> None:
        self._client, self._about = client, about
        self._tasks: set[asyncio.Task[None]] = set()

    def refused(self, namespace: str, reason: str) -> None:
        """A namespace is not served, or, without a reason, it is again."""
        if reason:
            self._say("Warning", "NamespaceRefused", f"namespace {namespace} is not served in full: {reason}")
        else:
            self._say("Normal", "NamespaceServed", f"namespace {namespace} is served")

    def _say(self, type: str, reason: str, message: str) -> None:
        task = asyncio.get_running_loop().create_task(self._write(type, reason, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, type: str, reason: str, message: str) -> None:
        body = core_event(self._about, uuid.uuid4().hex[:16], type, reason, message, datetime.now(UTC))
        try:
            await self._client.call(Request("create", EVENT, self._about["namespace"]), body)
        except KabaneroError as error:
            log.debug("An Event was not written: %s", error)
