"""One watch: finds out what changed since the last time, then hears every change, and has events made of them.

A mark is moved only after what it covers is on the bus. Made by `kubernetes`, one for each `Scope`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kabanero.model.errors import ExpiredError, ForbiddenError, KabaneroError
from kabanero.model.kinds.core import CONFIG_MAP
from kabanero.model.kubernetes_events import CREATE, DELETE, MODIFY
from kabanero.model.resource import Resource
from kabanero.ports import Change, Clock, Page, Store, WatchEvent
from kabanero.sources.kubernetes_changes import Changed, Known, differences
from kabanero.sources.kubernetes_marks import Marks, is_mark
from kabanero.sources.kubernetes_objects import Budget, Remembered, Seen, seen
from kabanero.sources.kubernetes_refusals import RETRY_SECONDS, UNAVAILABLE, Refusal, pause_after, refusal_of
from kabanero.sources.kubernetes_wants import Scope

log = logging.getLogger(__name__)
SAVE_SECONDS = 10.0
"""Time between two writes of a mark while objects change."""
REFRESH = timedelta(seconds=60)
"""Age at which a mark is moved though no object changed, so that the API server still remembers what it stands for."""
AT_ONCE = 50
"""Objects that are taken in before others get their turn."""

Told = Callable[[Sequence[Changed]], Awaitable[None]]
Begun = Callable[[Scope, Sequence[Seen]], None]
Refused = Callable[[Scope, Refusal | None], None]


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears of what a watch finds: `told` returns when all is on the bus, `begun` gets the objects at the start."""

    told: Told
    begun: Begun
    refused: Refused
    worth: Callable[[str, str], bool]
    """Whether anybody wants to hear of an object of this namespace and name; of others no state is remembered."""


