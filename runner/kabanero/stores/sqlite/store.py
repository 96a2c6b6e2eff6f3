"""The Store port on one SQLite file.

Writes go to the writer thread, where those of all callers share commits; reads have threads of their own. After each
commit the changes go to the watches, and garbage that a write left behind is collected in the background.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from kabanero.model.errors import InvalidError, KabaneroError, NotFoundError, Problem, StoreUnavailableError
from kabanero.model.kinds.core import CORE_TYPES
from kabanero.model.kinds.registry import KINDS
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Selector
from kabanero.ports import Clock, Page, WatchEvent, Write
from kabanero.sqlite.database import Database
from kabanero.sqlite.writer import AnyJob
from kabanero.stores.sqlite.collecting import collect_some
from kabanero.stores.sqlite.compaction import compact_some, mark, target
from kabanero.stores.sqlite.feed import Feed
from kabanero.stores.sqlite.history import as_of
from kabanero.stores.sqlite.indexing import index_some, unfinished
from kabanero.stores.sqlite.paging import Pager
from kabanero.stores.sqlite.rows import Outcome, head
from kabanero.stores.sqlite.selecting import Scope
from kabanero.stores.sqlite.settings import StoreSettings
from kabanero.stores.sqlite.types import register
from kabanero.stores.sqlite.watching import Wanted, Watching
from kabanero.stores.sqlite.writing import Writing, key_of

log = logging.getLogger(__name__)
PACKAGE = "kabanero.stores.sqlite"
ALL_TYPES: tuple[ResourceType, ...] = (*(kind.type for kind in KINDS), *CORE_TYPES)
RETRY_SECONDS = 1.0
T = TypeVar("T")


class SqliteStore:
    """Resources in `path`, a file that only one process may have open."""

    def __init__(self, clock: Clock, settings: StoreSettings, types: Iterable[ResourceType]) -> None:
        self._clock, self._settings = clock, settings
        self._types = {(type.api_version, type.kind): type for type in types}
        self._numbers: dict[tuple[str, str], int] = {}
        self._pager = Pager()
        self._garbage = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    _database: Database
    _feed: Feed
    _watching: Watching

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Clock,
        settings: StoreSettings | None = None,
        types: Iterable[ResourceType] = ALL_TYPES,
    ) -> SqliteStore:
        """Opens or makes the file. Raises StoreUnavailableError, which names another process that has it open."""
        store = cls(clock, settings or StoreSettings(), types)
        store._database = await Database.open(
            path,
            package=PACKAGE,
            unavailable=StoreUnavailableError,
            settings=store._settings.database,
            committed=store._committed,
        )
        await store._start()
        return store

    async def _start(self) -> None:
        self._feed = Feed(self._settings.watch_buffer, await self._database.read(head))
        self._watching = Watching(self._database, self._feed, self._pager, self._clock)
        self._numbers = await self._database.write(self._register)
        self._garbage.set()
        loops = (self._index(), self._collect(), self._compact(), self._remind())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    def _register(self, connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
        return {(type.group, type.kind): register(connection, type) for type in self._types.values()}

    async def create(self, resource: Resource, *, dry_run: bool = False) -> Resource:
        """As `Store.create`."""
        type = self._type_of(resource)
        return await self._write(lambda writing: writing.create(type, resource, dry_run=dry_run))

    async def get(self, key: Key, *, recent: bool = False) -> Resource:
        """As `Store.get`; nothing is far away here, so what is read is never old."""
        found = await self._database.read(lambda connection: self._find(connection, key))
        if not found:
            raise NotFoundError(f"{key} is not there")
        return found[0]

    def _find(self, connection: sqlite3.Connection, key: Key) -> list[Resource]:
        sql = "SELECT id FROM objects WHERE type = ? AND namespace = ? AND name = ?"
        row = connection.execute(sql, (self._number(key.type), key.namespace, key.name)).fetchone()
        return as_of(connection, row, head(connection)) if row else []

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
        """As `Store.list`; nothing is far away here."""
        scope = Scope(type, self._number(type), namespace, selector)
        return await self._database.read(lambda connection: self._pager.page(connection, scope, limit, token, at))

    async def update(self, resource: Resource, *, status: bool = False, dry_run: bool = False) -> Resource:
        """As `Store.update`."""
        key = key_of(self._type_of(resource), resource)
        return await self._write(lambda writing: writing.update(key, resource, status=status, dry_run=dry_run))

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        dry_run: bool = False,
    ) -> Resource:
        """As `Store.delete`."""
        return await self._write(
            lambda writing: writing.delete(key, uid, resource_version, propagation, dry_run=dry_run)
        )

    async def write_all(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        """As `Store.write_all`; one commit."""
        typed = [(self._type_of(write.resource), write) for write in writes]
        return await self._write(lambda writing: writing.write_each(typed))

    def watch(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        since: str = "",
        bookmarks: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """As `Store.watch`."""
        return self._watching.changes(Wanted(type, namespace, selector, bookmarks), since, timeout)

    async def learn(self, type: ResourceType) -> None:
        """As `Store.learn`."""
        if self._types.get((type.api_version, type.kind)) == type:
            return
        number = await self._database.write(lambda connection: register(connection, type))
        self._numbers[type.group, type.kind] = number
        self._types[type.api_version, type.kind] = type

    async def find_type(self, api_version: str, kind: str) -> ResourceType | None:
        """As `Store.find_type`."""
        return self._types.get((api_version, kind))

    async def all_types(self) -> Sequence[ResourceType]:
        """As `Store.all_types`."""
        return tuple(self._types.values())

    async def close(self) -> None:
        """As `Store.close`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._feed.end()
        await self._database.close()

    async def _write(self, verb: Callable[[Writing], T]) -> T:
        answer, _ = await self._database.write(lambda connection: self._carry_out(connection, verb))
        return answer

    def _carry_out(self, connection: sqlite3.Connection, verb: Callable[[Writing], T]) -> tuple[T, Outcome]:
        writing = Writing(connection, self._numbers, self._clock.now())
        return verb(writing), writing.rows.outcome

    def _committed(self, jobs: Sequence[AnyJob]) -> None:
        for job in jobs:
            match job.result, job.error:
                case (_, Outcome() as outcome), None:
                    self._feed.tell(outcome.changes)
                    if outcome.garbage:
                        self._garbage.set()

    async def _index(self) -> None:
        try:
            for number in await self._database.write(unfinished):
                after = -1
                while after:
                    after = await self._database.write(partial(index_some, number=number, after=after))
        except KabaneroError as error:
            log.warning("New fields will be indexed at the next start: %s", error)

    async def _collect(self) -> None:
        while True:
            await self._garbage.wait()
            self._garbage.clear()
            try:
                while await self._write(collect_some):
                    pass
            except KabaneroError as error:
                log.warning("Garbage could not be collected yet: %s", error)
                await self._clock.sleep(RETRY_SECONDS)
                self._garbage.set()
            except Exception:
                log.exception("Garbage collection failed; it goes on with the next deletion")

    async def _compact(self) -> None:
        while True:
            await self._clock.sleep(self._settings.compaction_seconds)
            try:
                await self.compact()
            except KabaneroError as error:
                log.warning("History could not be compacted: %s", error)

    async def compact(self) -> None:
        """Forgets history that is older than the settings say. Called by itself from time to time."""
        now = int(self._clock.now().timestamp())
        await self._database.write(lambda connection: mark(connection, now))
        goal = await self._database.write(lambda connection: target(connection, self._settings, now))
        while await self._database.write(lambda connection: compact_some(connection, goal)):
            pass

    async def _remind(self) -> None:
        while True:
            await self._clock.sleep(self._settings.bookmark_seconds)
            self._feed.remind()

    def _type_of(self, resource: Resource) -> ResourceType:
        api_version, kind = str(resource.get("apiVersion", "")), str(resource.get("kind", ""))
        found = self._types.get((api_version, kind))
        if found is None:
            problem = Problem("kind", f"{kind!r} of {api_version!r} is not a kind that this store was opened with")
            raise InvalidError(kind or "resource", [problem])
        return found

    def _number(self, type: ResourceType) -> int:
        try:
            return self._numbers[type.group, type.kind]
        except KeyError:
            problem = Problem("kind", f"{type.kind!r} is not a kind that this store was opened with")
            raise InvalidError(type.kind, [problem]) from None
