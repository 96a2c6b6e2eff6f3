"""Making events durable: one object each, and further ones for a large payload. Called by `bus`.

An event counts once its own object is there, which is made last. A runner that dies in between leaves parts that
nothing refers to; `pruning` takes them away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from kabanero.buses.kubernetes.objects import name_in, name_of, objects_of, sequence_of, version_of
from kabanero.buses.kubernetes.requests import Objects
from kabanero.buses.kubernetes.settings import BusSettings
from kabanero.model.errors import AlreadyExistsError, KabaneroError, NotFoundError
from kabanero.model.events import Event
from kabanero.model.resource import Resource
from kabanero.ports import Published

log = logging.getLogger(__name__)
LARGE = 262_144


async def publish(
    objects: Objects, settings: BusSettings, events: Sequence[Event], not_before: datetime | None
) -> list[Published]:
    """One after the other, so that their places rise in the order in which they were given."""
    return [await _publish(objects, settings, event, not_before) for event in events]


async def _publish(objects: Objects, settings: BusSettings, event: Event, not_before: datetime | None) -> Published:
    made = await _made(event, not_before, settings)
    parts = [name_in(part) for part in made[:-1]]
    await asyncio.gather(*(objects.create(part) for part in made[:-1]))
    while True:
        try:
            return Published(version_of(await objects.create(made[-1])), duplicate=False)
        except AlreadyExistsError:
            known = await _known(objects, name_of(event))
        if known is not None:
            await _drop(objects, known, parts)
            return Published(sequence_of(known), duplicate=True)


async def _made(event: Event, not_before: datetime | None, settings: BusSettings) -> list[Resource]:
    if len(event.payload) < LARGE:
        return objects_of(event, not_before, settings)
    return await asyncio.to_thread(objects_of, event, not_before, settings)


async def _known(objects: Objects, name: str) -> Resource | None:
    """The event that was there before; None when it was handled and deleted meanwhile."""
    try:
        return await objects.get(name)
    except NotFoundError:
        return None


async def _drop(objects: Objects, known: Resource, parts: Sequence[str]) -> None:
    """Parts of a duplicate; unless the answer to our own first try was lost, and they are in use."""
    if list(parts) == known["spec"].get("parts", []):
        return
    try:
        await objects.discard(parts)
    except KabaneroError as error:
        log.debug("Parts of a duplicate stay until the next clean-up: %s", error)
