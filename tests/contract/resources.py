"""Resources for the store contract: kinds of our own, so that a real API server with the CRDs can hold them too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from kabanero.model.errors import NotFoundError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import API_VERSION, Key, Resource
from kabanero.ports import Store, WatchEvent

TYPE = STAGE_RUN.type
PATIENCE = 30.0
MOMENT = 0.15


def stage_run(name: str, namespace: str = "kabanero", *, run: str = "run-1", **metadata: Any) -> Resource:
    spec = {
        "stageName": "build",
        "stageRef": {"kind": "PlaybookStage", "name": "build"},
        "contextID": "ctx",
        "strategy": "main",
        "strategyRun": run,
        "attempt": 1,
    }
    given = {"name": name, "namespace": namespace, **metadata}
    return {
        "apiVersion": API_VERSION,
        "kind": "StageRun",
        "metadata": {key: value for key, value in given.items() if value},
        "spec": spec,
    }


def key(name: str, namespace: str = "kabanero") -> Key:
    return Key(TYPE, namespace, name)


def key_of(resource: Resource) -> Key:
    return key(resource["metadata"]["name"], resource["metadata"]["namespace"])


def with_spec(resource: Resource, **fields: Any) -> Resource:
    return {**resource, "spec": {**resource["spec"], **fields}}


def with_attempt(resource: Resource, attempt: int) -> Resource:
    return with_spec(resource, attempt=attempt)


def with_phase(resource: Resource, phase: str, **more: Any) -> Resource:
    return {**resource, "status": {"phase": phase, **more}}


def with_metadata(resource: Resource, **metadata: Any) -> Resource:
    return {**resource, "metadata": {**resource["metadata"], **metadata}}


def without_version(resource: Resource) -> Resource:
    metadata = {name: value for name, value in resource["metadata"].items() if name != "resourceVersion"}
    return {**resource, "metadata": metadata}


def version(resource: Resource) -> str:
    return str(resource["metadata"]["resourceVersion"])


def names(resources: list[Resource]) -> list[str]:
    return [each["metadata"]["name"] for each in resources]


def owned_by(owner: Resource, *, blocks: bool = False) -> list[dict[str, Any]]:
    metadata = owner["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return [{**reference, "blockOwnerDeletion": True} if blocks else reference]


async def exists(store: Store, name: str, namespace: str = "kabanero") -> bool:
    with suppress(NotFoundError):
        await store.get(key(name, namespace))
        return True
    return False


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """For what a store does in the background."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.01)


async def first(count: int, events: AsyncIterator[WatchEvent]) -> list[tuple[str, str]]:
    """What a watch tells first, as pairs of change and name; then it is closed."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(PATIENCE), aclosing(events) as open_events:  # type: ignore[type-var]
        async for event in open_events:
            found.append((event.change.value, event.resource["metadata"]["name"]))
            if len(found) == count:
                return found
    return found
