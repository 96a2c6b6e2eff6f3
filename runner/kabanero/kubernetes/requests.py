"""What is asked of the API server, in its own words, and how often each was asked. Used by `client` and its users."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlencode

from kabanero.model.errors import InvalidError, NotFoundError, Problem
from kabanero.model.resource import ResourceType

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
METHODS: Mapping[Verb, str] = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
OF_MANY = ("list", "watch", "create", "deletecollection")
JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request about a kind: `namespace` empty means all of them, `query` holds what is not empty.

    A type without a plural stands for its whole group and version: what the server serves there. One without a version
    stands for all groups.
    """

    verb: Verb
    type: ResourceType
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON

    @property
    def resource(self) -> str:
        """As in RBAC rules: `stageruns`, `stageruns/status`; what is served has no name there."""
        return f"{self.type.plural}/{self.subresource}" if self.subresource else self.type.plural

    def path(self) -> str:
        """Path and query. Raises InvalidError where a name is missing, NotFoundError for one that can't be."""
        parts = ["apis", self.type.group, self.type.version] if self.type.group else ["api", self.type.version]
        if not self.type.version:
            parts = ["apis"]
        if self.namespace and self.type.namespaced:
            parts += ["namespaces", self.namespace]
        parts += [self.type.plural] if self.type.plural else []
        if self.verb not in OF_MANY:
            parts.append(self._checked_name())
        if self.subresource:
            parts.append(self.subresource)
        query = urlencode({key: value for key, value in self.query.items() if value})
        return "/" + "/".join(quote(part, safe="") for part in parts) + (f"?{query}" if query else "")

    def _checked_name(self) -> str:
        problems = [Problem("metadata.name", "is missing")] if not self.name else []
        if self.type.namespaced and not self.namespace:
            problems.append(Problem("metadata.namespace", "is missing"))
        if problems:
            raise InvalidError(self.type.kind, problems)
        if {self.name, self.namespace} & {".", ".."}:
            raise NotFoundError(f"{self} is not there: no name is like that")
        return self.name

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.verb} {self.resource} {place}{self.name}".rstrip()


@dataclass(slots=True)
class RequestCount:
    """How many requests were sent, by verb and resource; retries count. `told` hears of each, for metrics."""

    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: Callable[[str, str], None] = lambda verb, resource: None

    def add(self, request: Request) -> None:
        """One more."""
        self.numbers[request.verb, request.resource] += 1
        self.told(request.verb, request.resource)
