"""What many runs come to when the API server, its history or Tekton goes away in their midst: each to its end, once."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fault_world import Lane, clear, ship, until
from tests.support.runner import resource
from tests.support.strategies import binding, match, strategy
from tests.testbed.cluster import SimulatedCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
AWAY_SECONDS = 60.0
RUNS = 50
PATIENCE = 180.0
NAMESPACE = "outage"


@pytest.fixture
def cleared(cluster: SimulatedCluster) -> Iterator[SimulatedCluster]:
    yield cluster
    clear(cluster, NAMESPACE)


def opened(cluster: SimulatedCluster, folder: Path, *, everywhere: bool = False) -> Lane:
    lane = Lane(folder / "lane", cluster, NAMESPACE, everywhere=everywhere)
    lane.prepare(*ship(duration="4s"))
    return lane


@pytest.fixture
def lane(cleared: SimulatedCluster, tmp_path: Path) -> Iterator[Lane]:
    made = opened(cleared, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["one namespace", "all namespaces"])
def any_lane(cleared: SimulatedCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lane]:
    made = opened(cleared, tmp_path, everywhere=request.param == "all namespaces")
    yield made
    made.close()


def stages_at(lane: Lane, phase: str, name: str) -> int:
    found = [each for each in lane.list("stageruns") if each["spec"]["stageName"] == name]
    return sum(each.get("status", {}).get("phase") == phase for each in found)


def test_an_api_server_that_is_away_for_a_minute_loses_and_doubles_none_of_fifty_runs(lane: Lane) -> None:
    for number in range(RUNS):
        assert lane.pushed(f"before-{number}")
    until(lambda: stages_at(lane, "Succeeded", "Build") > 5 and stages_at(lane, "Running", "Test"), "runs under way")
    lane.cluster.kill_apiserver()
    meanwhile = pushed_for(AWAY_SECONDS, lane)
    lane.cluster.start_apiserver()
    assert set(meanwhile.values()) <= {202, 503}
    assert list(meanwhile.values()).count(503) > 5
    for delivery in [each for each, answer in meanwhile.items() if answer == 503]:
        assert lane.pushed(delivery), "the forge sends again what was not taken"
    pushes = 1 + RUNS + len(meanwhile)
    lane.ended(pushes, PATIENCE)
    assert lane.wrong(pushes) == []


def pushed_for(seconds: float, lane: Lane) -> dict[str, int]:
    """The answer to each delivery; one every two seconds or so."""
    answers: dict[str, int] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        delivery = str(uuid.uuid4())
        answers[delivery] = lane.push(delivery=delivery)
        time.sleep(min(2.0, max(end - time.monotonic(), 0.0)))
    return answers


def test_what_happened_while_watches_were_cut_and_history_was_forgotten_is_made_good(any_lane: Lane) -> None:
    lane = any_lane
    lane.apply(*late_strategy())
    until(lambda: ready(lane, "late") == "True", "the other strategy")
    for number in range(5):
        assert lane.pushed(f"under-way-{number}")
    until(lambda: len(running(lane)) >= 2, "pipelines under way")
    lane.proxy.hold_watches()
    change_much(lane)
    lane.cluster.forget_history()
    lane.proxy.let_watches_go()
    until(lambda: has_read_triggers_anew(lane), "a new list of the triggers")
    until(lambda: ready(lane, "late") == "False", "a word on the stage that is gone")
    assert lane.pushed("after")
    until(lambda: len(of_strategy(lane, "ship")) == 10, lambda: f"{len(lane.runs())} runs", PATIENCE)
    lane.ended(15, PATIENCE)
    assert (phase(lane, "by-hand"), phase(lane, "to-cancel")) == ("Succeeded", "Cancelled")
    assert len(of_strategy(lane, "late")) in (5, 6), "none after its trigger went; one push came at the same time"
    assert Counter(run["status"]["phase"] for run in of_strategy(lane, "ship")) == {
        "Succeeded": 7,
        "Failed": 2,
        "Cancelled": 1,
    }
    assert set(lane.done().values()) == set(lane.pipelined().values()) == {1}


def has_read_triggers_anew(lane: Lane) -> bool:
    """Because its watch fell behind; or because the outage was long enough to lose the lead, and it leads again."""
    said = lane.log.read_text()
    return "watch on strategytriggers fell" in said or said.count("Leading as") > 1


def of_strategy(lane: Lane, name: str) -> list[dict[str, Any]]:
    return [run for run in lane.runs() if run["spec"]["strategy"] == name]


def late_strategy() -> list[dict[str, Any]]:
    """One that every push starts as well, with a stage of its own."""
    late = resource("TektonStage", "wait", {"pipelineName": "test"})
    return [late, *strategy("late", [binding("Wait", "TektonStage", [match("Start")])])]


def change_much(lane: Lane) -> None:
    """Everything that a controller has to hear of: what comes, what changes, what goes."""
    by_hand = {"strategy": "ship", "emit": {"name": "Start"}}
    lane.apply(resource("StrategyRun", "by-hand", by_hand), resource("StrategyRun", "to-cancel", by_hand))
    lane.patch("strategyrun", "to-cancel", cancel=True)
    going = running(lane)
    lane.cluster.kubectl(
        "delete", "pipelinerun", going[0]["status"]["waitingFor"]["name"], "-n", lane.namespace, "--wait=false"
    )
    lane.cluster.kubectl("delete", "stagerun", going[1]["metadata"]["name"], "-n", lane.namespace)
    lane.cluster.kubectl("delete", "strategytrigger", "late", "-n", lane.namespace)
    lane.cluster.kubectl("delete", "tektonstage", "wait", "-n", lane.namespace)
    assert lane.pushed("unheard")


def running(lane: Lane) -> list[dict[str, Any]]:
    """StageRuns of the strategy that wait for their pipelines."""
    found = [each for each in lane.list("stageruns") if each["spec"]["strategy"] == "ship"]
    return [each for each in found if each.get("status", {}).get("waitsOn") == "Object"]


def phase(lane: Lane, name: str) -> str:
    (found,) = [each for each in lane.runs() if each["metadata"]["name"] == name]
    return str(found["status"]["phase"])


def ready(lane: Lane, name: str) -> str:
    (found,) = [each for each in lane.list("strategydefinitions") if each["metadata"]["name"] == name]
    conditions = {each["type"]: each["status"] for each in found.get("status", {}).get("conditions", ())}
    return conditions.get("Ready", "")


def test_a_tekton_that_comes_and_goes_is_waited_for(lane: Lane) -> None:
    tekton = lane.cluster.tekton
    try:
        for number in range(12):
            assert lane.pushed(f"push-{number}")
            if number in (3, 9):
                until(lambda: stages_at(lane, "Running", "Test"), "a pipeline under way")
                tekton.stop()
            if number == 6:
                tekton.start()
        until(lambda: stages_at(lane, "Succeeded", "Build") == 13, "the builds, which need no Tekton")
    finally:
        if not tekton.is_running():
            tekton.start()
    lane.ended(13, PATIENCE)
    assert lane.wrong(13) == []
