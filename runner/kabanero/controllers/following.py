"""Following resources: what needs attention now, then every change, for ever.

Used by all controllers. With hundreds of thousands of resources in the store nobody can list all at a start, so a
follower names the few that may need attention by selectors and then watches from the version at which it began. Who
follows a kind in full is told what happened in a gap of the watch as well: what came, what changed and what went.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager

from kabanero.model.errors import ExpiredError, TemporaryError
from kabanero.model.resource import Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Selector
from kabanero.ports import Change, Clock, Store, WatchEvent

log = logging.getLogger(__name__)
Place = tuple[str, str]
"""Namespace and name."""
Identity = tuple[str, str]
"""uid and resourceVersion."""
UNKNOWN = ("", "")
RETRY_SECONDS = 1.0
PAGE = 500


class _Trouble:
    """Says each reason once until things go well again: an hour without a right is a line, not thousands."""

    def __init__(self, type: ResourceType) -> None:
        self._type, self._said = type, ""

    def say(self, error: TemporaryError) -> None:
        level = logging.DEBUG if str(error) == self._said else logging.WARNING
        log.log(level, "Can't follow %s now: %s", self._type.plural, error)
        self._said = str(error)

    def over(self) -> None:
        self._said = ""


class _Known:
    """Which resources a follower in full was told of, so that the next list can be held against it."""

    def __init__(self, type: ResourceType, from_before: Iterable[Place]) -> None:
        self._type = type
        self._there: dict[Place, Identity] = dict.fromkeys(from_before, UNKNOWN)
        self._unseen: dict[Place, Identity] = {}

    def relist(self) -> None:
        """A list begins; what it does not hold has gone."""
        self._unseen = self._there.copy()

    def listed(self, resource: Resource) -> Iterator[WatchEvent]:
        """What it means that a list holds this: nothing, for what is as it was."""
        place, now = _place(resource), _identity(resource)
        was = self._unseen.pop(place, None)
        if was == now:
            return
        if was and was[0] not in (UNKNOWN[0], now[0]):
            yield self._deleted(place, was)
        yield WatchEvent(Change.MODIFIED if was and was[0] == now[0] else Change.ADDED, resource)

    def gone(self) -> Iterator[WatchEvent]:
        """What was there before the list, and is not any more."""
        for place, was in self._unseen.items():
            yield self._deleted(place, was)

    def take(self, event: WatchEvent) -> None:
        """The follower is told of this now."""
        if event.change is Change.DELETED:
            self._there.pop(_place(event.resource), None)
        else:
            self._there[_place(event.resource)] = _identity(event.resource)

    def _deleted(self, place: Place, was: Identity) -> WatchEvent:
        about = {"apiVersion": self._type.api_version, "kind": self._type.kind}
        names = {"namespace": place[0]} if self._type.namespaced else {}
        metadata = {**names, "name": place[1], "uid": was[0], "resourceVersion": was[1]}
        return WatchEvent(Change.DELETED, {**about, "metadata": metadata})


async def follow(
    store: Store,
    clock: Clock,
    type: ResourceType,
    *,
    first: Sequence[Selector] = (EVERYTHING,),
    selector: Selector = EVERYTHING,
    known: Iterable[Place] = (),
) -> AsyncIterator[WatchEvent]:
    """Yields ADDED for what `first` selects, a BOOKMARK when that is done, then changes of what `selector` selects.

    After a gap in the watch it lists again, and a BOOKMARK follows. Where `first` is just `selector`, the difference is
    told: what came, what is another now, what has gone. A DELETED that was missed holds no more than names, uid and
    version. What the caller knows from before (`known`) and is not there any more, is DELETED as well. Elsewhere all
    that `first` selects is ADDED again. Outages are waited out. Raises PermanentError when the store refuses it.
    """
    trouble = _Trouble(type)
    told = _Known(type, known) if tuple(first) == (selector,) else None
    while True:
        try:
            since = (await store.list(type, limit=1)).resource_version
            async for event in _listed(store, type, first, told):
                yield event
            yield WatchEvent(Change.BOOKMARK, {"metadata": {"resourceVersion": since}})
            async for change in _changes(store, clock, type, selector, since, trouble):
                if told:
                    told.take(change)
                yield change
        except ExpiredError:
            log.info("The watch on %s fell too far behind; listing again", type.plural)
        except TemporaryError as error:
            trouble.say(error)
            await clock.sleep(RETRY_SECONDS)


async def _listed(
    store: Store, type: ResourceType, first: Sequence[Selector], told: _Known | None
) -> AsyncIterator[WatchEvent]:
    if told is None:
        for needed in first:
            async for resource in every(store, type, needed):
                yield WatchEvent(Change.ADDED, resource)
        return
    told.relist()
    async for resource in every(store, type, first[0]):
        for event in told.listed(resource):
            told.take(event)
            yield event
    for event in told.gone():
        told.take(event)
        yield event


@contextmanager
def unreadable(resource: Resource) -> Iterator[None]:
    """Logs what goes wrong with one resource: raised further, it would end again and again what all others need."""
    try:
        yield
    except Exception:
        metadata = resource["metadata"]
        place = f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")
        log.exception("%s %s can't be attended to", resource.get("kind", "Resource"), place)


async def every(
    store: Store, type: ResourceType, selector: Selector = EVERYTHING, namespace: str = ""
) -> AsyncIterator[Resource]:
    """All selected resources, page by page."""
    token = ""
    while True:
        page = await store.list(type, namespace=namespace, selector=selector, limit=PAGE, token=token)
        for resource in page.items:
            yield resource
        token = page.next_token
        if not token:
            return


async def _changes(
    store: Store, clock: Clock, type: ResourceType, selector: Selector, since: str, trouble: _Trouble
) -> AsyncIterator[WatchEvent]:
    while True:
        try:
            async for change in store.watch(type, selector=selector, since=since, bookmarks=True):
                since = change.resource["metadata"]["resourceVersion"]
                trouble.over()
                if change.change is not Change.BOOKMARK:
                    yield change
        except TemporaryError as error:
            trouble.say(error)
        await clock.sleep(RETRY_SECONDS)


def _place(resource: Resource) -> Place:
    return resource["metadata"].get("namespace", ""), resource["metadata"]["name"]


def _identity(resource: Resource) -> Identity:
    return resource["metadata"].get("uid", ""), resource["metadata"]["resourceVersion"]
