"""Which consumers there are, durably: what one has not handled is pending even while it is away. Used by `bus`.

They are the keys of one ConfigMap beside the events. A consumer that is new starts at the oldest event that is kept, so
events that all others have handled are opened for it once.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson

from kabanero.buses.kubernetes.objects import name_in, sequence_of
from kabanero.buses.kubernetes.requests import EVENTS_ONLY, Clause, Objects
from kabanero.kubernetes import Request
from kabanero.kubernetes.requests import MERGE_PATCH
from kabanero.model.errors import AlreadyExistsError, NotFoundError
from kabanero.model.kinds.core import CONFIG_MAP
from kabanero.model.resource import Resource
from kabanero.ports import Consumer

log = logging.getLogger(__name__)
NAME = "kabanero-consumers"
SETTLED: tuple[Clause, ...] = (EVENTS_ONLY, ("status.fate", "!=", ""))


class Consumers:
    """All that ever subscribed, as far as was read last."""

    def __init__(self, objects: Objects) -> None:
        self._objects, self._known = objects, dict[str, Consumer]()
        self._coming: dict[str, Consumer] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def wanting(self, topic: str) -> Iterator[Consumer]:
        """Those that get events of a topic, also those that are just being made known."""
        return (consumer for consumer in (self._known | self._coming).values() if consumer.wants(topic))

    async def read(self) -> None:
        """Reads them again: another runner may have enrolled one."""
        try:
            body = await self._objects.client.call(Request("get", CONFIG_MAP, self._objects.namespace, NAME))
        except NotFoundError:
            return
        for name, text in (body.get("data") or {}).items():
            if found := _consumer(name, text):
                self._known[name] = found

    async def enrol(self, consumer: Consumer, written: Callable[[], Awaitable[None]]) -> None:
        """Makes a consumer known. `written` returns when nothing is under way that was decided without it.

        Else an event that others have handled just now would count as handled by all: opened before, and never again.
        """
        await self.read()
        known = self._known.get(consumer.name)
        if known and (known.topics, known.but_not) == (consumer.topics, consumer.but_not):
            return
        self._coming[consumer.name] = consumer
        try:
            await written()
            await self._open_for(consumer, known)
            await self._write({consumer.name: _text(consumer)})
            self._known[consumer.name] = consumer
        finally:
            del self._coming[consumer.name]

    async def forget(self, name: str) -> None:
        """It will never come back."""
        await self._write({name: None})
        self._known.pop(name, None)

    async def _write(self, data: dict[str, Any]) -> None:
        client, namespace = self._objects.client, self._objects.namespace
        request = Request("patch", CONFIG_MAP, namespace, NAME, content_type=MERGE_PATCH)
        while True:
            try:
                await client.call(request, {"data": data})
                return
            except NotFoundError:
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}}
            try:
                await client.call(Request("create", CONFIG_MAP, namespace), body)
            except AlreadyExistsError:
                log.debug("%s was made by another runner", NAME)

    async def _open_for(self, consumer: Consumer, known: Consumer | None) -> None:
        """Before it is made known: killed in between, it is done again."""
        opened = 0
        async for items, _ in self._objects.pages(SETTLED):
            for body in items:
                topic = body["spec"].get("topic", "")
                if consumer.wants(topic) and not (known and known.wants(topic)):
                    await self._open(body)
                    opened += 1
        if opened:
            log.info("Consumer %s is new; %d events that are kept are delivered to it", consumer.name, opened)

    async def _open(self, body: Resource) -> None:
        try:
            await self._objects.patch_status(name_in(body), {"sequence": sequence_of(body), "fate": None})
        except NotFoundError:
            log.debug("%s was pruned", name_in(body))


def _text(consumer: Consumer) -> str:
    return orjson.dumps({"topics": sorted(consumer.topics), "butNot": sorted(consumer.but_not)}).decode()


def _consumer(name: str, text: str) -> Consumer | None:
    try:
        said = orjson.loads(text)
        return Consumer(name, frozenset(said["topics"]), frozenset(said["butNot"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        log.warning("ConfigMap %s says of consumer %s what can't be read; it is left out", NAME, name)
        return None
