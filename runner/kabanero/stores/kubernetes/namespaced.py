"""The store of a runner that serves some namespaces only: what asks for all asks for each of them.

A namespace that may not be read holds none of the others up. It is named in `refused`, and tried again. Wired by `app`
when `kubernetes.namespaces` is set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from kabanero.model.errors import ExpiredError, ForbiddenError, KabaneroError, TemporaryError
from kabanero.model.resource import ResourceType
from kabanero.model.selectors import EVERYTHING, Selector
from kabanero.ports import Change, Clock, Page, WatchEvent
from kabanero.stores.kubernetes.listing import Scope
from kabanero.stores.kubernetes.shaping import version_of
from kabanero.stores.kubernetes.store import KubernetesStore

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
REFUSED_SECONDS = 15.0
Told = Callable[[str, str], None]
News = asyncio.Queue[WatchEvent | Exception | None]


class Refused:
    """Namespaces that may not be read, and why.

    `told` hears of each namespace and the reason when it begins, and with an empty reason when it ends.
    """

    def __init__(self) -> None:
        self.told: Told = lambda namespace, reason: None
        self._errors: dict[str, dict[str, ForbiddenError]] = {}
        self._served: dict[tuple[str, str], int] = {}

    def now(self) -> dict[str, str]:
        """By namespace, one reason each."""
        return {namespace: str(next(iter(errors.values()))) for namespace, errors in sorted(self._errors.items())}

    def error(self) -> ForbiddenError:
        """What to say when nothing may be read."""
        return next((error for errors in self._errors.values() for error in errors.values()), _NOTHING)

    def add(self, scope: Scope, error: ForbiddenError) -> None:
        """It was refused."""
        known = self._errors.setdefault(scope.namespace, {})
        if not known:
            log.error("Namespace %s is not served in full: %s", scope.namespace, error)
            self.told(scope.namespace, str(error))
        known[scope.type.plural] = error

    def holds(self, scope: Scope) -> bool:
        """Whether it was refused when it was last asked for."""
        return scope.type.plural in self._errors.get(scope.namespace, {})

    def hid(self, scope: Scope, since: str) -> bool:
        """Whether who listed all at this version, or before, may have been refused this."""
        return since.isdecimal() and 0 < int(since) < self._served.get((scope.namespace, scope.type.plural), 0)

    def clear(self, scope: Scope, version: str) -> None:
        """It is served (again), at this version."""
        known = self._errors.get(scope.namespace)
        if known is None or known.pop(scope.type.plural, None) is None:
            return
        self._served[scope.namespace, scope.type.plural] = int(version)
        if known:
            return
        del self._errors[scope.namespace]
        log.info("Namespace %s is served", scope.namespace)
        self.told(scope.namespace, "")


_NOTHING = ForbiddenError("no namespace is named")


class NamespacedStore(KubernetesStore):
    """As `KubernetesStore`, where no namespace means all that were named."""

    namespaces: tuple[str, ...] = ()
    refused: Refused
    _clock: Clock

    def restrict(self, namespaces: Sequence[str], clock: Clock) -> None:
        """Before it is used."""
        self.namespaces, self.refused, self._clock = tuple(sorted(set(namespaces))), Refused(), clock

    async def list(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        limit: int = 0,
        token: str = "",
        at: str = "",
        recent: bool = False,
    ) -> Page:
        """As `Store.list`, one namespace after the other; a page holds resources of one, and each is as it is then."""
        if namespace or not type.namespaced:
            return await super().list(
                type, namespace=namespace, selector=selector, limit=limit, token=token, at=at, recent=recent
            )
        if limit or token:
            return await self._page(Scope(type, "", selector), limit, token, at)
        pages = [page for each in self.namespaces if (page := await self._of(Scope(type, each, selector), at=at))]
        if not pages:
            raise self.refused.error()
        first = min(pages, key=lambda page: int(page.resource_version))
        return Page([item for page in pages for item in page.items], first.resource_version)

    async def _page(self, scope: Scope, limit: int, token: str, at: str) -> Page:
        """The next page of a namespace, or the first of the next one that may be read."""
        number, _, rest = token.partition(":")
        place = int(number or 0)
        while place < len(self.namespaces):
            here = Scope(scope.type, self.namespaces[place], scope.selector)
            if page := await self._of(here, limit=limit, token=rest, at=at):
                following = f"{place}:{page.next_token}" if page.next_token else self._token_after(place)
                return Page(page.items, page.resource_version, following, -1 if following else 0)
            place, rest = place + 1, ""
        if not token:
            raise self.refused.error()
        return Page([], at)

    def _token_after(self, place: int) -> str:
        return f"{place + 1}:" if place + 1 < len(self.namespaces) else ""

    async def _of(self, scope: Scope, *, limit: int = 0, token: str = "", at: str = "") -> Page | None:
        """One namespace's; None where it is refused."""
        try:
            page = await super().list(
                scope.type, namespace=scope.namespace, selector=scope.selector, limit=limit, token=token, at=at
            )
        except ForbiddenError as error:
            self.refused.add(scope, error)
            return None
        self.refused.clear(scope, page.resource_version)
        return page

    async def watch(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        since: str = "",
        bookmarks: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """As `Store.watch`, in order within a namespace. Outages are waited out, and bookmarks are kept to ourselves.

        A bookmark of one namespace says nothing of the others. When a namespace may be read again, all is to be listed
        again: ExpiredError.
        """
        if namespace or not type.namespaced:
            changes = super().watch(
                type, namespace=namespace, selector=selector, since=since, bookmarks=bookmarks, timeout=timeout
            )
        else:
            changes = self._merged(type, selector, since, timeout)
        async for event in changes:
            yield event

    async def _merged(
        self, type: ResourceType, selector: Selector, since: str, timeout: float | None
    ) -> AsyncIterator[WatchEvent]:
        news = News(1)
        works = [self._pass_on(Scope(type, each, selector), since, news) for each in self.namespaces]
        works += [self._end_after(timeout, news)] if timeout is not None else []
        tasks = [asyncio.create_task(work) for work in works]
        try:
            while (event := await news.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _end_after(self, seconds: float, news: News) -> None:
        await self._clock.sleep(seconds)
        await news.put(None)

    async def _pass_on(self, scope: Scope, since: str, news: News) -> None:
        """Until the store is closed, or all must be listed again.

        Rights may come between a list that was refused and its watch, which would not tell what was there before.
        """
        if self.refused.hid(scope, since) or self.refused.holds(scope):
            await self._served_again(scope, news)
            return
        while True:
            try:
                async for event in super().watch(
                    scope.type, namespace=scope.namespace, selector=scope.selector, since=since, bookmarks=True
                ):
                    since = version_of(event.resource)
                    if event.change is not Change.BOOKMARK:
                        await news.put(event)
                await news.put(None)
                return
            except ForbiddenError as error:
                self.refused.add(scope, error)
                await self._served_again(scope, news)
                return
            except TemporaryError as error:
                log.warning("The watch on %s of namespace %s broke off: %s", scope.type.plural, scope.namespace, error)
                await self._clock.sleep(RETRY_SECONDS)
            except KabaneroError as error:
                await news.put(error)
                return

    async def _served_again(self, scope: Scope, news: News) -> None:
        while self.refused.holds(scope):
            await self._clock.sleep(REFUSED_SECONDS)
            try:
                await self._of(scope, limit=1)
            except TemporaryError as error:
                log.warning("Can't see whether namespace %s may be read now: %s", scope.namespace, error)
        await news.put(ExpiredError(f"namespace {scope.namespace} is served again"))
