"""The requests that the bus makes. Used by its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kabanero.kubernetes import Client, Request
from kabanero.kubernetes.requests import MERGE_PATCH
from kabanero.model.errors import NotFoundError
from kabanero.model.kinds.registry import QUEUED_EVENT
from kabanero.model.resource import Resource

TYPE = QUEUED_EVENT.type
EVENTS_ONLY = ("spec.partOf", "=", "")
PENDING = (EVENTS_ONLY, ("status.fate", "=", ""))
Clause = tuple[str, str, str]


def selector(clauses: Sequence[Clause]) -> str:
    """A field selector."""
    return ",".join(key + operator + _escaped(value) for key, operator, value in clauses)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


class Objects:
    """QueuedEvents of one namespace."""

    def __init__(self, client: Client, namespace: str, page: int) -> None:
        self.client, self.namespace, self._page = client, namespace, page

    async def create(self, body: Resource) -> Resource:
        """Raises AlreadyExistsError."""
        query = {"fieldManager": "kabanero", "fieldValidation": "Strict"}
        return await self.client.call(Request("create", TYPE, self.namespace, query=query), body)

    async def get(self, name: str) -> Resource:
        """Raises NotFoundError."""
        return await self.client.call(Request("get", TYPE, self.namespace, name))

    async def patch_status(self, name: str, status: Mapping[str, Any]) -> Resource:
        """Merges into the status: null takes a field away. Raises NotFoundError."""
        request = Request("patch", TYPE, self.namespace, name, "status", content_type=MERGE_PATCH)
        return await self.client.call(request, {"status": status})

    async def delete(self, name: str, parts: Sequence[str] = ()) -> bool:
        """The event first, so that never a half one is left; False: it was gone."""
        there = True
        for each in (name, *parts):
            try:
                await self.client.call(Request("delete", TYPE, self.namespace, each))
            except NotFoundError:
                there = there and each != name
        return there

    async def packed(self, spec: Mapping[str, Any]) -> str:
        """The payload of an event, from its parts where it has some. Raises NotFoundError."""
        pieces = [(await self.get(part))["spec"].get("payload", "") for part in spec.get("parts", ())]
        return "".join(pieces) if pieces else str(spec.get("payload", ""))

    async def pages(self, clauses: Sequence[Clause]) -> AsyncIterator[tuple[list[Resource], str]]:
        """Pages of one state, each with the version where a watch continues. Raises ExpiredError in between."""
        token = ""
        while True:
            query = {"fieldSelector": selector(clauses), "limit": str(self._page), "continue": token}
            answer = await self.client.call(Request("list", TYPE, self.namespace, query=query))
            yield answer["items"], answer["metadata"]["resourceVersion"]
            token = answer["metadata"].get("continue", "")
            if not token:
                return

    async def discard(self, names: Sequence[str]) -> None:
        """Takes objects away that nobody needs."""
        for name in names:
            with suppress(NotFoundError):
                await self.client.call(Request("delete", TYPE, self.namespace, name))
