"""Asks the API server which kinds it serves, also those that are not ours. Used by `store`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from kabanero.kubernetes import Client, Request
from kabanero.model.errors import KindMissingError, StoreUnavailableError
from kabanero.model.resource import ResourceType


async def discover(client: Client, api_version: str, kind: str) -> ResourceType | None:
    """The kind as the server names it; None when it does not serve it now.

    Discovery does not tell which fields are selectable, so for such a kind we select by ourselves.
    """
    group, _, version = api_version.rpartition("/")
    try:
        answer = await client.call(Request("list", ResourceType(group, version, "APIResourceList", "", "")))
    except KindMissingError:
        return None
    served = {each["name"]: each for each in answer["resources"]}
    for name, each in served.items():
        if each["kind"] == kind and "/" not in name:
            return _type(group, version, each, has_status=f"{name}/status" in served)
    return None


async def discover_all(client: Client) -> Sequence[ResourceType]:
    """All kinds that can be listed and watched, each in its group's preferred version."""
    answer = await client.call(Request("list", ResourceType("", "", "APIGroupList", "", "")))
    groups = [("", "v1"), *((each["name"], each["preferredVersion"]["version"]) for each in answer["groups"])]
    found = await asyncio.gather(*(_of_group(client, *group) for group in groups))
    return [type for types in found for type in types]


async def _of_group(client: Client, group: str, version: str) -> Sequence[ResourceType]:
    """The kinds of one group; none while the server behind an aggregated one is away."""
    try:
        answer = await client.call(Request("list", ResourceType(group, version, "APIResourceList", "", "")))
    except (KindMissingError, StoreUnavailableError):
        return ()
    served = {each["name"]: each for each in answer["resources"]}
    return [
        _type(group, version, each, has_status=f"{name}/status" in served)
        for name, each in served.items()
        if "/" not in name and {"list", "watch"} <= set(each.get("verbs", ()))
    ]


def _type(group: str, version: str, served: dict[str, Any], *, has_status: bool) -> ResourceType:
    return ResourceType(
        group,
        version,
        served["kind"],
        served["name"],
        served.get("singularName") or served["kind"].lower(),
        served["namespaced"],
        tuple(served.get("shortNames", ())),
        tuple(served.get("categories", ())),
        has_status=has_status,
    )
