"""Waiting for objects instead of processes: one watch per kind notices the end of all that are waited for.

Used by `awaiting`. Foreign kinds are watched by the label that our PipelineRuns carry, so that other people's cost
nothing, and that watch stays for the next. It tells of an object before anybody waits for it, as a rule, so that nobody
has to ask. While an object without the label is waited for, all of its kind are watched. Where a watch is refused,
objects are looked at from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kabanero.controllers.following import RETRY_SECONDS, follow, unreadable
from kabanero.controllers.object_end import ObjectEnd, end_of
from kabanero.controllers.stopping import LABEL_ATTEMPT, LABEL_UID
from kabanero.model.errors import NotFoundError, PermanentError, TemporaryError
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import GROUP, Key, Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Requirement, Selector
from kabanero.ports import Change, Clock, Store

log = logging.getLogger(__name__)
LABEL_STAGE_RUN = "kabanero.io/stage-run"
OURS = Selector(labels=(Requirement(LABEL_STAGE_RUN, "exists"),))
LOOK_SECONDS = 5.0
UNCLAIMED = 500
"""Objects that nobody waits for yet, kept as last heard of; a playbook names its own a moment after it made it."""
News = Callable[[Resource], None]
Attempt = tuple[str, int]
"""uid of a StageRun and number of the attempt: what an object is labelled with that was made for it."""


def ignore_news(_: Resource) -> None:
    """For who wants nothing but the end."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """`told`: its object was heard of. `uid`: which one it is of all that ever had the name; empty: not known yet."""

    future: asyncio.Future[ObjectEnd]
    news: News
    made_for: Attempt | None = None
    told: bool = False
    uid: str = ""

    def may_believe(self, resource: Resource) -> bool:
        """Whether what was heard before anybody waited is of our object: an earlier one may have had its name."""
        labels = resource["metadata"].get("labels") or {}
        wanted = self.made_for and (self.made_for[0], str(self.made_for[1]))
        return wanted is None or wanted == (labels.get(LABEL_UID), labels.get(LABEL_ATTEMPT))

    def means(self, resource: Resource) -> bool:
        """Whether news is of our object: a watch that is late tells of an earlier one of the name."""
        return self.uid in ("", resource["metadata"].get("uid"))

    def settle(self, end: ObjectEnd) -> None:
        if not self.future.done():
            self.future.set_result(end)


@dataclass(slots=True)
class _Watch:
    """`wide`: also objects without our label. `stands`: it has told of what was there, or can't."""

    wide: bool
    task: asyncio.Task[None] | None = None
    stands: asyncio.Event = field(default_factory=asyncio.Event)
    unclaimed: OrderedDict[Key, Resource] = field(default_factory=OrderedDict)

    def keep(self, key: Key, resource: Resource, *, gone: bool) -> None:
        self.unclaimed.pop(key, None)
        if not gone:
            self.unclaimed[key] = resource
        while len(self.unclaimed) > UNCLAIMED:
            self.unclaimed.popitem(last=False)


