"""What the Kubernetes store remembers, and when it no longer trusts it."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_RUN
from kabanero.model.resource import Key
from kabanero.stores.kubernetes.remembering import Memory

KEY = Key(STAGE_RUN.type, "team", "a")


def at(version: int | str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "resourceVersion": str(version)}}


@pytest.fixture
def memory() -> Memory:
    memory = Memory(3)
    memory.watch_began(STAGE_RUN.type)
    return memory


def test_what_was_heard_last_is_known(memory):
    memory.keep(KEY, at(9))
    memory.keep(KEY, at(10))
    assert memory.recall(KEY) == at(10)


def test_older_news_that_come_late_change_nothing(memory):
    memory.keep(KEY, at(10))
    memory.keep(KEY, at(9))
    assert memory.recall(KEY) == at(10)


def test_what_is_forgotten_is_asked_for_again(memory):
    memory.keep(KEY, at(1))
    memory.forget(KEY)
    assert memory.recall(KEY) is None


def test_without_a_watch_nothing_is_kept(memory):
    run = Key(STRATEGY_RUN.type, "team", "a")
    memory.keep(run, at(1))
    assert memory.recall(run) is None


def test_when_the_last_watch_ends_nothing_is_trusted_any_more(memory):
    memory.watch_began(STAGE_RUN.type)
    memory.keep(KEY, at(1))
    memory.watch_ended(STAGE_RUN.type)
    assert memory.recall(KEY) == at(1)
    memory.watch_ended(STAGE_RUN.type)
    assert memory.recall(KEY) is None


def test_no_more_is_kept_than_the_limit_says(memory):
    keys = [Key(STAGE_RUN.type, "team", f"n{number}") for number in range(5)]
    for key in keys:
        memory.keep(key, at(1))
    assert [memory.recall(key) is not None for key in keys] == [False, False, True, True, True]


def test_a_limit_of_nothing_keeps_nothing():
    memory = Memory(0)
    memory.watch_began(STAGE_RUN.type)
    memory.keep(KEY, at(1))
    assert memory.recall(KEY) is None


# --- all of a kind ---


def named(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": name, "resourceVersion": str(version)}}


def listed(memory: Memory, *resources: dict[str, Any]) -> None:
    memory.keep_all(STAGE_RUN.type, resources, memory.place(STAGE_RUN.type))


def test_a_list_is_brought_up_to_date_by_news(memory):
    listed(memory, named("b", 5), named("c", 6))
    memory.keep(Key(STAGE_RUN.type, "team", "a"), named("a", 7))
    memory.keep(Key(STAGE_RUN.type, "team", "b"), named("b", 4))
    assert memory.recall_all(STAGE_RUN.type) == [named("a", 7), named("b", 5), named("c", 6)]


def test_a_list_with_news_in_between_is_not_trusted(memory):
    place = memory.place(STAGE_RUN.type)
    memory.forget(KEY)
    memory.keep_all(STAGE_RUN.type, [named("a", 5)], place)
    assert memory.recall_all(STAGE_RUN.type) is None


def test_a_list_is_asked_for_again_after_something_was_forgotten(memory):
    listed(memory, named("a", 5), named("b", 6))
    memory.forget(KEY)
    assert memory.recall_all(STAGE_RUN.type) is None


def test_a_list_ends_with_the_last_watch(memory):
    listed(memory, named("a", 5))
    memory.watch_ended(STAGE_RUN.type)
    assert memory.recall_all(STAGE_RUN.type) is None


def test_a_list_that_is_longer_than_the_limit_is_not_kept(memory):
    listed(memory, *(named(name, 5) for name in "abcd"))
    assert memory.recall_all(STAGE_RUN.type) is None
