"""The filter of Kubernetes events: which namespaces, and which kinds without namespace, may be told of. Pure.

Read from the ConfigMap that `kubernetes_filter_watch` follows. Its values are text: one glob a line, as YAML's list
(`- app1*`) or bare, or a list in brackets. A list that is absent excludes nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.nearmiss import did_you_mean, fold
from kabanero.model.resource import Resource

FILTER_NAME = "kabanero.kubernetes.api.event.filter"
FILTER_NAMES = (FILTER_NAME, "kaganero.kubernetes.api.event.filter")
"""The second is how the source document's samples spell it; the first counts where both are there."""
LISTS = ("allowedNamespaces", "disallowedNamespaces", "allowedNoNamespacedKinds", "disallowedNoNamespacedKinds")
_MEANT = {fold(name): name for name in LISTS} | {fold(name[:-1]): name for name in LISTS}
_GLOB = re.compile(r"[A-Za-z0-9.*?\[\]!_-]+")
Globs = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Globs; None for a list that is absent."""

    allowed_namespaces: Globs = None
    disallowed_namespaces: Globs = None
    allowed_no_namespaced_kinds: Globs = None
    disallowed_no_namespaced_kinds: Globs = None

    def passes(self, kind: str, namespace: str, *, namespaced: bool) -> bool:
        """Whether events about such an object may be sent."""
        if namespaced:
            return _passes(namespace, self.allowed_namespaces, self.disallowed_namespaces)
        return _passes(kind, self.allowed_no_namespaced_kinds, self.disallowed_no_namespaced_kinds)

    def as_data(self) -> dict[str, str]:
        """As the data of a ConfigMap."""
        named = zip(LISTS, asdict(self).values(), strict=True)
        return {name: "\n".join(globs) or "[]" for name, globs in named if globs is not None}


DEFAULT = EventFilter(allowed_namespaces=("*",), disallowed_no_namespaced_kinds=("*",))
"""What holds without the ConfigMap: objects of all namespaces, none without a namespace."""


def _passes(word: str, allowed: Globs, disallowed: Globs) -> bool:
    return (allowed is None or _matches(word, allowed)) and not _matches(word, disallowed or ())


def _matches(word: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(word, glob) for glob in globs)


def read_filter(config_map: Resource) -> EventFilter:
    """The filter in a ConfigMap. Raises InvalidError that names every entry that can't be read."""
    data: Mapping[str, Any] = config_map.get("data") or {}
    lists: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for key, value in data.items():
        name = _MEANT.get(fold(key))
        if name is None:
            problems.append(Problem(f"data.{key}", "is none of the filter's lists", did_you_mean(key, LISTS)))
        elif name in lists:
            problems.append(Problem(f"data.{key}", f"{name} is given twice", "remove one of the two"))
        else:
            lists[name] = _globs(f"data.{key}", value, problems)
    if problems:
        raise InvalidError(f"ConfigMap {config_map['metadata']['name']}", problems)
    return EventFilter(*(lists.get(name) for name in LISTS))


def _globs(path: str, value: Any, problems: list[Problem]) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else _entries(path, str(value or ""), problems)
    for entry in entries:
        if not isinstance(entry, str) or not _GLOB.fullmatch(entry):
            problems.append(Problem(path, f"{entry!r:.60} is no glob over names", "write one a line, such as app1*"))
    return tuple(str(entry) for entry in entries)


def _entries(path: str, text: str, problems: list[Problem]) -> list[Any]:
    if text.lstrip().startswith("["):
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError:
            found = None
        if isinstance(found, list):
            return found
        problems.append(Problem(path, "is no list in YAML or JSON", 'quote globs in brackets: ["app1*", "app2*"]'))
        return []
    return [entry for entry in map(_entry, text.splitlines()) if entry]


def _entry(line: str) -> str:
    """One line: blanks, YAML's dash and quotes around it count for nothing; neither does a comment."""
    bare = line.strip()
    if bare.startswith("#"):
        return ""
    bare = bare.removeprefix("- ").strip() if bare != "-" else ""
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" else bare