class ObjectWatch:
    """Hands each waiter the news and the end of its object."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._waiters: dict[Key, list[_Waiter]] = {}
        self._watches: dict[ResourceType, _Watch] = {}

    async def key_of(self, namespace: str, waiting_for: Mapping[str, Any]) -> Key | None:
        """The object that a playbook named; None for a kind that the store doesn't hold. Outages are waited out."""
        api_version, kind = str(waiting_for.get("apiVersion", "")), str(waiting_for.get("kind", ""))
        while True:
            try:
                type = await self._store.find_type(api_version, kind)
                break
            except TemporaryError as error:
                log.warning("Can't look up %s %s yet: %s", api_version, kind, error)
                await self._clock.sleep(RETRY_SECONDS)
        if type is None:
            return None
        place = str(waiting_for.get("namespace") or namespace) if type.namespaced else ""
        return Key(type, place, str(waiting_for.get("name", "")))

    async def ended(
        self,
        namespace: str,
        waiting_for: Mapping[str, Any],
        news: News = ignore_news,
        *,
        made_for: Attempt | None = None,
    ) -> ObjectEnd:
        """Returns when the object has ended, at once if it already has, or with Errored when it can't be watched.

        What is known of the name already is believed of an object that was `made_for` the attempt, and else looked up.
        """
        key = await self.key_of(namespace, waiting_for)
        if key is None:
            return ObjectEnd(StagePhase.ERRORED, "NotWatchable", _not_watchable(waiting_for))
        waiter = _Waiter(asyncio.get_running_loop().create_future(), news, made_for)
        self._waiters.setdefault(key, []).append(waiter)
        self._watch(key.type, wide=False)
        try:
            return await self._first_look(key, waiter) or await waiter.future
        finally:
            self._leave(key, waiter)

    async def _first_look(self, key: Key, waiter: _Waiter) -> ObjectEnd | None:
        """Its end, if it has ended; None when the watch tells of it, or has told."""
        watch = self._watches[key.type]
        if not watch.wide:
            await watch.stands.wait()
            known = watch.unclaimed.pop(key, None)
            if known and waiter.may_believe(known):
                self._hear(key.type, known)
            if waiter.told:
                return None
        return await self._looked_up(key, waiter)

    async def _looked_up(self, key: Key, waiter: _Waiter) -> ObjectEnd | None:
        while True:
            try:
                there = await self._store.get(key)
                break
            except NotFoundError:
                return ObjectEnd(StagePhase.ERRORED, "ObjectGone", f"{key}, which was waited for, is not there")
            except PermanentError as error:
                return ObjectEnd(StagePhase.ERRORED, "NotWatchable", f"{key} can't be watched: {error}")
            except TemporaryError as error:
                log.warning("Can't look at %s yet: %s", key, error)
                await self._clock.sleep(RETRY_SECONDS)
        self._watch(key.type, wide=not OURS.matches(there))
        waiter.uid = there["metadata"]["uid"]
        waiter.news(there)
        return end_of(there)

    async def close(self) -> None:
        """Ends all watches."""
        tasks = [watch.task for watch in self._watches.values() if watch.task]
        self._watches.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- watches ---

    def _watch(self, type: ResourceType, *, wide: bool) -> None:
        wide = wide or type.group == GROUP
        there = self._watches.get(type)
        if there and (there.wide or not wide):
            return
        if there:
            self._end(there)
        made = self._watches[type] = _Watch(wide)
        made.task = asyncio.get_running_loop().create_task(self._follow(type, made))

    def _end(self, watch: _Watch) -> None:
        """Whoever waits for it looks for himself."""
        watch.stands.set()
        if watch.task:
            watch.task.cancel()

    def _leave(self, key: Key, waiter: _Waiter) -> None:
        self._waiters[key].remove(waiter)
        if not self._waiters[key]:
            del self._waiters[key]
        watch = self._watches.get(key.type)
        if watch and watch.wide and not self._waits_for(key.type):
            self._end(self._watches.pop(key.type))

    def _waits_for(self, type: ResourceType) -> bool:
        return any(each.type == type for each in self._waiters)

    async def _follow(self, type: ResourceType, watch: _Watch) -> None:
        while True:
            try:
                await self._changes(type, watch)
            except PermanentError as error:
                watch.stands.set()
                if not self._waits_for(type):
                    del self._watches[type]
                    return
                log.warning("%s can't be watched, only looked at every %g s: %s", type.plural, LOOK_SECONDS, error)
            except Exception:
                watch.stands.set()
                log.exception("The watch on %s broke; it is begun again in %g s", type.plural, LOOK_SECONDS)
            await self._clock.sleep(LOOK_SECONDS)
            await self._look(type)

    async def _changes(self, type: ResourceType, watch: _Watch) -> None:
        """What ended before the watch began is found too: in the list of ours, or, where that is long, one by one."""
        first, selector = ((), EVERYTHING) if watch.wide else ((OURS,), OURS)
        async for change in follow(self._store, self._clock, type, first=first, selector=selector):
            if change.change is Change.BOOKMARK:
                if watch.stands.is_set():
                    watch.unclaimed.clear()  # There was a gap, and what was deleted in it is not told.
                watch.stands.set()
                await self._look(type, untold=not watch.wide)
            else:
                with unreadable(change.resource):
                    self._take(type, watch, change.resource, gone=change.change is Change.DELETED)

    def _take(self, type: ResourceType, watch: _Watch, resource: Resource, *, gone: bool) -> None:
        if not self._hear(type, resource, gone=gone) and not watch.wide:
            watch.keep(_key_of(type, resource), resource, gone=gone)

    async def _look(self, type: ResourceType, *, untold: bool = False) -> None:
        """`untold`: only at what the watch has not told of, and so would not tell that it went."""
        for key, waiters in [each for each in self._waiters.items() if each[0].type == type]:
            if untold and all(waiter.told or not waiter.uid for waiter in waiters):
                continue
            try:
                self._see(type, await self._store.get(key))
            except NotFoundError:
                self._settle(key, _deleted(key))
            except (PermanentError, TemporaryError) as error:
                log.warning("Can't look at %s: %s", key, error)
            except Exception:
                log.exception("%s can't be attended to", key)

    def _see(self, type: ResourceType, there: Resource) -> None:
        """What is there now; where it is another than the one that was waited for, that one has gone."""
        key = _key_of(type, there)
        for waiter in self._waiters.get(key, ()):
            if not waiter.means(there):
                waiter.settle(_deleted(key))
        self._hear(type, there)

    def _hear(self, type: ResourceType, resource: Resource, *, gone: bool = False) -> bool:
        """Whether somebody waits for it."""
        key = _key_of(type, resource)
        waiters = [each for each in self._waiters.get(key, ()) if each.means(resource)]
        for waiter in waiters:
            waiter.told, waiter.uid = True, resource["metadata"].get("uid", "")
        end = end_of(resource) or (_deleted(key) if gone else None)
        for waiter in waiters:
            if end:
                waiter.settle(end)
            else:
                waiter.news(resource)
        return bool(waiters)

    def _settle(self, key: Key, end: ObjectEnd) -> None:
        for waiter in self._waiters.get(key, ()):
            waiter.settle(end)


def _key_of(type: ResourceType, resource: Resource) -> Key:
    return Key(type, resource["metadata"].get("namespace", ""), resource["metadata"]["name"])


def _deleted(key: Key) -> ObjectEnd:
    return ObjectEnd(StagePhase.CANCELLED, "ObjectDeleted", f"{key} was deleted")


def _not_watchable(waiting_for: Mapping[str, Any]) -> str:
    named = f"{waiting_for.get('apiVersion')} {waiting_for.get('kind')}"
    return (
        f"the playbook waits for {named}, a kind that is not where this runner keeps its resources; check apiVersion "
        "and kind, or run it with kabanero serve --store kubernetes on the cluster that has it"
    )
