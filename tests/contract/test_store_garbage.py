"""What becomes of owned resources: background, foreground and orphaning deletion."""

from __future__ import annotations

import asyncio

from kabanero.ports import Store, Write

from tests.contract.resources import MOMENT, eventually, exists, key, owned_by, stage_run, with_metadata


async def gone(store: Store, *wanted: str) -> bool:
    return not any([await exists(store, name) for name in wanted])


async def test_what_an_owner_owned_goes_after_it(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    await store.create(stage_run("owned", ownerReferences=owned_by(owner)))
    await store.delete(key("owner"))
    await eventually(lambda: gone(store, "owned"))


async def test_what_the_owned_owned_goes_too(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    owned = await store.create(stage_run("owned", ownerReferences=owned_by(owner)))
    await store.create(stage_run("owned-by-owned", ownerReferences=owned_by(owned)))
    await store.delete(key("owner"))
    await eventually(lambda: gone(store, "owned", "owned-by-owned"))


async def test_hundreds_of_owned_resources_go(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    owned = [stage_run(f"owned-{number}", ownerReferences=owned_by(owner)) for number in range(230)]
    await store.write_all([Write("create", each) for each in owned])
    await store.delete(key("owner"))
    await eventually(lambda: gone(store, *(each["metadata"]["name"] for each in owned)))


async def test_what_has_another_owner_stays_and_loses_the_reference(store: Store) -> None:
    one, two = await store.create(stage_run("one")), await store.create(stage_run("two"))
    await store.create(stage_run("owned", ownerReferences=[*owned_by(one), *owned_by(two)]))

    async def has_one_owner() -> bool:
        return (await store.get(key("owned")))["metadata"]["ownerReferences"] == owned_by(two)

    await store.delete(key("one"))
    await eventually(has_one_owner)


async def test_a_resource_made_after_its_owner_had_gone_goes(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    await store.delete(key("owner"))
    await store.create(stage_run("owned", ownerReferences=owned_by(owner)))
    await eventually(lambda: gone(store, "owned"))


async def test_an_owner_of_the_same_name_made_anew_is_another_owner(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    await store.create(stage_run("owned", ownerReferences=owned_by(owner)))
    await store.delete(key("owner"))
    await store.create(stage_run("owner"))
    await eventually(lambda: gone(store, "owned"))


async def test_owned_resources_with_finalizers_wait_for_them(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    await store.create(stage_run("owned", ownerReferences=owned_by(owner), finalizers=["example.com/f"]))
    await store.delete(key("owner"))

    async def is_deleting() -> bool:
        return "deletionTimestamp" in (await store.get(key("owned")))["metadata"]

    await eventually(is_deleting)
    await store.update(with_metadata(await store.get(key("owned")), finalizers=[]))
    await eventually(lambda: gone(store, "owned"))


async def test_orphaning_leaves_what_was_owned_without_an_owner(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    await store.create(stage_run("owned", ownerReferences=owned_by(owner)))
    await store.delete(key("owner"), propagation="Orphan")
    await eventually(lambda: gone(store, "owner"))
    assert "ownerReferences" not in (await store.get(key("owned")))["metadata"]


async def test_in_foreground_the_owner_waits_for_what_blocks_it(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    references = owned_by(owner, blocks=True)
    await store.create(stage_run("owned", ownerReferences=references, finalizers=["example.com/f"]))
    deleting = await store.delete(key("owner"), propagation="Foreground")
    assert deleting["metadata"]["finalizers"] == ["foregroundDeletion"]
    await asyncio.sleep(MOMENT)
    assert await exists(store, "owner")
    await store.update(with_metadata(await store.get(key("owned")), finalizers=[]))
    await eventually(lambda: gone(store, "owner", "owned"))


async def test_in_foreground_what_does_not_block_goes_all_the_same(store: Store) -> None:
    owner = await store.create(stage_run("owner"))
    await store.create(stage_run("owned", ownerReferences=owned_by(owner)))
    await store.delete(key("owner"), propagation="Foreground")
    await eventually(lambda: gone(store, "owner", "owned"))


async def test_in_foreground_many_generations_go_from_the_last_to_the_first(store: Store) -> None:
    owner = await store.create(stage_run("a"))
    child = await store.create(stage_run("b", ownerReferences=owned_by(owner, blocks=True)))
    await store.create(stage_run("c", ownerReferences=owned_by(child, blocks=True)))
    since = (await store.list(key("a").type, limit=1)).resource_version
    await store.delete(key("a"), propagation="Foreground")
    await eventually(lambda: gone(store, "a", "b", "c"))
    deleted = []
    async for told in store.watch(key("a").type, since=since):
        if told.change == "DELETED":
            deleted.append(told.resource["metadata"]["name"])
        if len(deleted) == 3:
            break
    assert deleted == ["c", "b", "a"]
