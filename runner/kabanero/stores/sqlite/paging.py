"""Lists, page by page, every page of one list showing the store at one version. Called by `store`.

A token holds the version and the last key, so it is good after a restart too, as long as the history reaches back.
"""

from __future__ import annotations

import binascii
import sqlite3
import threading
from array import array
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.resource import Resource
from kabanero.model.selectors import EVERYTHING
from kabanero.ports import Page
from kabanero.stores.sqlite.history import as_of, check_remembered
from kabanero.stores.sqlite.rows import head
from kabanero.stores.sqlite.selecting import Scope, candidates, count, walk

_KEPT_LISTS = 8
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Token:
    """Where a list goes on: at which version, after which key, how many were left (-1: not counted)."""

    version: int
    after: tuple[str, str]
    remaining: int

    def encode(self) -> str:
        """As handed to clients."""
        return urlsafe_b64encode(orjson.dumps([self.version, *self.after, self.remaining])).decode()

    @classmethod
    def decode(cls, text: str) -> Token:
        """Raises InvalidError."""
        try:
            version, namespace, name, remaining = orjson.loads(urlsafe_b64decode(text))
            return cls(int(version), (str(namespace), str(name)), int(remaining))
        except (ValueError, TypeError, binascii.Error) as error:
            raise InvalidError("list", [Problem("continue", "is not a token of this server", "list again")]) from error


class Pager:
    """Answers lists. Keeps the numbers of what the latest indexed lists found, so that paging is not quadratic."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Scope], array[int]] = OrderedDict()
        self._guard = threading.Lock()

    def page(self, connection: sqlite3.Connection, scope: Scope, limit: int, token: str, at: str = "") -> Page:
        """One page. Raises ExpiredError, InvalidError."""
        start = Token.decode(token) if token else None
        version = start.version if start else version_of(at) if at else head(connection)
        check_remembered(connection, version)
        rest = replace(scope, after=start.after) if start else scope
        ids = self._take(token, scope)
        if ids is None:
            ids = candidates(connection, rest, version)
        items, used = _collect(connection, rest, ids, version, limit)
        if not limit or len(items) <= limit:
            return Page(items, str(version))
        return self._with_more(
            connection, scope, items[:limit], version, start, ids[used:] if ids is not None else None
        )

    def _with_more(
        self,
        connection: sqlite3.Connection,
        scope: Scope,
        items: list[Resource],
        version: int,
        start: Token | None,
        rest: array[int] | None,
    ) -> Page:
        remaining = _remaining(connection, scope, start, len(items))
        metadata = items[-1]["metadata"]
        token = Token(version, (metadata.get("namespace", ""), metadata["name"]), remaining).encode()
        if rest is not None:
            self._keep(token, scope, rest)
        return Page(items, str(version), token, max(remaining, 0))

    def _take(self, token: str, scope: Scope) -> array[int] | None:
        with self._guard:
            return self._kept.get((token, scope)) if token else None

    def _keep(self, token: str, scope: Scope, ids: array[int]) -> None:
        with self._guard:
            self._kept[token, scope] = ids
            while len(self._kept) > _KEPT_LISTS:
                self._kept.popitem(last=False)


def version_of(text: str) -> int:
    """A resourceVersion as a number. Raises InvalidError."""
    if not text.isdecimal():
        raise InvalidError("list", [Problem("resourceVersion", f"{text!r} is not a version of this server")])
    return int(text)


def _collect(
    connection: sqlite3.Connection, scope: Scope, ids: array[int] | None, version: int, limit: int
) -> tuple[list[Resource], int]:
    """Up to one more than `limit`, and how many of `ids` are behind the page."""
    items: list[Resource] = []
    used = 0
    size = limit + 1 if limit and scope.selector == EVERYTHING else _CHUNK
    for chunk in _chunks(connection, scope, ids, min(size, _CHUNK)):
        found = [each for each in as_of(connection, chunk, version) if _belongs(scope, each)]
        if limit and len(items) + len(found) > limit:
            return items + found, used
        items += found
        used += len(chunk)
    return items, used


def _belongs(scope: Scope, resource: Resource) -> bool:
    """Whether it is selected and not on an earlier page: ids that were kept begin with a part of the last one."""
    metadata = resource["metadata"]
    behind = scope.after is not None and (metadata.get("namespace", ""), metadata["name"]) <= scope.after
    return not behind and scope.selector.matches(resource)


def _chunks(connection: sqlite3.Connection, scope: Scope, ids: array[int] | None, size: int) -> Iterator[list[int]]:
    if ids is None:
        yield from walk(connection, scope, size)
        return
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _remaining(connection: sqlite3.Connection, scope: Scope, start: Token | None, given: int) -> int:
    """How many are left after this page; -1 with a selector, where counting would mean reading them all."""
    if scope.selector != EVERYTHING:
        return -1
    return (start.remaining if start else count(connection, scope)) - given