class ScopeWatch:
    """Watches for as long as `run` runs. `settled` is set once the objects are known, or refused.

    `begin_at` is the version of a watch on the same scope that this one takes the place of.
    """

    def __init__(
        self,
        scope: Scope,
        store: Store,
        clock: Clock,
        marks: Marks,
        hearing: Hearing,
        budget: Budget,
        begin_at: str = "",
    ) -> None:
        self.scope, self.settled, self._begin_at = scope, asyncio.Event(), begin_at
        self._store, self._clock, self._marks, self._hearing = store, clock, marks, hearing
        self._there = Remembered(budget)
        self._version = self._saved = ""
        self._changed = self._watch_refused = False
        self._saved_at = clock.now()

    @property
    def version(self) -> str:
        """Up to which everything was told; empty before it has begun."""
        return self._version

    async def run(self) -> None:
        """Until cancelled."""
        saving = asyncio.create_task(self._keep_saving())
        try:
            while True:
                await self._clock.sleep(await self._try())
        finally:
            saving.cancel()
            self._there.clear()

    async def _try(self) -> float:
        """Watches until something is in the way; returns the seconds until it is worth another try."""
        try:
            await self._follow()
        except ExpiredError:
            log.info("The watch on %s fell too far behind; comparing with what was known", self.scope)
            return await self._compare()
        except KabaneroError as error:
            return self._refuse(error)
        except Exception:
            log.exception("The watch on %s broke; it begins again from its mark", self.scope)
            self._there.clear()
            self._version = ""
        return RETRY_SECONDS

    async def _compare(self) -> float:
        try:
            await self._catch_up(Known(dict(self._there.objects)))
        except KabaneroError as error:
            return self._refuse(error)
        return 0.0

    def _refuse(self, error: KabaneroError) -> float:
        refusal = refusal_of(error)
        log.warning("Can't watch %s: %s", self.scope, error)
        if refusal.reason != UNAVAILABLE:
            self._watch_refused = isinstance(error, ForbiddenError) and error.verb == "watch"
            self.settled.set()
            self._hearing.refused(self.scope, refusal)
        return pause_after(error)

    async def _follow(self) -> None:
        if not self._version:
            await self._begin()
        self.settled.set()
        if not self._watch_refused:
            self._hearing.refused(self.scope, None)
        type, namespace = self.scope.type, self.scope.namespace
        async for event in self._store.watch(type, namespace=namespace, since=self._version, bookmarks=True):
            if self._watch_refused:
                self._watch_refused = False
                self._hearing.refused(self.scope, None)
            await self._hear(event)

    # --- beginning ---

    async def _begin(self) -> None:
        """Goes on where it is told to, else from the mark; without one, what is there now is no news."""
        if await self._began_at():
            return
        mark = await self._marks.load(self.scope)
        if mark is None:
            page = await self._list()
            await self._take_in(page)
            await self._save()
            return
        version, known = mark
        try:
            await self._take_in(await self._list(at=version))
        except ExpiredError:
            log.info("What happened to %s meanwhile is forgotten; comparing with what was known", self.scope)
            await self._catch_up(known)

    async def _began_at(self) -> bool:
        version, self._begin_at = self._begin_at, ""
        try:
            if version:
                await self._take_in(await self._list(at=version))
        except ExpiredError:
            log.debug("The mark of %s is newer", self.scope)
        return bool(self._version)

    async def _list(self, at: str = "") -> Page:
        page = await self._store.list(self.scope.type, namespace=self.scope.namespace, at=at)
        ours = self.scope.type == CONFIG_MAP
        return Page([each for each in page.items if not (ours and is_mark(each))], page.resource_version)

    async def _take_in(self, page: Page) -> None:
        states = await self._states(page)
        self._there.clear()
        for state in states:
            self._there.put(state)
        self._version = page.resource_version
        self._hearing.begun(self.scope, states)

    async def _catch_up(self, known: Known) -> None:
        """Tells of what changed between what is known and now. Of changes in between only their sum can be seen."""
        page = await self._list()
        states = await self._states(page)
        created = [str(each["metadata"].get("creationTimestamp", "")) for each in page.items]
        found = differences(self.scope.type, known, list(zip(states, created, strict=True)))
        changing = {each.now.uid for each in found}
        self._hearing.begun(self.scope, [state for state in states if state.uid not in changing])
        await self._hearing.told(found)
        self._there.clear()
        for state in states:
            self._there.put(state)
        self._version, self._changed = page.resource_version, True

    async def _states(self, page: Page) -> list[Seen]:
        states: list[Seen] = []
        for resource in page.items:
            states.append(self._seen(resource))
            if len(states) % AT_ONCE == 0:
                await asyncio.sleep(0)
        return states

    def _seen(self, resource: Resource) -> Seen:
        metadata = resource["metadata"]
        worth = self._hearing.worth(metadata.get("namespace", ""), metadata["name"])
        return seen(self.scope.type, resource, with_body=worth)

    # --- changes ---

    async def _hear(self, event: WatchEvent) -> None:
        resource = event.resource
        if event.change is Change.BOOKMARK:
            self._version = resource["metadata"]["resourceVersion"]
            return
        if self.scope.type == CONFIG_MAP and is_mark(resource):
            return
        changed = self._change(event.change, resource)
        await self._hearing.told([changed])
        if changed.event_type == DELETE:
            self._there.drop(changed.now.uid)
        else:
            self._there.put(changed.now)
        self._version, self._changed = changed.now.version, True

    def _change(self, change: Change, resource: Resource) -> Changed:
        now = self._seen(resource)
        before = self._there.objects.get(now.uid)
        if change is Change.DELETED:
            return Changed(DELETE, self.scope.type, now, before)
        is_new = change is Change.ADDED and before is None
        return Changed(CREATE if is_new else MODIFY, self.scope.type, now, before)

    # --- the mark ---

    async def _keep_saving(self) -> None:
        while True:
            await self._clock.sleep(SAVE_SECONDS)
            old = self._clock.now() - self._saved_at >= REFRESH
            if self._version and self._version != self._saved and (self._changed or old):
                await self._save()

    async def _save(self) -> None:
        version, self._changed = self._version, False
        await self._marks.save(self.scope, version, list(self._there.objects.values()))
        self._saved, self._saved_at = version, self._clock.now()
