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


def answered(memory: Memory, version: int, key: Key = KEY) -> None:
    memory.answered(key, at(version), memory.asked(key.type))


def reconnect(memory: Memory) -> None:
    memory.watch_ended(STAGE_RUN.type)
    memory.watch_began(STAGE_RUN.type)


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
    for version, key in enumerate(keys, 1):
        memory.keep(key, at(version))
    assert [memory.recall(key) is not None for key in keys] == [False, False, True, True, True]


def test_a_limit_of_nothing_keeps_nothing():
    memory = Memory(0)
    memory.watch_began(STAGE_RUN.type)
    memory.keep(KEY, at(1))
    assert memory.recall(KEY) is None


# --- what comes late ---


def test_what_was_written_is_known_before_a_watch_tells_of_it(memory):
    answered(memory, 10)
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) == at(10)


def test_after_a_conflict_older_news_are_not_taken_for_what_is_known(memory):
    answered(memory, 10)
    memory.forget(KEY)
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) is None


def test_what_was_written_while_the_watch_was_reconnecting_is_not_unwritten_by_older_news(memory):
    memory.watch_ended(STAGE_RUN.type)
    answered(memory, 10)
    memory.watch_began(STAGE_RUN.type)
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) is None
    memory.keep(KEY, at(11))
    assert memory.recall(KEY) == at(11)


def test_what_was_written_before_the_watch_reconnected_is_not_unwritten_by_older_news(memory):
    answered(memory, 10)
    reconnect(memory)
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) is None


def test_what_was_written_and_had_to_make_room_is_not_unwritten_by_older_news(memory):
    answered(memory, 10)
    for version in (11, 12, 13):
        answered(memory, version, Key(STAGE_RUN.type, "team", f"n{version}"))
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) is None


def test_what_was_deleted_is_not_brought_back_by_a_watch_that_is_behind(memory):
    memory.watch_began(STAGE_RUN.type)
    memory.forget(KEY)
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) is None


def test_a_watch_that_is_behind_brings_nothing_that_another_may_not_have_been_told(memory):
    memory.watch_began(STAGE_RUN.type)
    memory.keep(Key(STAGE_RUN.type, "team", "b"), at(9))
    memory.keep(KEY, at(3))
    assert memory.recall(KEY) is None


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back(memory):
    memory.keep(KEY, at(3))
    asked = memory.asked(STAGE_RUN.type)
    memory.keep(KEY, at(4))
    memory.forget(KEY)
    memory.answered(KEY, at(4), asked)
    assert memory.recall(KEY) is None


def test_an_answer_to_what_was_asked_before_the_watch_began_is_not_trusted(memory):
    asked = memory.asked(STAGE_RUN.type)
    reconnect(memory)
    memory.answered(KEY, at(4), asked)
    assert memory.recall(KEY) is None


def test_of_many_deletions_even_those_long_ago_keep_late_answers_out(memory):
    asked = memory.asked(STAGE_RUN.type)
    memory.forget(KEY)
    for number in range(9):
        memory.forget(Key(STAGE_RUN.type, "team", f"n{number}"))
    memory.answered(KEY, at(4), asked)
    assert memory.recall(KEY) is None


def test_the_next_answer_makes_known_again_what_was_forgotten_and_then_news_count(memory):
    answered(memory, 10)
    memory.forget(KEY)
    answered(memory, 11)
    assert memory.recall(KEY) == at(11)
    memory.keep(KEY, at(12))
    assert memory.recall(KEY) == at(12)


def test_an_answer_to_what_was_asked_before_our_write_had_to_make_room_is_not_trusted(memory):
    asked = memory.asked(STAGE_RUN.type)
    answered(memory, 10)
    for version in (11, 12, 13):
        answered(memory, version, Key(STAGE_RUN.type, "team", f"n{version}"))
    memory.answered(KEY, at(3), asked)
    assert memory.recall(KEY) is None


def test_a_write_whose_answer_is_not_trusted_still_replaces_what_was_before(memory):
    asked = memory.asked(STAGE_RUN.type)
    reconnect(memory)
    answered(memory, 4)
    memory.answered(KEY, at(5), asked)
    assert memory.recall(KEY) is None


def test_news_of_one_that_an_answer_made_known_again_count_on_the_next_watch_too(memory):
    memory.forget(KEY)
    answered(memory, 4)
    reconnect(memory)
    memory.keep(KEY, at(5))
    assert memory.recall(KEY) == at(5)


def test_what_befalls_one_keeps_the_news_of_no_other_out(memory):
    other = Key(STAGE_RUN.type, "team", "b")
    memory.keep(other, at(5))
    answered(memory, 10)
    memory.forget(KEY)
    memory.keep(other, at(7))  # The watch is not where our own write was, but it tells more than is known.
    assert memory.recall(other) == at(7)


def test_an_old_resource_is_kept_when_the_server_answers_with_it(memory):
    memory.keep(KEY, at(10))
    other = Key(STAGE_RUN.type, "team", "b")
    answered(memory, 2, other)
    assert memory.recall(other) == at(2)


# --- all of a kind ---


def named(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": name, "resourceVersion": str(version)}}


def listed(memory: Memory, *resources: dict[str, Any], version: int = 6) -> None:
    memory.keep_all(STAGE_RUN.type, resources, str(version), memory.place(STAGE_RUN.type))


def test_a_list_is_brought_up_to_date_by_news(memory):
    listed(memory, named("b", 5), named("c", 6))
    memory.keep(Key(STAGE_RUN.type, "team", "a"), named("a", 7))
    memory.keep(Key(STAGE_RUN.type, "team", "b"), named("b", 4))
    assert memory.recall_all(STAGE_RUN.type) == [named("a", 7), named("b", 5), named("c", 6)]


def test_a_list_with_news_in_between_is_not_trusted(memory):
    place = memory.place(STAGE_RUN.type)
    memory.forget(KEY)
    memory.keep_all(STAGE_RUN.type, [named("a", 5)], "6", place)
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


def test_a_list_is_not_joined_by_what_it_already_left_out(memory):
    listed(memory, named("b", 5), version=8)
    memory.keep(KEY, named("a", 3))
    answered(memory, 4)
    assert memory.recall_all(STAGE_RUN.type) == [named("b", 5)]


def test_a_list_without_what_was_written_is_not_trusted(memory):
    asked = memory.asked(STAGE_RUN.type)
    memory.forget(KEY)
    listed(memory, named("b", 5), version=8)
    memory.answered(KEY, at(9), asked)
    assert memory.recall_all(STAGE_RUN.type) is None
