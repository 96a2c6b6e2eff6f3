"""Keeps the key ring in step with the store: GithubEventSources, and the Secrets that they name.

Started by `app`. Only secrets that a source names are ever held. While the store is away the ring keeps what it knew.
Each source's status says whether its webhooks can be verified.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from kabanero.model.errors import ExpiredError, InvalidError, NotFoundError, TemporaryError
from kabanero.model.kinds.core import SECRET
from kabanero.model.kinds.registry import GITHUB_EVENT_SOURCE
from kabanero.model.kinds.sources import GithubEventSourceSpec, SecretKeyRef
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.model.validation import validate, without_unknown
from kabanero.ports import Change, Clock, Store, WatchEvent
from kabanero.sources.github_keys import KeyRing, SourceId
from kabanero.sources.github_origin import Names, read_source_url
from kabanero.sources.github_source_status import Finding, invalid, refused, verified, with_status

log = logging.getLogger(__name__)
SOURCE = GITHUB_EVENT_SOURCE.type
RETRY_SECONDS = 1.0
"""Pause before a broken watch is taken up again."""

_SecretId = tuple[str, str]


class GithubSecrets:
    """Follows sources and secrets for as long as `run` runs. `ready` is set when the ring is complete once."""

    def __init__(self, store: Store, clock: Clock, keys: KeyRing) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._sources: dict[SourceId, Resource] = {}
        self._wanted: dict[SourceId, set[_SecretId]] = {}
        self._one_at_a_time = asyncio.Lock()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Never returns; cancel it to end it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(SECRET, self._reload_secrets, self._secret_changed))
            group.create_task(self._follow(SOURCE, self._reload_sources, self._source_changed))

    async def _follow(
        self, type: ResourceType, reload: Callable[[], Awaitable[str]], changed: Callable[[WatchEvent], Awaitable[None]]
    ) -> None:
        while True:
            try:
                since = await reload()
                async for change in self._store.watch(type, since=since):
                    await changed(change)
            except ExpiredError:
                log.info("The watch on %s fell too far behind; reading them again", type.plural)
            except TemporaryError as error:
                log.warning("Can't follow %s: %s", type.plural, error)
            await self._clock.sleep(RETRY_SECONDS)

    async def _reload_sources(self) -> str:
        page = await self._store.list(SOURCE)
        async with self._one_at_a_time:
            for gone in self._sources.keys() - {_id(source) for source in page.items}:
                self._forget(gone)
            for source in page.items:
                await self._take(source)
        self.ready.set()
        return page.resource_version

    async def _reload_secrets(self) -> str:
        # Values are read one by one when a source names them; from here on, only changes count.
        since = (await self._store.list(SECRET, limit=1)).resource_version
        async with self._one_at_a_time:
            for source in list(self._sources.values()):
                await self._take(source)
        return since

    async def _source_changed(self, change: WatchEvent) -> None:
        async with self._one_at_a_time:
            if change.change is Change.DELETED:
                self._forget(_id(change.resource))
            elif change.change is not Change.BOOKMARK:
                await self._take(change.resource)

    async def _secret_changed(self, change: WatchEvent) -> None:
        if change.change is Change.BOOKMARK:
            return
        secret = _id(change.resource)
        async with self._one_at_a_time:
            for id in [id for id, wanted in self._wanted.items() if secret in wanted]:
                await self._take(self._sources[id])

    def _forget(self, id: SourceId) -> None:
        self._sources.pop(id, None)
        self._wanted.pop(id, None)
        self._keys.drop(id)

    async def _take(self, source: Resource) -> None:
        id = _id(source)
        self._sources[id] = source
        self._wanted[id] = set()
        names, secrets, finding = await self._read(id, source)
        # In one step from the old secrets to the new ones: in between, no webhook may find none.
        self._keys.put(id, names, secrets)
        await self._tell(source, finding)

    async def _read(self, id: SourceId, source: Resource) -> tuple[Names, list[bytes], Finding]:
        mistakes = [each for each in validate(source, strict=False) if each.path.startswith("spec")]
        if mistakes:
            return Names(), [], invalid(mistakes)
        spec = GithubEventSourceSpec.model_validate(without_unknown(source)["spec"])
        try:
            names = read_source_url(spec.url)
        except InvalidError as error:
            return Names(), [], invalid(error.problems)
        secrets, problems = [], [] if spec.webhook_secret else ["spec.webhookSecret names no Secret"]
        for ref in filter(None, (spec.webhook_secret, spec.previous_webhook_secret)):
            found, problem = await self._secret(id, ref)
            secrets += found
            problems += [problem] if problem else []
        return names, secrets, verified(spec, problems) if secrets else refused(problems)

    async def _secret(self, id: SourceId, ref: SecretKeyRef) -> tuple[list[bytes], str]:
        namespace = id[0]
        self._wanted[id].add((namespace, ref.name))
        try:
            secret = await self._store.get(Key(SECRET, namespace, ref.name))
        except NotFoundError:
            return [], f"Secret {namespace}/{ref.name} is not there"
        return secret_values(secret, ref.key)

    async def _tell(self, source: Resource, finding: Finding) -> None:
        told = with_status(source, finding, self._clock.now())
        if told is None:
            return
        try:
            await self._store.update(told, status=True)
        except (NotFoundError, TemporaryError) as error:
            # To verify webhooks is what counts; the status is told again with the next change of source or secret.
            log.info("The status of GithubEventSource %s can't be told: %s", _id(source), error)


def secret_values(secret: Resource, key: str) -> tuple[list[bytes], str]:
    """The value under a key, and without its last line break when it has one; or why there is none.

    A line break gets into Secrets by `echo` and can't be typed into GitHub's form, so both readings are valid.
    """
    where = f"Secret {secret['metadata'].get('namespace', '')}/{secret['metadata']['name']}"
    value = _decoded(secret, key)
    if value is None:
        return [], f"{where} has no readable key {key!r}; it has {', '.join(sorted(_data(secret))) or 'none'}"
    values = [value for value in dict.fromkeys((value.rstrip(b"\r\n"), value)) if value.strip()]
    return values, "" if values else f"{where} has nothing under key {key!r}"


def _decoded(secret: Resource, key: str) -> bytes | None:
    value = _data(secret).get(key)
    try:
        return None if value is None else base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None


def _data(secret: Resource) -> dict[str, Any]:
    return secret.get("data") or {}


def _id(resource: Resource) -> tuple[str, str]:
    return resource["metadata"].get("namespace", ""), resource["metadata"]["name"]
