"""Lists, page by page. Used by `store` and, for what a watch begins with, by `watching`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kabanero.kubernetes import Client, Request
from kabanero.model.resource import Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Selector
from kabanero.ports import Page
from kabanero.stores.kubernetes.selecting import split
from kabanero.stores.kubernetes.shaping import received


@dataclass(frozen=True, slots=True)
class Scope:
    """What is listed or watched: one kind, one namespace or all (empty), what is selected."""

    type: ResourceType
    namespace: str = ""
    selector: Selector = EVERYTHING

    def holds(self, resource: Resource) -> bool:
        """Whether a resource of the kind is meant."""
        is_here = self.namespace in ("", resource["metadata"].get("namespace", ""))
        return is_here and self.selector.matches(resource)


async def page(client: Client, scope: Scope, limit: int, token: str, query: Mapping[str, str] | None = None) -> Page:
    """One page. Where we have to select ourselves it may hold less than `limit`, with more behind it."""
    theirs, ours = split(scope.type, scope.selector)
    asked = {**theirs, **(query or {}), "limit": str(limit or ""), "continue": token}
    answer = await client.call(Request("list", scope.type, scope.namespace, query=asked))
    items = [received(scope.type, item) for item in answer["items"]]
    metadata = answer["metadata"]
    next_token = metadata.get("continue", "")
    remaining = metadata.get("remainingItemCount", -1 if next_token else 0)
    return Page([item for item in items if ours.matches(item)], metadata["resourceVersion"], next_token, remaining)


async def whole(client: Client, scope: Scope, size: int, query: Mapping[str, str] | None = None) -> Page:
    """All pages as one, in the order of namespace and name; they all show the state of the first.

    `query` is for the first page only: the token says the rest.
    """
    found = await page(client, scope, size, "", query)
    items, version, token = list(found.items), found.resource_version, found.next_token
    while token:
        found = await page(client, scope, size, token)
        items += found.items
        token = found.next_token
    return Page(sorted(items, key=_place), version)


def _place(resource: Resource) -> tuple[str, str]:
    return resource["metadata"].get("namespace", ""), resource["metadata"]["name"]
