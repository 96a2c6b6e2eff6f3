"""What every store knows of the kinds that it holds."""

from __future__ import annotations

from kabanero.model.kinds.core import SECRET
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import API_VERSION
from kabanero.ports import Store


async def test_finds_a_kind_of_ours(store: Store) -> None:
    found = await store.find_type(API_VERSION, "StageRun")
    assert found and (found.plural, found.namespaced) == (STAGE_RUN.type.plural, True)


async def test_finds_a_kind_of_the_core_group(store: Store) -> None:
    found = await store.find_type("v1", "Secret")
    assert found and found.plural == SECRET.plural


async def test_what_was_found_can_be_listed(store: Store) -> None:
    found = await store.find_type("v1", "Namespace")
    assert found and not found.namespaced
    await store.list(found)


async def test_a_kind_that_is_not_there_is_none(store: Store) -> None:
    assert await store.find_type("example.com/v1", "Unheard") is None
    assert await store.find_type(API_VERSION, "Unheard") is None


async def test_a_kind_of_another_version_is_none(store: Store) -> None:
    assert await store.find_type("kabanero.io/v9", "StageRun") is None


async def test_all_kinds_that_can_be_watched_are_told(store: Store) -> None:
    found = {(each.api_version, each.kind): each for each in await store.all_types()}
    assert found["v1", "Namespace"].plural == "namespaces" and not found["v1", "Namespace"].namespaced
    assert found[API_VERSION, "StageRun"].plural == "stageruns"


async def test_of_several_versions_of_a_kind_one_is_told(store: Store) -> None:
    found = [(each.group, each.kind) for each in await store.all_types()]
    assert len(set(found)) == len(found)
