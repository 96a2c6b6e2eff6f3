"""Keeps the filter of Kubernetes events in step with its ConfigMap.

A filter that can't be read is reported, as a core Event on the ConfigMap and in the log, and the last good one stays:
it is kept in a ConfigMap of its own, so that it stays over a restart too. Started by `kubernetes`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from kabanero.model.core_events import core_event, reference_to
from kabanero.model.errors import ExpiredError, InvalidError, KabaneroError, TemporaryError
from kabanero.model.kinds.core import CONFIG_MAP
from kabanero.model.resource import Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import Change, Clock, Store
from kabanero.sources.kubernetes_filter import DEFAULT, FILTER_NAMES, EventFilter, read_filter
from kabanero.sources.kubernetes_marks import Marks
from kabanero.sources.kubernetes_refusals import RETRY_SECONDS, Refusal, pause_after, refusal_of

log = logging.getLogger(__name__)
LAST_GOOD = "kabanero-event-filter"


class FilterWatch:
    """`current` is the filter in force; nothing may be told before `ready` is set.

    `refusal` is why it can't be read yet, so that nothing is told; `changed` is called when one of the two changes.
    """

    def __init__(self, store: Store, clock: Clock, namespace: str, marks: Marks) -> None:
        self._store, self._clock, self._namespace, self._marks = store, clock, namespace, marks
        self._there: dict[str, Resource] = {}
        self._listed: set[str] = set()
        self._last_told = ""
        self.current: EventFilter = DEFAULT
        self.refusal: Refusal | None = None
        self.changed: Callable[[], None] = lambda: None
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in FILTER_NAMES:
                group.create_task(self._follow(name))

    async def _follow(self, name: str) -> None:
        while True:
            pause = RETRY_SECONDS
            try:
                await self._changes(name)
            except ExpiredError:
                log.debug("The filter is read again")
            except TemporaryError as error:
                log.warning("ConfigMap %s can't be followed: %s", name, error)
                if name not in self._listed:
                    self._refuse(refusal_of(error))
                pause = pause_after(error)
            await self._clock.sleep(pause)

    async def _changes(self, name: str) -> None:
        selector = Selector(fields=(Requirement("metadata.name", "=", (name,)),))
        page = await self._store.list(CONFIG_MAP, namespace=self._namespace, selector=selector)
        await self._hear(name, page.items[0] if page.items else None)
        since = page.resource_version
        async for change in self._store.watch(
            CONFIG_MAP, namespace=self._namespace, selector=selector, since=since, bookmarks=True
        ):
            if change.change is not Change.BOOKMARK:
                await self._hear(name, None if change.change is Change.DELETED else change.resource)

    async def _hear(self, name: str, config_map: Resource | None) -> None:
        self._listed.add(name)
        if config_map is None:
            self._there.pop(name, None)
        else:
            self._there[name] = config_map
        if len(self._listed) == len(FILTER_NAMES):
            await self._decide()
            self.refusal = None
            self.ready.set()
            self.changed()

    def _refuse(self, refusal: Refusal | None) -> None:
        if refusal != self.refusal:
            self.refusal = refusal
            self.changed()

    async def _decide(self) -> None:
        there = [self._there[name] for name in FILTER_NAMES if name in self._there]
        if len(there) > 1:
            log.warning("ConfigMap %s counts, %s does not", *(each["metadata"]["name"] for each in there))
        if not there:
            self.current = DEFAULT
            return
        try:
            self.current = read_filter(there[0])
        except InvalidError as error:
            if not self.ready.is_set():
                self.current = await self._last_good()
            await self._tell(there[0], error)
        else:
            await self._marks.write(LAST_GOOD, self.current.as_data(), "filter")

    async def _last_good(self) -> EventFilter:
        """What was in force before the start; the default where there never was another."""
        data = await self._marks.read(LAST_GOOD)
        return DEFAULT if data is None else read_filter({"metadata": {"name": LAST_GOOD}, "data": data})

    async def _tell(self, config_map: Resource, error: InvalidError) -> None:
        message = f"{error}; the filter that held before stays in force"
        if message == self._last_told:
            return
        self._last_told = message
        log.error("%s", message)
        try:
            await self._store.create(_event(config_map, message, self._clock.now()))
        except KabaneroError as trouble:
            log.info("No Event could be written about ConfigMap %s: %s", config_map["metadata"]["name"], trouble)


def _event(config_map: Resource, message: str, now: datetime) -> Resource:
    about = reference_to({**config_map, "apiVersion": "v1", "kind": "ConfigMap"}, "resourceVersion")
    unique = hashlib.sha256(f"{about.get('resourceVersion')}{message}".encode()).hexdigest()[:16]
    return core_event(about, unique, "Warning", "FilterUnreadable", message, now)
