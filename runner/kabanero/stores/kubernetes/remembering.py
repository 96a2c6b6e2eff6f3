"""Resources as last heard of, so that a read-modify-write need not ask for what a watch has just told.

Filled by watches and by answers to our own requests, and trusted only while a watch on all of the kind is live. A copy
may be a moment old: only readers that said so get one, and a conflict makes the store forget it.

Watches and answers overtake one another, so where nothing is known of a resource, not everything heard of it is news:

- A watch tells of one that was forgotten: what it says may be from before, whatever its version. The server is asked.
- A watch tells of a version that the kind has left behind: it is a slow one, or one that lags behind our own writes.
- An answer comes to what was asked before the resource was forgotten, or before the watch: it may be gone already.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.stores.kubernetes.shaping import key_of, version_of


class Asked(NamedTuple):
    """Where the memory stood when a request was sent."""

    moment: int
    floor: int


@dataclass(slots=True)
class _Kind:
    """What is known of a kind. Versions are the server's; moments are counted by the memory."""

    watches: int = 0
    news: int = 0
    told: int = 0  # The highest version that a watch told.
    floor: int = 0  # The highest version that was known of any resource that isn't known now.
    since: int = 0  # The moment before which nothing must have been asked to be trusted.
    there: dict[Key, tuple[int, Resource]] | None = None
    listed: int = 0  # The version of the list that `there` began with.

    def take(self, key: Key, version: int, resource: Resource) -> None:
        """Brings the list up to date. What it left out although it is older was gone by then."""
        self.news += 1
        if self.there is not None and version > (self.there[key][0] if key in self.there else self.listed):
            self.there[key] = version, resource

    def lose(self) -> None:
        """Trusts no list, neither one that is known nor one that is on its way."""
        self.news += 1
        self.there = None


class Memory:
    """At most `limit` resources, those that were heard of last."""

    def __init__(self, limit: int) -> None:
        self._limit, self._moment = limit, 0
        self._kept: OrderedDict[Key, tuple[int, Resource]] = OrderedDict()
        self._forgotten: OrderedDict[Key, int] = OrderedDict()  # And in which moment.
        self._kinds: defaultdict[ResourceType, _Kind] = defaultdict(_Kind)

    # --- what watches tell ---

    def watch_began(self, type: ResourceType) -> None:
        """From now on every change of this kind is told."""
        kind = self._kinds[type]
        if not kind.watches:
            kind.since = self._next_moment()
        kind.watches += 1

    def watch_ended(self, type: ResourceType) -> None:
        """Without any watch nothing that is known of the kind can be trusted."""
        kind = self._kinds[type]
        kind.watches -= 1
        if not kind.watches:
            kind.lose()
            for key in [key for key in self._kept if key.type == type]:
                self._drop(key)

    def keep(self, key: Key, resource: Resource) -> None:
        """Takes in what a watch told, unless it is no news."""
        kind, version = self._kinds[key.type], _number(version_of(resource))
        if not kind.watches:
            kind.floor = max(kind.floor, version)
            return
        known = self._kept.get(key)
        if known is not None:
            is_news = version > known[0]
        else:
            is_news = version > kind.told and version > kind.floor and key not in self._forgotten
        kind.told = max(kind.told, version)
        kind.take(key, version, resource)
        if is_news:
            self._remember(key, version, resource)

    # --- what we are answered ---

    def asked(self, type: ResourceType) -> Asked:
        """To be called before a request is sent, for `answered`."""
        return Asked(self._moment, self._kinds[type].floor)

    def answered(self, key: Key, resource: Resource, asked: Asked) -> None:
        """Takes in the answer to a read or a write; nothing older is recalled from now on."""
        kind, version = self._kinds[key.type], _number(version_of(resource))
        known = self._kept.get(key)
        if not kind.watches or self._is_late(key, version, asked):
            kind.lose()
            kind.floor = max(kind.floor, version)
            if known is not None and known[0] < version:
                self._drop(key)
            return
        kind.take(key, version, resource)
        self._forgotten.pop(key, None)
        if known is None or version > known[0]:
            self._remember(key, version, resource)

    def _is_late(self, key: Key, version: int, asked: Asked) -> bool:
        """Whether the resource may have been forgotten since it was asked for, so that this may be what was before."""
        kind = self._kinds[key.type]
        forgotten = max(kind.since, self._forgotten.get(key, 0)) > asked.moment
        return forgotten or asked.floor < kind.floor >= version

    # --- one ---

    def recall(self, key: Key) -> Resource | None:
        """What is known of it; None means that the server must be asked."""
        known = self._kept.get(key)
        return None if known is None else known[1]

    def forget(self, key: Key) -> None:
        """It is gone, or what is known of it proved old. Only an answer of the server's makes it known again."""
        if key in self._kept:
            self._drop(key)
        self._kinds[key.type].lose()
        self._forgotten[key] = self._next_moment()
        self._forgotten.move_to_end(key)
        while len(self._forgotten) > self._limit:
            oldest, moment = self._forgotten.popitem(last=False)
            kind = self._kinds[oldest.type]
            kind.since = max(kind.since, moment)

    def _remember(self, key: Key, version: int, resource: Resource) -> None:
        self._kept[key] = version, resource
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        version, _ = self._kept.pop(key)
        kind = self._kinds[key.type]
        kind.floor = max(kind.floor, version)

    def _next_moment(self) -> int:
        self._moment += 1
        return self._moment

    # --- all of a kind ---

    def is_live(self, type: ResourceType) -> bool:
        """Whether all changes of a kind are told now."""
        return bool(self._kinds[type].watches)

    def recall_all(self, type: ResourceType) -> list[Resource] | None:
        """All of a kind, in the order of namespace and name; None means that the server must be asked."""
        there = self._kinds[type].there
        if there is None:
            return None
        return [there[key][1] for key in sorted(there, key=lambda each: (each.namespace, each.name))]

    def place(self, type: ResourceType) -> int:
        """Where the news of a kind stand, for `keep_all`."""
        return self._kinds[type].news

    def keep_all(self, type: ResourceType, resources: Sequence[Resource], version: str, place: int) -> None:
        """Takes in a list of a version, asked for at a `place`: not when there was news meanwhile, or it is long."""
        kind = self._kinds[type]
        if kind.watches and place == kind.news and len(resources) <= self._limit:
            kind.listed = _number(version)
            kind.there = {key_of(type, each): (_number(version_of(each)), each) for each in resources}


def _number(version: str) -> int:
    """A resourceVersion, which Kubernetes promises to be comparable as a number within one kind; 0 where it is none."""
    return int(version) if version.isdecimal() else 0
