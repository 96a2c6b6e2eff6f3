"""What a store does to resources when they are created, updated and deleted."""

from __future__ import annotations

import asyncio
import copy

import pytest
from kabanero.model.errors import AlreadyExistsError, ConflictError, InvalidError, NotFoundError
from kabanero.ports import Store, Write

from tests.contract.resources import (
    TYPE,
    exists,
    first,
    key,
    key_of,
    stage_run,
    version,
    with_attempt,
    with_metadata,
    with_phase,
    without_version,
)


async def test_a_created_resource_is_stamped(store: Store) -> None:
    metadata = (await store.create(stage_run("a")))["metadata"]
    assert metadata["uid"] and metadata["resourceVersion"] and metadata["creationTimestamp"].endswith("Z")
    assert metadata["generation"] == 1


async def test_a_resource_is_read_as_it_was_answered(store: Store) -> None:
    created = await store.create(stage_run("a", labels={"x": "y"}, annotations={"note": "ünï"}))
    assert await store.get(key("a")) == created


async def test_a_recent_read_shows_what_was_written_here(store: Store) -> None:
    watching = asyncio.create_task(
        first(1, store.watch(TYPE, since=(await store.list(TYPE, limit=1)).resource_version))
    )
    created = await store.create(stage_run("a"))
    await watching
    assert await store.get(key("a"), recent=True) == created
    updated = await store.update(with_attempt(created, 2))
    assert await store.get(key("a"), recent=True) == updated
    await store.delete(key("a"))
    with pytest.raises(NotFoundError):
        await store.get(key("a"), recent=True)


async def test_a_resource_given_in_is_not_modified(store: Store) -> None:
    given = stage_run("a")
    before = copy.deepcopy(given)
    await store.create(given)
    assert given == before


async def test_what_the_caller_does_to_a_resource_later_does_not_reach_the_store(store: Store) -> None:
    given = stage_run("a", labels={"x": "y"})
    await store.create(given)
    given["metadata"]["labels"]["x"] = "z"
    assert (await store.get(key("a")))["metadata"]["labels"] == {"x": "y"}


async def test_a_name_can_be_taken_once(store: Store) -> None:
    await store.create(stage_run("a"))
    with pytest.raises(AlreadyExistsError):
        await store.create(stage_run("a"))


async def test_of_many_who_create_one_name_one_succeeds(store: Store) -> None:
    answers = await asyncio.gather(*(store.create(stage_run("a")) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, dict) for answer in answers) == 1


async def test_a_deleted_name_can_be_taken_again_with_another_uid(store: Store) -> None:
    first = await store.create(stage_run("a"))
    await store.delete(key("a"))
    second = await store.create(stage_run("a"))
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_a_name_is_generated(store: Store) -> None:
    given = stage_run("", generateName="run-")
    created = [await store.create(given) for _ in range(3)]
    generated = {each["metadata"]["name"] for each in created}
    assert len(generated) == 3 and all(name.startswith("run-") and len(name) == 9 for name in generated)


async def test_a_resource_without_any_name_is_invalid(store: Store) -> None:
    with pytest.raises(InvalidError, match="name"):
        await store.create(stage_run(""))


async def test_a_status_given_at_creation_is_left_out(store: Store) -> None:
    assert "status" not in await store.create(with_phase(stage_run("a"), "Running"))


async def test_a_dry_run_creates_nothing(store: Store) -> None:
    assert (await store.create(stage_run("a"), dry_run=True))["metadata"]["name"] == "a"
    assert not await exists(store, "a")


async def test_what_is_not_there_can_not_be_read_updated_or_deleted(store: Store) -> None:
    for call in (store.get(key("a")), store.update(stage_run("a")), store.delete(key("a"))):
        with pytest.raises(NotFoundError):
            await call


async def test_an_update_makes_a_new_version(store: Store) -> None:
    created = await store.create(stage_run("a"))
    updated = await store.update(with_attempt(created, 2))
    assert version(updated) != version(created)
    assert updated["spec"]["attempt"] == 2


async def test_an_update_of_the_spec_counts_the_generation_up(store: Store) -> None:
    updated = await store.update(with_attempt(await store.create(stage_run("a")), 2))
    assert updated["metadata"]["generation"] == 2


async def test_an_update_of_labels_or_status_leaves_the_generation(store: Store) -> None:
    labelled = await store.update(with_metadata(await store.create(stage_run("a")), labels={"x": "y"}))
    running = await store.update(with_phase(labelled, "Running"), status=True)
    assert running["metadata"]["generation"] == 1


async def test_an_update_that_changes_nothing_makes_no_version(store: Store) -> None:
    created = await store.create(stage_run("a", labels={"x": "y"}))
    assert version(await store.update(created)) == version(created)


async def test_a_status_update_that_changes_nothing_makes_no_version(store: Store) -> None:
    running = await store.update(with_phase(await store.create(stage_run("a")), "Running"), status=True)
    assert version(await store.update(running, status=True)) == version(running)


