"""The key ring follows GithubEventSources and Secrets of a real store, and each source's status says how it stands."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kabanero.model.errors import StoreUnavailableError
from kabanero.model.kinds.core import SECRET
from kabanero.model.resource import Key, Resource
from kabanero.ports import Store
from kabanero.sources.github_keys import KeyRing
from kabanero.sources.github_origin import Origin
from kabanero.sources.github_refusal import UnverifiedError
from kabanero.sources.github_secrets import RETRY_SECONDS, SOURCE, GithubSecrets
from kabanero.sources.github_signature import sign
from kabanero.stores.sqlite import SqliteStore

from tests.support.clock import FakeClock

HELLO = Origin("github.com", "acme", "hello")
NAMESPACE = "kabanero"


class World:
    """A store with the follower at work on it."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock, self.keys = store, clock, KeyRing(NAMESPACE)
        self.secrets = GithubSecrets(store, clock, self.keys)

    async def create(self, *resources: Resource) -> None:
        for resource in resources:
            await self.store.create(resource)

    def accepts(self, secret: bytes) -> bool:
        try:
            return bool(self.keys.verify(HELLO, b"{}", sign(secret, b"{}")))
        except UnverifiedError:
            return False

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    async def status_of(self, name: str = "hello", **wanted: Any) -> dict[str, Any]:
        """Waits until the status has these fields."""
        async with asyncio.timeout(10):
            async for change in self.store.watch(SOURCE):
                status = change.resource.get("status") or {}
                if change.resource["metadata"]["name"] == name and wanted.items() <= status.items():
                    return dict(status)
        raise AssertionError("the watch ended")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    store = await SqliteStore.open(tmp_path / "store.db", clock)
    world = World(store, clock)
    following = asyncio.create_task(world.secrets.run())
    await world.secrets.ready.wait()
    yield world
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await store.close()


def source(url: str = "https://github.com/acme/hello", previous: str = "", **spec: Any) -> Resource:
    spec = {"url": url, "webhookSecret": {"name": "hook", "key": "secret"}} | spec
    if previous:
        spec["previousWebhookSecret"] = {"name": previous, "key": "secret"}
    metadata = {"name": "hello", "namespace": NAMESPACE}
    return {"apiVersion": SOURCE.api_version, "kind": SOURCE.kind, "metadata": metadata, "spec": spec}


def secret(value: bytes, name: str = "hook", key: str = "secret") -> Resource:
    data = {key: base64.b64encode(value).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


async def test_a_source_with_its_secret_is_configured(world: World) -> None:
    await world.create(secret(b"s"), source())
    status = await world.status_of(configured=True)

    assert world.accepts(b"s")
    (ready,) = status["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "True", "SecretFound")
    assert ready["lastTransitionTime"] == "2026-01-01T12:00:00Z"


async def test_a_source_before_its_secret_says_what_is_missing(world: World) -> None:
    await world.create(source())
    status = await world.status_of(configured=False)

    assert status["message"] == "webhooks are refused: Secret kabanero/hook is not there"
    assert status["conditions"][0]["status"] == "False"


async def test_a_secret_that_comes_later_makes_the_source_ready(world: World) -> None:
    await world.create(source())
    await world.status_of(configured=False)
    await world.create(secret(b"s"))

    await world.status_of(configured=True)
    assert world.accepts(b"s")


async def test_a_changed_secret_takes_the_place_of_the_old_one(world: World) -> None:
    await world.create(secret(b"old"), source())
    await world.status_of(configured=True)
    await world.store.update(secret(b"new"))

    await world.until(lambda: world.accepts(b"new"))
    assert not world.accepts(b"old")


async def test_while_a_rotation_is_under_way_both_secrets_are_valid(world: World) -> None:
    await world.create(secret(b"new"), secret(b"old", "before"), source(previous="before"))
    await world.status_of(configured=True)

    assert world.accepts(b"new")
    assert world.accepts(b"old")


async def test_a_previous_secret_that_is_gone_is_told_but_does_no_harm(world: World) -> None:
    await world.create(secret(b"new"), source(previous="before"))
    status = await world.status_of(configured=True)

    assert "one secret only: Secret kabanero/before is not there" in status["message"]


async def test_a_deleted_secret_is_not_valid_any_more(world: World) -> None:
    await world.create(secret(b"s"), source())
    await world.status_of(configured=True)
    await world.store.delete(Key(SECRET, NAMESPACE, "hook"))

    await world.status_of(configured=False)
    assert not world.accepts(b"s")


async def test_a_deleted_source_is_not_believed_any_more(world: World) -> None:
    await world.create(secret(b"s"), source())
    await world.status_of(configured=True)
    await world.store.delete(Key(SOURCE, NAMESPACE, "hello"))

    await world.until(lambda: not world.accepts(b"s"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("token", b"s", "has no readable key 'secret'; it has token"),
        ("secret", b"", "has nothing under key 'secret'"),
        ("secret", b"\n", "has nothing under key 'secret'"),
    ],
)
async def test_a_secret_without_a_value_is_told(world: World, key: str, value: bytes, message: str) -> None:
    await world.create(secret(value, key=key), source())
    status = await world.status_of(configured=False)

    assert message in status["message"]
    assert not world.accepts(b"")


async def test_a_line_break_at_the_end_of_a_secret_may_be_part_of_it_or_not(world: World) -> None:
    await world.create(secret(b"s\n"), source())
    await world.status_of(configured=True)

    assert world.accepts(b"s")
    assert world.accepts(b"s\n")


async def test_a_url_that_covers_nothing_is_told_with_its_form(world: World) -> None:
    await world.create(secret(b"s"), source("git@github.com:acme/hello.git"))
    status = await world.status_of(configured=False)

    assert "spec.url" in status["message"]
    assert status["conditions"][0]["reason"] == "InvalidSpec"


async def test_a_source_without_webhook_secret_is_told(world: World) -> None:
    await world.create(source(webhookSecret=None, apiSecret="api"))

    assert "spec.webhookSecret" in (await world.status_of(configured=False))["message"]


async def test_a_status_that_says_nothing_new_is_not_written_again(world: World) -> None:
    await world.create(secret(b"s"), source())
    await world.status_of(configured=True)
    key = Key(SOURCE, NAMESPACE, "hello")
    before = (await world.store.get(key))["metadata"]["resourceVersion"]
    await world.store.update(secret(b"t"))
    await world.until(lambda: world.accepts(b"t"))

    assert (await world.store.get(key))["metadata"]["resourceVersion"] == before


async def test_what_happened_while_the_store_was_away_is_found_again(tmp_path: Path) -> None:
    clock = FakeClock()
    store = await SqliteStore.open(tmp_path / "store.db", clock)
    broken = _Broken(store)
    world = World(broken, clock)  # type: ignore[arg-type]
    following = asyncio.create_task(world.secrets.run())
    await broken.asked.wait()
    await world.create(secret(b"s"), source())
    broken.away = False
    while not world.secrets.ready.is_set():
        clock.advance(RETRY_SECONDS)
        await asyncio.sleep(0)

    assert world.accepts(b"s")
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await store.close()


class _Broken:
    """A store whose lists fail until it is back."""

    def __init__(self, store: Store) -> None:
        self._store, self.away, self.asked = store, True, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def list(self, *arguments: Any, **options: Any) -> Any:
        self.asked.set()
        if self.away:
            raise StoreUnavailableError("away")
        return await self._store.list(*arguments, **options)
