"""`events`, `replay` and `explain --event` on the real bus."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from kabanero.model.events import Event
from kabanero.ports import Delivery

from tests.integration.cli.world import STRATEGY, Story, World, resource

PUSH = {"eventName": "Push", "branch": "main", "repository": "hello"}
RULE = {"match": {"eventName": "Push"}, "filter": [{"attribute": "branch", "allowed": ["main"]}]}


def event(id: str, *, topic: str = "SourceRepository", hours_ago: float = 0, context: str = "", **data: str) -> Event:
    """A push, unless the data say something else."""
    return Event(
        id=id,
        source="https://github.com/acme/hello",
        type="test",
        topic=topic,
        path=f"/kabanero/{topic.lower()}/{id}",
        time=datetime.now(UTC) - timedelta(hours=hours_ago),
        payload=orjson.dumps(data or PUSH),
        context=context,
    )


async def dies(delivery: Delivery) -> None:
    """A consumer that can't handle it."""
    await delivery.dead("no such strategy")


async def starts(delivery: Delivery) -> None:
    """A consumer that starts a run."""
    await delivery.ack("started main-7f3a")


class TestEvents:
    def test_come_newest_last_with_what_became_of_them(self, world: World) -> None:
        world.publish(event("one"))
        world.handle("trigger", starts)
        world.publish(event("two", name="FVT", status="Success"))
        lines = world.run("events").lines
        assert lines[0].split() == ["TIME", "TOPIC", "NAME", "PATH", "BECAME", "ID"]
        assert ("Push" in lines[1], "started main-7f3a" in lines[1], lines[1].endswith("one")) == (True, True, True)
        assert "FVT=Success" in lines[2]

    def test_dead_letters_say_why(self, world: World) -> None:
        world.publish(event("one"))
        world.handle("trigger", dies)
        world.publish(event("two"))
        lines = world.run("events", "--dead").lines
        assert len(lines) == 2
        assert "Dead: no such strategy" in lines[1]

    def test_topic_and_run_choose(self, world: World) -> None:
        world.create(STRATEGY)
        Story(world).begin()
        world.publish(event("one"), event("two", topic="Timer"), event("three", topic="Strategy", context="ctx1"))
        by_topic = json.loads(world.run("events", "--topic", "Timer", "-o", "json").out)
        assert [found["id"] for found in by_topic["items"]] == ["two"]
        by_run = json.loads(world.run("events", "--run", "@latest", "-o", "json").out)
        assert [found["id"] for found in by_run["items"]] == ["three"]

    def test_one_is_shown_whole_by_a_beginning_of_its_id(self, world: World) -> None:
        world.publish(event("72d3162e-cc78"), event("83"))
        assert json.loads(world.run("events", "72d", "-o", "json").out)["data"] == PUSH

    def test_a_wrong_id_is_not_found(self, world: World) -> None:
        world.publish(event("one"))
        assert world.run("events", "other").code == 3

    def test_following_goes_on_with_new_ones(self, world: World) -> None:
        world.publish(event("one"))
        going = world.begin("events", "--follow")
        assert going.stdout
        going.stdout.readline()
        assert going.stdout.readline().endswith("one\n")
        world.publish(event("two"))
        assert going.stdout.readline().endswith("two\n")
        going.kill()
        going.wait()

    def test_hostile_data_is_only_data(self, world: World) -> None:
        world.publish(event("one", eventName="\x1b[2J\u202e"))
        assert "\\e[2J\\u202e" in world.run("events").out


class TestReplay:
    @pytest.fixture(autouse=True)
    def _some_dead(self, world: World) -> None:
        world.publish(event("old", hours_ago=5), event("new"))
        world.handle("trigger", dies, count=2)

    def seen(self, world: World) -> list[str]:
        found: list[str] = []

        async def see(delivery: Delivery) -> None:
            found.append(delivery.event.id)
            await delivery.ack()

        world.handle("trigger", see)
        return found

    def test_all_dead_letters(self, world: World) -> None:
        assert world.run("replay", "--dead").lines == ["2 events delivered again"]
        assert self.seen(world) == ["old"]

    def test_by_id(self, world: World) -> None:
        assert world.run("replay", "new").lines == ["1 event delivered again"]
        assert self.seen(world) == ["new"]

    def test_since_a_time(self, world: World) -> None:
        assert world.run("replay", "--dead", "--since", "2h").lines == ["1 event delivered again"]
        assert self.seen(world) == ["new"]

    def test_a_dry_run_only_counts(self, world: World) -> None:
        assert world.run("replay", "--dead", "--dry-run").lines == ["2 events would be delivered again"]
        assert len(world.run("events", "--dead").lines) == 3

    def test_everything_must_not_be_replayed_by_accident(self, world: World) -> None:
        assert world.run("replay").code == 2

    def test_what_selects_nothing_is_said(self, world: World) -> None:
        assert world.run("replay", "--topic", "Timer").code == 3


class TestExplainEvent:
    def test_says_for_every_trigger_why_the_nearest_first(self, world: World) -> None:
        other = {"match": {"eventName": "PullRequest"}, "filter": [{"attribute": "branch", "allowed": ["dev"]}]}
        near = {"match": {"eventName": "Push"}, "filter": [{"attribute": "branch", "allowed": ["release"]}]}
        for name, rule in (("a-far", other), ("b-near", near), ("c-hit", RULE)):
            world.create(resource("StrategyTrigger", name, {"strategy": "main", "events": [rule]}))
        world.publish(event("one"))
        text = world.run("explain", "--event", "@latest").out
        assert text.index("✔ kabanero/c-hit") < text.index("✘ kabanero/b-near") < text.index("✘ kabanero/a-far")
        assert "branch" in text.split("b-near")[1].split("a-far")[0]

    def test_without_triggers_it_says_so(self, world: World) -> None:
        world.publish(event("one"))
        assert "There are no triggers" in world.run("explain", "--event", "one").out
