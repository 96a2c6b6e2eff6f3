"""Where resources are on an API server, by the words that kubectl takes for their kinds; asked of the server itself.

For the test bed's own reads and writes: a poll by kubectl would keep half a core busy, and others wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CORE = "api/v1"


@dataclass(frozen=True)
class Kind:
    """A kind that is served: under which path, and by which words it is known."""

    base: str
    plural: str
    kind: str
    namespaced: bool
    words: frozenset[str]

    @property
    def api_version(self) -> str:
        """As resources say it."""
        return "v1" if self.base == CORE else self.base.removeprefix("apis/")

    def path(self, namespace: str, name: str = "") -> str:
        """Of one resource, or of all in a namespace; the namespace is left out where the kind has none."""
        space = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"/{self.base}{space}/{self.plural}" + (f"/{name}" if name else "")


class Places:
    """What the server says it serves, asked for when it is needed and again when a kind is not among it."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read, self._known = read, dict[str, list[Kind]]()

    def named(self, word: str) -> Kind:
        """The kind that kubectl would take for this word; raises OSError when the server has none."""
        for bases in (list(self._known), self._served()):
            for base in bases:
                if found := next((each for each in self._of(base) if word.lower() in each.words), None):
                    return found
        raise OSError(f"the API server serves nothing called {word}")

    def holding(self, resource: dict[str, Any]) -> Kind:
        """The kind of a resource; raises OSError when the server does not have it."""
        version = resource["apiVersion"]
        base = CORE if version == "v1" else f"apis/{version}"
        for _ in range(2):
            if found := next((each for each in self._of(base) if each.kind == resource["kind"]), None):
                return found
            self._known.pop(base, None)
        raise OSError(f"the API server serves no kind {resource['kind']} of {version}")

    def _served(self) -> Iterator[str]:
        """Afresh: core, then the groups in the server's own order, each in its preferred version."""
        self._known.clear()
        groups = self._read("/apis")["groups"]
        yield from (CORE, *(f"apis/{group['preferredVersion']['groupVersion']}" for group in groups))

    def _of(self, base: str) -> list[Kind]:
        if base not in self._known:
            listed = self._read(f"/{base}")["resources"]
            self._known[base] = [_kind(base, each) for each in listed if "/" not in each["name"]]
        return self._known[base]


def _kind(base: str, served: dict[str, Any]) -> Kind:
    plural, kind = served["name"], served["kind"]
    group = "" if base == CORE else f".{base.split('/')[1]}"
    words = {plural, f"{plural}{group}", kind.lower(), served.get("singularName", ""), *served.get("shortNames", ())}
    return Kind(base, plural, kind, served["namespaced"], frozenset(words - {""}))
