"""What a bus promises to those who publish, and how kept events are found."""

from __future__ import annotations

import asyncio

from kabanero.ports import Bus, EventQuery, Fate

from tests.contract.conftest import BusUnderTest
from tests.contract.events import event, reading


async def test_sequences_rise_with_every_event(bus: Bus) -> None:
    published = [*await bus.publish([event(), event()]), *await bus.publish([event()])]
    sequences = [each.sequence for each in published]
    assert sequences == sorted(set(sequences))


async def test_a_second_publication_of_an_identity_is_a_duplicate_of_the_first(bus: Bus) -> None:
    first, *_ = await bus.publish([event("one")])
    again, *_ = await bus.publish([event("one")])
    assert (again.duplicate, again.sequence) == (True, first.sequence)


async def test_a_duplicate_is_recognised_within_one_publication(bus: Bus) -> None:
    published = await bus.publish([event("one"), event("two"), event("one")])
    assert [each.duplicate for each in published] == [False, False, True]


async def test_a_duplicate_is_recognised_among_concurrent_publications(bus: Bus) -> None:
    published = await asyncio.gather(*(bus.publish([event(f"e{number % 10}")]) for number in range(200)))
    assert sum(not each.duplicate for answers in published for each in answers) == 10


async def test_the_same_id_of_another_source_is_another_event(bus: Bus) -> None:
    one = event("one")
    other = type(one)(**{**one.__dict__, "source": "/elsewhere"})
    published = await bus.publish([one, other])
    assert [each.duplicate for each in published] == [False, False]


async def test_a_duplicate_is_not_delivered(bus: Bus) -> None:
    await bus.publish([event("one")])
    await bus.publish([event("one"), event("two")])
    async with reading(bus) as reader:
        assert await reader.ids(2) == ["one", "two"]


async def test_publishing_nothing_is_possible(bus: Bus) -> None:
    assert list(await bus.publish([])) == []


async def test_an_event_comes_out_as_it_went_in(bus: Bus) -> None:
    given = event("ünï/çode", context="ctx", key="/k/repository/github/ä")
    await bus.publish([given])
    async with reading(bus) as reader:
        assert (await reader.next()).event == given


async def test_an_event_is_kept_as_it_went_in(bus_under_test: BusUnderTest) -> None:
    given = event(context="ctx")
    await bus_under_test.bus.publish([given])
    bus = await bus_under_test.reopen()
    assert [each.event for each in await bus.find(EventQuery())] == [given]


async def test_events_are_found_newest_first(bus: Bus) -> None:
    await bus.publish([event("a"), event("b"), event("c")])
    assert [each.event.id for each in await bus.find(EventQuery(limit=2))] == ["c", "b"]


async def test_events_are_found_by_id_topic_path_and_context(bus: Bus) -> None:
    await bus.publish([event("a"), event("b", topic="Timer"), event("c", key="/k/timer/x"), event("d", context="ctx")])
    queries = [
        EventQuery(id="a"),
        EventQuery(topic="Timer"),
        EventQuery(path_glob="/k/timer/*"),
        EventQuery(context="ctx"),
    ]
    found = [[each.event.id for each in await bus.find(query)] for query in queries]
    assert found == [["a"], ["b"], ["c"], ["d"]]


async def test_events_are_found_between_sequences(bus: Bus) -> None:
    first, _, third = await bus.publish([event("a"), event("b"), event("c")])
    query = EventQuery(after=first.sequence, before=third.sequence)
    assert [each.event.id for each in await bus.find(query)] == ["b"]


async def test_what_became_of_an_event_is_told_for_each_consumer_that_wants_it(bus: Bus) -> None:
    await bus.publish([event("a")])
    async with reading(bus, "one") as one, reading(bus, "two") as two:
        await (await one.next()).ack("started run-1")
        await two.next()
        found = (await bus.find(EventQuery(id="a")))[0].handlings
    told = {(each.consumer, each.fate, each.note) for each in found}
    assert told == {("one", Fate.HANDLED, "started run-1"), ("two", Fate.PENDING, "")}


async def test_an_event_handled_before_an_earlier_one_counts_as_handled(bus: Bus) -> None:
    await bus.publish([event("a", key="/1"), event("b", key="/2")])
    async with reading(bus) as reader:
        _, second = await reader.take(2)
        await second.ack()
        fates = {each.event.id: each.handlings[0].fate for each in await bus.find(EventQuery())}
    assert fates == {"a": Fate.PENDING, "b": Fate.HANDLED}


async def test_events_are_found_by_what_a_consumer_did(bus: Bus) -> None:
    await bus.publish([event("a", key="/1"), event("b", key="/2"), event("c", key="/3")])
    async with reading(bus) as reader:
        a, b, _ = await reader.take(3)
        await a.ack()
        await b.dead("no such thing")
        fates = (Fate.HANDLED, Fate.DEAD, Fate.PENDING)
        found = [[each.event.id for each in await bus.find(EventQuery(fate=fate, consumer="reader"))] for fate in fates]
    assert found == [["a"], ["b"], ["c"]]
