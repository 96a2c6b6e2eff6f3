"""What a bus promises to consumers: order, at least once, back-off, dead letters, replay, timers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from kabanero.ports import Bus, Consumer, EventQuery, Fate

from tests.contract.conftest import BusUnderTest
from tests.contract.events import event, reading
from tests.support.clock import FakeClock


async def test_a_new_consumer_starts_at_the_oldest_event(bus: Bus) -> None:
    await bus.publish([event("a"), event("b")])
    async with reading(bus) as reader:
        assert await reader.ids(2) == ["a", "b"]


async def test_a_published_event_reaches_a_waiting_consumer(bus: Bus) -> None:
    async with reading(bus) as reader:
        assert await reader.has_nothing()
        await bus.publish([event("a")])
        assert await reader.ids(1) == ["a"]


async def test_each_consumer_gets_every_event(bus: Bus) -> None:
    async with reading(bus, "one") as one, reading(bus, "two") as two:
        await bus.publish([event("a")])
        assert (await one.ids(1), await two.ids(1)) == (["a"], ["a"])


async def test_a_consumer_gets_its_topics_only(bus: Bus) -> None:
    await bus.publish([event("a", topic="Timer"), event("b"), event("c", topic="Timer")])
    async with reading(bus, Consumer("timers", topics=frozenset({"Timer"}))) as reader:
        assert await reader.ids(2) == ["a", "c"]


async def test_a_consumer_gets_no_topic_that_it_excludes(bus: Bus) -> None:
    async with reading(bus, Consumer("rest", but_not=frozenset({"Timer"}))) as reader:
        await bus.publish([event("a", topic="Timer"), event("b"), event("c", topic="Timer"), event("d")])
        assert await reader.ids(2) == ["b", "d"]


async def test_events_of_one_key_come_one_at_a_time(bus: Bus) -> None:
    await bus.publish([event("a"), event("b")])
    async with reading(bus) as reader:
        first = await reader.next()
        assert await reader.has_nothing()
        await first.ack()
        assert await reader.ids(1) == ["b"]


async def test_events_of_other_keys_do_not_wait(bus: Bus) -> None:
    await bus.publish([event("a", key="/1"), event("b", key="/1"), event("c", key="/2")])
    async with reading(bus) as reader:
        assert [each.event.id for each in await reader.take(2)] == ["a", "c"]


async def test_many_events_of_one_key_keep_their_order_and_hold_nothing_else_up(bus: Bus) -> None:
    many = [event(f"m{number}", key="/many") for number in range(300)]
    await bus.publish([*many, event("other", key="/other")])
    async with reading(bus, Consumer("reader", max_in_flight=4)) as reader:
        first, other = await reader.take(2)
        assert other.event.id == "other"
        await other.ack()
        await first.ack()
        assert await reader.ids(299) == [each.id for each in many[1:]]


async def test_no_more_than_max_in_flight_are_handed_out(bus: Bus) -> None:
    await bus.publish([event(key=f"/{number}") for number in range(5)])
    async with reading(bus, Consumer("reader", max_in_flight=2)) as reader:
        first, _ = await reader.take(2)
        assert await reader.has_nothing()
        await first.ack()
        await reader.next()


async def test_a_backlog_larger_than_the_window_is_delivered_completely(bus: Bus) -> None:
    events = [event(key=f"/{number % 7}") for number in range(1000)]
    await bus.publish(events)
    async with reading(bus, Consumer("reader", max_in_flight=8)) as reader:
        assert sorted(await reader.ids(1000)) == sorted(each.id for each in events)


async def test_events_published_while_a_backlog_is_read_are_delivered_once(bus: Bus) -> None:
    before, later = ([event(key=f"/{number % 50}") for number in range(400)] for _ in range(2))
    await bus.publish(before)
    async with reading(bus, Consumer("reader", max_in_flight=16)) as reader:
        publishing = asyncio.gather(*(bus.publish([each]) for each in later))
        assert sorted(await reader.ids(800)) == sorted(each.id for each in (*before, *later))
        await publishing
        assert await reader.has_nothing()


async def test_what_was_acknowledged_does_not_come_again(bus_under_test: BusUnderTest) -> None:
    await bus_under_test.bus.publish([event("a"), event("b")])
    async with reading(bus_under_test.bus) as reader:
        await reader.ids(1)
    async with reading(await bus_under_test.reopen()) as reader:
        assert await reader.ids(1) == ["b"]


async def test_what_was_handled_out_of_order_does_not_come_again_after_an_orderly_end(
    bus_under_test: BusUnderTest,
) -> None:
    await bus_under_test.bus.publish([event("a", key="/1"), event("b", key="/2"), event("c", key="/1")])
    async with reading(bus_under_test.bus) as reader:
        _, second = await reader.take(2)
        await second.ack()
    async with reading(await bus_under_test.reopen()) as reader:
        assert await reader.ids(2) == ["a", "c"]
        assert await reader.has_nothing()


async def test_what_an_ended_subscription_left_undone_goes_to_the_next(bus: Bus) -> None:
    await bus.publish([event("a", key="/1"), event("b", key="/2")])
    async with reading(bus) as reader:
        await reader.take(2)
    async with reading(bus) as reader:
        assert await reader.ids(2) == ["a", "b"]


async def test_a_retry_comes_after_the_back_off(bus: Bus, clock: FakeClock) -> None:
    await bus.publish([event("a")])
    async with reading(bus) as reader:
        await (await reader.next()).retry("not now")
        clock.advance(9.9)
        assert await reader.has_nothing()
        clock.advance(0.2)
        assert (await reader.next()).attempt == 2


async def test_the_back_off_grows_to_its_longest(bus: Bus, clock: FakeClock) -> None:
    await bus.publish([event("a")])
    waits = []
    async with reading(bus) as reader:
        for _ in range(4):
            await (await reader.next()).retry("not now")
            handling = (await bus.find(EventQuery(id="a")))[0].handlings[0]
            assert handling.next_attempt is not None
            waits.append((handling.next_attempt - clock.now()).total_seconds())
            clock.advance(waits[-1])
    assert waits == [10, 30, 50, 50]


async def test_later_events_of_a_key_wait_for_one_that_backs_off(bus: Bus, clock: FakeClock) -> None:
    await bus.publish([event("a"), event("b")])
    async with reading(bus) as reader:
        await (await reader.next()).retry("not now")
        await bus.publish([event("c"), event("d", key="/other")])
        assert await reader.ids(1) == ["d"]
        clock.advance(10)
        assert await reader.ids(3) == ["a", "b", "c"]


async def test_a_back_off_survives_a_restart(bus_under_test: BusUnderTest) -> None:
    await bus_under_test.bus.publish([event("a"), event("b")])
    async with reading(bus_under_test.bus) as reader:
        await (await reader.next()).retry("not now")
    async with reading(await bus_under_test.reopen()) as reader:
        assert await reader.has_nothing()
        bus_under_test.clock.advance(10)
        first = await reader.next()
        assert (first.event.id, first.attempt) == ("a", 2)
        await first.ack()
        assert await reader.ids(1) == ["b"]


async def test_after_the_last_attempt_an_event_is_dead_with_its_reason(bus: Bus, clock: FakeClock) -> None:
    await bus.publish([event("a")])
    async with reading(bus, Consumer("reader", max_attempts=2)) as reader:
        await (await reader.next()).retry("first")
        clock.advance(10)
        await (await reader.next()).retry("second")
        handling = (await bus.find(EventQuery(fate=Fate.DEAD)))[0].handlings[0]
    assert (handling.fate, handling.attempts, handling.note) == (Fate.DEAD, 2, "second")


async def test_a_dead_letter_lets_the_next_of_its_key_go_on(bus: Bus) -> None:
    await bus.publish([event("a"), event("b")])
    async with reading(bus) as reader:
        await (await reader.next()).dead("no such thing")
        assert await reader.ids(1) == ["b"]


async def test_a_dead_letter_can_be_replayed(bus: Bus) -> None:
    await bus.publish([event("a"), event("b")])
    async with reading(bus) as reader:
        await (await reader.next()).dead("no such thing")
        await reader.ids(1)
        assert await bus.replay(EventQuery(fate=Fate.DEAD)) == 1
        again = await reader.next()
        assert (again.event.id, again.attempt) == ("a", 1)
        await again.ack("this time")
        handling = (await bus.find(EventQuery(id="a")))[0].handlings[0]
    assert (handling.fate, handling.note) == (Fate.HANDLED, "this time")


async def test_a_replay_for_one_consumer_reaches_no_other(bus: Bus) -> None:
    await bus.publish([event("a")])
    async with reading(bus, "one") as one, reading(bus, "two") as two:
        await one.ids(1)
        await two.ids(1)
        assert await bus.replay(EventQuery(id="a"), consumer="two") == 1
        assert await two.ids(1) == ["a"]
        assert await one.has_nothing()


async def test_a_replay_waits_for_a_consumer_that_is_away(bus_under_test: BusUnderTest) -> None:
    await bus_under_test.bus.publish([event("a")])
    async with reading(bus_under_test.bus) as reader:
        await reader.ids(1)
    await bus_under_test.bus.replay(EventQuery(id="a"))
    async with reading(await bus_under_test.reopen()) as reader:
        assert await reader.ids(1) == ["a"]


async def test_an_event_that_was_not_handled_yet_is_not_replayed(bus: Bus) -> None:
    await bus.publish([event("a")])
    async with reading(bus) as reader:
        delivery = await reader.next()
        assert await bus.replay(EventQuery(id="a")) == 0
        await delivery.ack()
        assert await reader.has_nothing()


async def test_a_timer_is_delivered_when_its_time_has_come(bus: Bus, clock: FakeClock) -> None:
    async with reading(bus) as reader:
        await bus.publish([event("later")], not_before=clock.now() + timedelta(hours=1))
        clock.advance(3599)
        assert await reader.has_nothing()
        clock.advance(1)
        assert await reader.ids(1) == ["later"]


async def test_a_timer_holds_up_nothing_of_its_key(bus: Bus, clock: FakeClock) -> None:
    async with reading(bus) as reader:
        await bus.publish([event("later")], not_before=clock.now() + timedelta(hours=1))
        await bus.publish([event("now")])
        assert await reader.ids(1) == ["now"]


async def test_a_timer_survives_a_restart(bus_under_test: BusUnderTest) -> None:
    clock = bus_under_test.clock
    await bus_under_test.bus.publish([event("later")], not_before=clock.now() + timedelta(hours=1))
    async with reading(bus_under_test.bus) as reader:
        assert await reader.has_nothing()
    async with reading(await bus_under_test.reopen()) as reader:
        assert await reader.has_nothing()
        clock.advance(3600)
        assert await reader.ids(1) == ["later"]


async def test_timers_come_in_the_order_of_their_times(bus: Bus, clock: FakeClock) -> None:
    async with reading(bus) as reader:
        for hours in (3, 1, 2):
            not_before = clock.now() + timedelta(hours=hours)
            await bus.publish([event(f"in-{hours}", key=f"/{hours}")], not_before=not_before)
        assert await reader.has_nothing()
        clock.advance(3 * 3600)
        assert await reader.ids(3) == ["in-1", "in-2", "in-3"]


async def test_closing_ends_subscriptions(bus_under_test: BusUnderTest) -> None:
    async def read_all() -> list[str]:
        return [each.event.id async for each in bus_under_test.bus.subscribe(Consumer("reader"))]

    reading_on = asyncio.create_task(read_all())
    await asyncio.sleep(0)
    await bus_under_test.reopen()
    assert await asyncio.wait_for(reading_on, 5) == []
