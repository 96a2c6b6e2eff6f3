"""The event of an object when it is delivered: from memory, or from the API server. Used by `consuming`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from kabanero.buses.kubernetes.backlog import Backlog
from kabanero.buses.kubernetes.objects import event_of
from kabanero.buses.kubernetes.requests import Objects
from kabanero.model.errors import NotFoundError, TemporaryError
from kabanero.model.events import Event
from kabanero.ports import Clock

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
LARGE = 262_144


class Loading:
    """Outages are waited out."""

    def __init__(self, objects: Objects, backlog: Backlog, clock: Clock) -> None:
        self._objects, self._backlog, self._clock = objects, backlog, clock

    async def event(self, name: str) -> Event:
        """Raises NotFoundError for one that is gone, ValueError for one that can't be read."""
        spec = self._backlog.spec(name)
        while True:
            try:
                spec = spec or (await self._objects.get(name))["spec"]
                packed = await self._packed(name, spec)
                break
            except TemporaryError as error:
                log.warning("Event %s can't be read yet: %s", name, error)
                await self._clock.sleep(RETRY_SECONDS)
        if len(packed) < LARGE:
            return event_of(spec, packed)
        return await asyncio.to_thread(event_of, spec, packed)

    async def _packed(self, name: str, spec: Mapping[str, Any]) -> str:
        """Raises NotFoundError when the event is gone with its parts, ValueError when only a part is."""
        try:
            return await self._objects.packed(spec)
        except NotFoundError as error:
            await self._objects.get(name)
            raise ValueError(f"a part of it is missing: {error}") from error
