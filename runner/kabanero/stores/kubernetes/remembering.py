"""Resources as last heard of, so that a read-modify-write need not ask for what a watch has just told.

Filled by watches and by answers to our own writes, and trusted only while a watch on all of the kind is live. A copy
may be a moment old: only readers that said so get one, and a conflict makes the store forget it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence

from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.stores.kubernetes.shaping import key_of, version_of


class Memory:
    """At most `limit` resources, those that were heard of last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Key, Resource] = OrderedDict()
        self._watches: Counter[ResourceType] = Counter()
        self._all: dict[ResourceType, dict[Key, Resource]] = {}
        self._news: Counter[ResourceType] = Counter()
        self._losses: Counter[ResourceType] = Counter()

    def watch_began(self, type: ResourceType) -> None:
        """From now on every change of this kind is told."""
        self._watches[type] += 1

    def watch_ended(self, type: ResourceType) -> None:
        """Without any watch nothing that is known of the kind can be trusted."""
        self._watches[type] -= 1
        if not self._watches[type]:
            self._lose(type)
            for key in [key for key in self._kept if key.type == type]:
                del self._kept[key]

    def keep(self, key: Key, resource: Resource) -> None:
        """Takes in what was heard, unless something newer is known."""
        if not self._watches[key.type]:
            return
        self._news[key.type] += 1
        known = self._kept.get(key)
        if known is None or not _is_newer(known, resource):
            self._kept[key] = resource
            self._kept.move_to_end(key)
        if (there := self._all.get(key.type)) is not None and not (key in there and _is_newer(there[key], resource)):
            there[key] = resource
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def recall(self, key: Key) -> Resource | None:
        """What is known of it; None means that the server must be asked."""
        return self._kept.get(key)

    def forget(self, key: Key) -> None:
        """It is gone, or what is known of it proved old."""
        self._kept.pop(key, None)
        self._lose(key.type)

    # --- all of a kind ---

    def is_live(self, type: ResourceType) -> bool:
        """Whether all changes of a kind are told now."""
        return bool(self._watches[type])

    def recall_all(self, type: ResourceType) -> list[Resource] | None:
        """All of a kind, in the order of namespace and name; None means that the server must be asked."""
        there = self._all.get(type)
        if there is None:
            return None
        return [there[key] for key in sorted(there, key=lambda each: (each.namespace, each.name))]

    def place(self, type: ResourceType) -> int:
        """Where the news of a kind stand, for `keep_all`."""
        return self._news[type]

    def keep_all(self, type: ResourceType, resources: Sequence[Resource], place: int) -> None:
        """Takes in a list that was asked for at a `place`; nothing when there was news meanwhile, or it is long."""
        if self._watches[type] and place == self._news[type] and len(resources) <= self._limit:
            self._all[type] = {key_of(type, each): each for each in resources}

    def losses(self, type: ResourceType) -> int:
        """How often something of the kind was forgotten so far."""
        return self._losses[type]

    def _lose(self, type: ResourceType) -> None:
        self._news[type] += 1
        self._losses[type] += 1
        self._all.pop(type, None)


def _is_newer(one: Resource, other: Resource) -> bool:
    """By resourceVersion, which Kubernetes promises to be comparable as a number within one kind."""
    try:
        return int(version_of(one)) > int(version_of(other))
    except ValueError:
        return False
