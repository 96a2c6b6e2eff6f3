"""What a request is about: URL path to type, namespace, name and subresource; method to verb; query to selector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kabanero.api.catalog import Catalog
from kabanero.api.http import Request
from kabanero.api.status import bad_request
from kabanero.model.errors import InvalidError
from kabanero.model.kinds.core import NAMESPACE
from kabanero.model.nearmiss import did_you_mean
from kabanero.model.resource import Key, ResourceType
from kabanero.model.selectors import Selector, parse_selector

# Fields of the types' own selectable lists come on top.
_ALWAYS_SELECTABLE = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Target:
    """One resource, its subresource, or (without a name) all of a kind in a namespace or everywhere."""

    type: ResourceType
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        """Names the resource."""
        return Key(self.type, self.namespace, self.name)


def find_target(path: str, catalog: Catalog) -> Target | None:
    """The target of `/api/v1/...` or `/apis/GROUP/VERSION/...`; None where nothing is served."""
    parts = path.strip("/").split("/")
    if len(parts) > 2 and parts[0] == "api":
        return _within("", parts[1], parts[2:], catalog)
    if len(parts) > 3 and parts[0] == "apis":
        return _within(parts[1], parts[2], parts[3:], catalog)
    return None


def _within(group: str, version: str, rest: Sequence[str], catalog: Catalog) -> Target | None:
    if rest[0] == NAMESPACE.plural and len(rest) > 2 and (type := catalog.find(group, version, rest[2])):
        return _target(type, rest[1], rest[3:]) if type.namespaced else None
    found = catalog.find(group, version, rest[0])
    if found is None or (found.namespaced and len(rest) > 1):
        return None
    return _target(found, "", rest[1:])


def _target(type: ResourceType, namespace: str, rest: Sequence[str]) -> Target | None:
    if len(rest) > 2 or "" in rest:
        return None
    return Target(type, namespace, rest[0] if rest else "", rest[1] if len(rest) > 1 else "")


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


def find_verb(request: Request, target: Target) -> str | None:
    """The Kubernetes verb of a request; None when the method can't be used there."""
    match request.method, bool(target.name):
        case (("GET" | "HEAD"), True):
            return "get"
        case (("GET" | "HEAD"), False):
            return "watch" if request.flag("watch") else "list"
        case "DELETE", named:
            return "delete" if named else "deletecollection"
        case method, named:
            verb = _VERBS.get(method)
            return verb if named == (verb != "create") else None


def find_selector(request: Request, type: ResourceType) -> Selector:
    """Label and field selector of the query. Raises ApiError 400, with the field that was probably meant."""
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    try:
        selector = parse_selector(labels, fields)
    except InvalidError as error:
        raise bad_request(f"unable to parse requirement: {error}") from error
    possible = (*_ALWAYS_SELECTABLE, *type.selectable)
    for requirement in selector.fields:
        if requirement.key not in possible:
            hint = did_you_mean(requirement.key, possible)
            raise bad_request(f"field label not supported: {requirement.key} ({hint})")
    return selector