async def test_an_update_from_an_old_version_is_a_conflict(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    with pytest.raises(ConflictError):
        await store.update(with_attempt(created, 3))


async def test_a_status_update_from_an_old_version_is_a_conflict(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    with pytest.raises(ConflictError):
        await store.update(with_phase(created, "Running"), status=True)


async def test_an_update_without_a_version_overwrites(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    assert (await store.update(with_attempt(without_version(created), 3)))["spec"]["attempt"] == 3


async def test_an_update_of_another_uid_is_a_conflict(store: Store) -> None:
    created = await store.create(stage_run("a"))
    other = with_metadata(without_version(created), uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises(ConflictError):
        await store.update(with_attempt(other, 2))


async def test_of_many_updates_from_one_version_one_succeeds(store: Store) -> None:
    created = await store.create(stage_run("a"))
    updates = (store.update(with_attempt(created, attempt)) for attempt in range(2, 12))
    answers = await asyncio.gather(*updates, return_exceptions=True)
    assert sum(isinstance(answer, ConflictError) for answer in answers) == 9


async def test_an_update_ignores_the_status(store: Store) -> None:
    running = await store.update(with_phase(await store.create(stage_run("a")), "Running"), status=True)
    updated = await store.update(with_phase(with_attempt(running, 2), "Failed"))
    assert (updated["spec"]["attempt"], updated["status"]["phase"]) == (2, "Running")


async def test_a_status_update_ignores_all_else(store: Store) -> None:
    created = await store.create(stage_run("a", labels={"x": "y"}))
    given = with_metadata(
        with_attempt(with_phase(created, "Running"), 2), labels={"x": "z"}, finalizers=["example.com/f"]
    )
    updated = await store.update(given, status=True)
    assert updated["status"]["phase"] == "Running"
    assert updated["spec"] == created["spec"]
    assert updated["metadata"]["labels"] == {"x": "y"} and "finalizers" not in updated["metadata"]


async def test_an_update_can_not_change_what_the_store_stamps(store: Store) -> None:
    created = await store.create(stage_run("a"))
    given = with_metadata(with_attempt(created, 2), creationTimestamp="2001-01-01T00:00:00Z", generation=77)
    updated = await store.update(given)
    assert updated["metadata"]["creationTimestamp"] == created["metadata"]["creationTimestamp"]
    assert updated["metadata"]["generation"] == 2


async def test_a_dry_run_updates_nothing(store: Store) -> None:
    created = await store.create(stage_run("a"))
    assert (await store.update(with_attempt(created, 2), dry_run=True))["spec"]["attempt"] == 2
    assert await store.get(key("a")) == created


async def test_a_deleted_resource_is_gone_and_was_answered_as_last_seen(store: Store) -> None:
    created = await store.create(stage_run("a"))
    deleted = await store.delete(key("a"))
    assert deleted["spec"] == created["spec"]
    assert not await exists(store, "a")


async def test_a_dry_run_deletes_nothing(store: Store) -> None:
    await store.create(stage_run("a"))
    await store.delete(key("a"), dry_run=True)
    assert await exists(store, "a")


async def test_a_deletion_of_another_uid_or_version_is_a_conflict(store: Store) -> None:
    created = await store.create(stage_run("a"))
    await store.update(with_attempt(created, 2))
    with pytest.raises(ConflictError):
        await store.delete(key("a"), uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises(ConflictError):
        await store.delete(key("a"), resource_version=version(created))


async def test_a_finalizer_holds_a_deletion_until_it_is_taken_off(store: Store) -> None:
    await store.create(stage_run("a", finalizers=["example.com/f"]))
    deleting = await store.delete(key("a"))
    assert deleting["metadata"]["deletionTimestamp"]
    await store.update(with_metadata(await store.get(key("a")), finalizers=[]))
    assert not await exists(store, "a")


async def test_deleting_twice_changes_nothing(store: Store) -> None:
    await store.create(stage_run("a", finalizers=["example.com/f"]))
    first = await store.delete(key("a"))
    second = await store.delete(key("a"))
    assert first["metadata"]["deletionTimestamp"] == second["metadata"]["deletionTimestamp"]


async def test_no_finalizer_can_be_added_while_a_resource_is_deleted(store: Store) -> None:
    await store.create(stage_run("a", finalizers=["example.com/f"]))
    deleting = await store.delete(key("a"))
    with pytest.raises(InvalidError, match="finalizers"):
        await store.update(with_metadata(deleting, finalizers=["example.com/f", "example.com/g"]))


async def test_many_writes_are_answered_in_their_order(store: Store) -> None:
    there = await store.create(stage_run("there"))
    writes = [
        Write("create", stage_run("a")),
        Write("create", stage_run("there")),
        Write("update", with_attempt(there, 2)),
        Write("update", stage_run("missing")),
    ]
    a, taken, updated, missing = await store.write_all(writes)
    assert isinstance(a, dict) and isinstance(updated, dict)
    assert isinstance(taken, AlreadyExistsError) and isinstance(missing, NotFoundError)


async def test_one_of_many_writes_sees_those_before_it(store: Store) -> None:
    writes = [Write("create", stage_run("a")), Write("update_status", with_phase(stage_run("a"), "Running"))]
    _, running = await store.write_all(writes)
    assert isinstance(running, dict) and await store.get(key_of(running)) == running
