"""The strategy_event controller: sends the event that a StrategyEvent asks for, once, and says so in its status.

With a contextID the event also goes into that run, where stages may wait for it.
"""

from __future__ import annotations

import logging
from datetime import datetime

import orjson

from kabanero.controllers.control import control_event
from kabanero.controllers.following import follow
from kabanero.engine.inputs import EventArrived
from kabanero.model.errors import ConflictError, NotFoundError, TemporaryError
from kabanero.model.events import Event
from kabanero.model.kinds.registry import STRATEGY_EVENT, STRATEGY_RUN
from kabanero.model.resource import Resource
from kabanero.model.selectors import Requirement, Selector, parse_selector
from kabanero.model.times import rfc3339
from kabanero.ports import Bus, Change, Clock, Store

log = logging.getLogger(__name__)
UNSENT = parse_selector(fields="status.emitted=")


class StrategyEventController:
    """Owns StrategyEvent.status."""

    def __init__(self, store: Store, bus: Bus, clock: Clock, instance: str) -> None:
        self._store, self._bus, self._clock, self._instance = store, bus, clock, instance

    async def run(self) -> None:
        """Until cancelled."""
        async for change in follow(self._store, self._clock, STRATEGY_EVENT.type, first=(UNSENT,)):
            if change.change in (Change.ADDED, Change.MODIFIED):
                await self._attend(change.resource)

    async def _attend(self, resource: Resource) -> None:
        if (resource.get("status") or {}).get("emitted"):
            return
        while True:
            try:
                await self._send(resource)
                return
            except (ConflictError, NotFoundError):
                return
            except TemporaryError as error:
                log.warning("StrategyEvent %s can't be sent yet: %s", resource["metadata"]["name"], error)
                await self._clock.sleep(1)

    async def _send(self, resource: Resource) -> None:
        event = event_of(resource, self._instance)
        runs = await self._runs(resource)
        await self._bus.publish([event, *(self._into(run, event) for run in runs)])
        status = {"emitted": True, "event": event.identity, "emissionTime": rfc3339(event.time)}
        await self._store.update({**resource, "status": status}, status=True)

    async def _runs(self, resource: Resource) -> list[Resource]:
        context = resource["spec"].get("contextID")
        if not context:
            return []
        selector = Selector(fields=(Requirement("status.contextID", "=", (context,)),))
        page = await self._store.list(STRATEGY_RUN.type, namespace=resource["metadata"]["namespace"], selector=selector)
        return page.items

    def _into(self, run: Resource, event: Event) -> Event:
        metadata = run["metadata"]
        attributes = {key: _text(value) for key, value in event.data.items() if not isinstance(value, dict | list)}
        what = EventArrived(event.identity, attributes, event.time.isoformat(), event.identity)
        return control_event(
            self._instance,
            metadata["namespace"],
            metadata["name"],
            event.context,
            event.id,
            what,
            event.time,
            uid=metadata["uid"],
        )


def event_of(resource: Resource, instance: str) -> Event:
    """The event that a StrategyEvent describes; its identity comes from the resource's uid."""
    metadata, spec = resource["metadata"], resource["spec"]
    topic = spec.get("topic", "KabaneroClient")
    data = {**spec["data"], "namespace": metadata["namespace"]}
    if spec.get("contextID"):
        data["contextID"] = spec["contextID"]
    return Event(
        id=metadata["uid"],
        source=f"/{instance}/strategyevents/{metadata['namespace']}/{metadata['name']}",
        type="io.kabanero.strategyevent",
        topic=topic,
        path=spec.get("path") or f"/{instance}/{topic}/{metadata['namespace']}",
        time=datetime.fromisoformat(metadata["creationTimestamp"]),
        payload=orjson.dumps(data),
        context=spec.get("contextID", ""),
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
