"""Whatever is written, the SQLite store is as a plain dictionary would be: by list, selector, page and watch."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some
from kabanero.model.errors import KabaneroError
from kabanero.model.resource import Resource
from kabanero.model.selectors import EVERYTHING, Selector, parse_selector
from kabanero.stores.sqlite import SqliteStore

from tests.contract.resources import TYPE, key, names, stage_run, with_attempt, with_metadata, with_phase
from tests.support.clock import FakeClock

NAMES = ("a", "b", "c")
FINALIZER = "example.com/f"
SELECTORS = (
    EVERYTHING,
    parse_selector("app=shop"),
    parse_selector("app!=shop"),
    parse_selector("", "status.phase=Running"),
    parse_selector("app=shop", "status.phase=Running"),
)


@dataclass(frozen=True)
class Known:
    """What the model knows of one resource."""

    attempt: int = 1
    phase: str = ""
    app: str = ""
    generation: int = 1
    held: bool = False
    deleting: bool = False


@dataclass(frozen=True)
class Step:
    verb: str
    name: str
    value: str = ""


@dataclass
class Model:
    known: dict[str, Known] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        old = self.known.get(step.name)
        if step.verb == "create":
            self.known.setdefault(step.name, Known(app=step.value, held=step.value == "bank"))
        elif old is not None:
            new = getattr(self, step.verb)(old, step.value)
            self.known.update({step.name: new}) if new else self.known.pop(step.name)

    def spec(self, old: Known, value: str) -> Known:
        attempt = len(value) + 1
        return replace(old, attempt=attempt, generation=old.generation + (attempt != old.attempt))

    def status(self, old: Known, value: str) -> Known:
        return replace(old, phase=value)

    def label(self, old: Known, value: str) -> Known:
        return replace(old, app=value)

    def release(self, old: Known, _: str) -> Known | None:
        return None if old.deleting else replace(old, held=False)

    def delete(self, old: Known, _: str) -> Known | None:
        if not old.held:
            return None
        return old if old.deleting else replace(old, deleting=True, generation=old.generation + 1)


async def carry_out(store: SqliteStore, step: Step) -> None:
    if step.verb == "create":
        finalizers = [FINALIZER] if step.value == "bank" else []
        await store.create(stage_run(step.name, labels={"app": step.value}, finalizers=finalizers))
        return
    old = await store.get(key(step.name))
    match step.verb:
        case "spec":
            await store.update(with_attempt(old, len(step.value) + 1))
        case "status":
            await store.update(with_phase(old, step.value), status=True)
        case "label":
            await store.update(with_metadata(old, labels={"app": step.value}))
        case "release":
            await store.update(with_metadata(old, finalizers=[]))
        case "delete":
            await store.delete(key(step.name))


def seen(resource: Resource) -> Known:
    metadata = resource["metadata"]
    return Known(
        attempt=resource["spec"]["attempt"],
        phase=resource.get("status", {}).get("phase", ""),
        app=metadata["labels"]["app"],
        generation=metadata["generation"],
        held=bool(metadata.get("finalizers")),
        deleting="deletionTimestamp" in metadata,
    )


def by_name(items: list[Resource]) -> dict[str, Known]:
    return {each["metadata"]["name"]: seen(each) for each in items}


async def watched(store: SqliteStore, selector: Selector, since: str) -> dict[str, Known]:
    """The state that a client has who only watched, up to now."""
    found: dict[str, Known] = {}
    async for event in store.watch(TYPE, selector=selector, since=since, timeout=0):
        name = event.resource["metadata"]["name"]
        found.pop(name, None)
        if event.change != "DELETED":
            found[name] = seen(event.resource)
    return found


async def paged(store: SqliteStore, selector: Selector) -> list[str]:
    page = await store.list(TYPE, selector=selector, limit=1)
    found = names(page.items)
    while page.next_token:
        page = await store.list(TYPE, selector=selector, limit=1, token=page.next_token)
        found += names(page.items)
    return found


async def compare(steps: list[Step]) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "store.db", FakeClock())
        since = (await store.list(TYPE)).resource_version
        for step in steps:
            try:
                await carry_out(store, step)
            except KabaneroError:
                assert (step.verb == "create") == (step.name in model.known)
            model.take(step)
        assert by_name((await store.list(TYPE)).items) == model.known
        for selector in SELECTORS:
            everything = (await store.list(TYPE)).items
            found = (await store.list(TYPE, selector=selector)).items
            assert found == [each for each in everything if selector.matches(each)]
            assert await paged(store, selector) == names(found)
            assert await watched(store, selector, since) == by_name(found)
        await store.close()


STEPS = some.builds(
    Step,
    some.sampled_from(("create", "create", "spec", "status", "label", "release", "delete")),
    some.sampled_from(NAMES),
    some.sampled_from(("shop", "bank", "Running")),
)


@settings(max_examples=30, deadline=None)
@given(some.lists(STEPS, max_size=25))
def test_the_store_is_as_the_model_says(steps: list[Step]) -> None:
    asyncio.run(compare(steps))
