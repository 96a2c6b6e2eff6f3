"""Two runners on one API server: one leads; killed or stopped, the other goes on, and nothing is lost or done twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.replica_world import TAKEOVER_SECONDS, World, opened, seconds_until
from tests.support.strategies import chain
from tests.testbed.apiserver import ApiServer

pytestmark = pytest.mark.cluster
GONE_SECONDS = 12
WEBHOOKS = 30
AWAY_SECONDS = 8


@pytest.fixture
def world(apiserver: ApiServer, tmp_path: Path) -> Iterator[World]:
    with opened(apiserver, tmp_path) as made:
        yield made


def prepared(world: World, *stages: str) -> None:
    """A source and a strategy of these stages, and each runner has read the source."""
    world.replicas[0].source()
    world.replicas[0].apply(*chain(*stages))
    for each in world.replicas:
        assert each.pushed("known-to-all")


def test_any_of_them_takes_a_webhook_and_one_runs_it(world: World) -> None:
    first, second = world.leading(), world.replica()
    prepared(world, "Build")
    assert first.pushed("here") and second.pushed("there") and first.pushed("there")
    assert [run["status"]["phase"] for run in first.wait_for_runs(3)] == ["Succeeded"] * 3
    assert len(first.runs()) == 3
    assert set(world.done().values()) == {1}


def test_a_stopped_leader_hands_over_at_once(world: World) -> None:
    first, second = world.leading(), world.replica()
    prepared(world, "Build")
    assert world.leader() is first
    stopping = threading.Thread(target=first.stop)
    stopping.start()
    assert seconds_until(lambda: world.holder() == second.identity, "the other to lead") < TAKEOVER_SECONDS / 3
    stopping.join()
    assert second.pushed("after")
    assert len(second.wait_for_runs(2)) == 2


def test_a_killed_leader_is_followed_in_time_and_nothing_is_lost_or_done_twice(world: World) -> None:
    first, second = world.leading(goneAfter=GONE_SECONDS), world.replica(goneAfter=GONE_SECONDS)
    prepared(world, "Build")
    assert world.leader() is first
    deliveries = [str(uuid.uuid4()) for _ in range(WEBHOOKS)]
    pushing = threading.Thread(target=lambda: [second.pushed(each) for each in deliveries])
    pushing.start()
    seconds_until(lambda: len(world.done()) > 5, "work")
    first.kill()
    assert seconds_until(lambda: world.holder() == second.identity, "the other to lead") < TAKEOVER_SECONDS
    pushing.join()
    ended = second.wait_for_runs(WEBHOOKS + 1, 120)
    assert len(second.runs()) == WEBHOOKS + 1
    assert set(world.done().values()) == {1}
    broken = [run for run in ended if run["status"]["phase"] != "Succeeded"]
    reasons = {stage["reason"] for run in broken for stage in run["status"]["stages"] if stage["phase"] == "Errored"}
    assert reasons <= {"Interrupted"}
    assert len(broken) <= 8


def test_a_runner_that_starts_again_takes_up_its_own_work(world: World) -> None:
    first, second = world.leading(), world.replica()
    prepared(world, "Build", "Deploy")
    assert world.leader() is first
    for number in range(10):
        assert second.pushed(f"push-{number}")
    seconds_until(lambda: len(world.done()) > 5, "work")
    first.kill()
    seconds_until(lambda: world.holder() == second.identity, "the other to lead")
    first.start()
    assert [run["status"]["phase"] for run in second.wait_for_runs(11, 60)] == ["Succeeded"] * 11
    assert set(world.done().values()) == {1}


def test_an_outage_with_a_gap_in_history_loses_nothing_and_ends_nothing(world: World, apiserver: ApiServer) -> None:
    only = world.replica()
    prepared(world, "Build")
    for number in range(50):
        assert only.pushed(f"push-{number}")
    seconds_until(lambda: len(world.done()) > 5, "work")
    apiserver.kill_apiserver()
    apiserver.compact_etcd()
    threading.Event().wait(AWAY_SECONDS)
    assert only.push(delivery="while-away") == 503
    apiserver.start_apiserver()
    assert only.pushed("while-away")
    assert [run["status"]["phase"] for run in only.wait_for_runs(52, 120)] == ["Succeeded"] * 52
    assert set(world.done().values()) == {1}
