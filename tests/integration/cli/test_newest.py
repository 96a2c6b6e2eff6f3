"""`@latest` when several runs were made in the same second, which is all that a creation time tells."""

from __future__ import annotations

import pytest

from tests.integration.cli.world import STRATEGY, World, resource

WHOLE, LATER = "2026-11-23T08:14:19Z", "2026-11-23T08:14:19.300Z"


@pytest.fixture
def same_second(world: World) -> World:
    """Three runs of one second (created together, so that the second may end between two of them only by chance)."""
    world.create(STRATEGY)
    for _ in range(20):
        names = ("b", "c", "a")
        world.create(*(resource("StrategyRun", name, {"strategy": "main"}) for name in names))
        if len({world.get("strategyruns", name)["metadata"]["creationTimestamp"] for name in names}) == 1:
            return world
        for name in names:
            world.run("delete", "run", name)
    raise AssertionError("no three runs were made in one second")


def started(world: World, **times: str) -> None:
    for name, time in times.items():
        world.set_status("strategyruns", name, {"phase": "Running", "startTime": time})


@pytest.mark.parametrize("command", [["get", "run", "@latest", "-o", "name"], ["explain", "@latest"]])
def test_the_one_that_started_last_is_the_newest(same_second: World, command: list[str]) -> None:
    started(same_second, a=LATER, b=WHOLE, c=WHOLE)
    assert "a" in same_second.run(*command).lines[0].replace("strategyrun/", "").split()


def test_one_that_has_not_started_yet_is_newer_than_any_that_has(same_second: World) -> None:
    started(same_second, b=LATER, c=LATER)
    assert same_second.run("get", "run", "@latest", "-o", "name").lines == ["strategyrun/a"]
