"""The resources that a command line selects, by kind, names and selectors: as tables, as objects, as changes.

Used by `get` and `delete`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kabanero.cli.answers import AnswerError
from kabanero.cli.catalog import ServedKind
from kabanero.cli.errors import MissingError, UsageError
from kabanero.cli.following import follow, version_of
from kabanero.cli.listing import metadata, pages
from kabanero.cli.media import TABLE
from kabanero.cli.newest import newest_name
from kabanero.cli.runs import LATEST
from kabanero.cli.session import Session
from kabanero.cli.text import safe

Json = dict[str, Any]


class Listed:
    """What is selected. `namespace` empty: every namespace."""

    def __init__(self, session: Session, kind: ServedKind, namespace: str) -> None:
        self.session, self.kind = session, kind
        self.namespace = namespace if kind.namespaced else ""
        self.everywhere = kind.namespaced and not namespace
        self.names: tuple[str, ...] = ()
        self.query: dict[str, str] = {}

    @property
    def single(self) -> bool:
        """Whether exactly one resource is named."""
        return len(self.names) == 1

    def narrow(self, labels: str, fields: str, names: Sequence[str]) -> None:
        """Selects by labels, by fields, or by names. Raises UsageError when these can't go together."""
        if names and (labels or fields or self.everywhere):
            raise UsageError("a NAME can't be combined with -l, --field-selector or -A")
        self.names = tuple(self._newest() if name in LATEST else name for name in names)
        self.query = {k: v for k, v in (("labelSelector", labels), ("fieldSelector", fields)) if v}

    def _newest(self) -> str:
        found = newest_name(self.session, self.kind, self.namespace)
        if found is None:
            raise MissingError(f"there are no {self.kind.plural} in namespace {safe(self.namespace)}")
        return found

    def table(self) -> Json:
        """The server's table of all that is selected."""
        parts = self._named(TABLE) if self.names else list(pages(self.session, self._path(), self.query, accept=TABLE))
        if "columnDefinitions" not in parts[0]:
            raise UsageError("the server gives no tables; use -o json, -o yaml or -o name")
        return {**parts[0], "rows": [row for part in parts for row in part.get("rows") or []]}

    def objects(self) -> Json:
        """A list of all that is selected."""
        if self.names:
            return _list(self._named("application/json"), {})
        found = list(pages(self.session, self._path(), self.query))
        typed = {"apiVersion": self.kind.api_version, "kind": self.kind.kind}
        return _list([typed | item for page in found for item in page["items"]], found[0].get("metadata") or {})

    def table_changes(self, table: Json) -> Iterator[Json]:
        """Changes after a table, as tables of one row."""
        return self._changes(version_of(table), TABLE)

    def object_changes(self, found: Json) -> Iterator[Json]:
        """Changes after a list."""
        return self._changes(version_of(found), "application/json")

    def _changes(self, since: str, accept: str) -> Iterator[Json]:
        if len(self.names) > 1:
            raise UsageError("--watch takes one NAME, or none")
        query = dict(self.query) | ({"fieldSelector": f"metadata.name={self.names[0]}"} if self.names else {})
        return follow(
            self.session.client, self._path(), query, since, lambda: self._again(query, accept), accept=accept
        )

    def _again(self, query: Json, accept: str) -> tuple[list[Json], str]:
        found = list(pages(self.session, self._path(), query, accept=accept))
        return [item for page in found for item in _each(page)], version_of(found[0])

    def _path(self, name: str = "") -> str:
        return self.kind.path(self.namespace, name)

    def _named(self, accept: str) -> list[Json]:
        return [self.one(name, accept) for name in self.names]

    def one(self, name: str, accept: str = "application/json") -> Json:
        """One resource by its name. Raises MissingError with the names that are near."""
        try:
            found: Json = self.session.client.get(self._path(name), accept=accept)
        except AnswerError as error:
            raise self.missing(name) if error.status == 404 else error from None
        return found

    def missing(self, name: str) -> MissingError:
        """The error for a name that isn't there."""
        from kabanero.model.nearmiss import did_you_mean

        names = [str(meta["name"]) for meta in metadata(self.session, self.kind, self.namespace)]
        where = f" in namespace {safe(self.namespace)}" if self.namespace else ""
        return MissingError(f"no {self.kind.kind} {safe(name)!r}{where}", [did_you_mean(name, names)])


def _list(items: list[Json], meta: Json) -> Json:
    kept = {k: v for k, v in meta.items() if k == "resourceVersion"}
    return {"apiVersion": "v1", "kind": "List", "metadata": kept, "items": items}


def _each(page: Json) -> list[Json]:
    if "rows" in page:
        return [{**page, "rows": [row]} for row in page["rows"] or []]
    return list(page["items"])
