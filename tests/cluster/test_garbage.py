"""What somebody with kubectl may write by mistake or malice: it harms nothing but what it is itself."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fault_world import until
from tests.cluster.replica_world import NAMESPACE, Replica, World, opened
from tests.support.runner import resource
from tests.support.strategies import binding, chain, match, playbook_stage
from tests.testbed.apiserver import ApiServer, KubectlError

pytestmark = pytest.mark.cluster
CONTROL = "kabanero.control"
LONG_AGO = "1999-01-01T00:00:00Z"


@pytest.fixture
def world(apiserver: ApiServer, tmp_path: Path) -> Iterator[World]:
    with opened(apiserver, tmp_path) as made:
        made.replica()
        made.replicas[0].source()
        made.replicas[0].apply(*chain("Build"))
        assert made.replicas[0].pushed("first")
        made.replicas[0].wait_for_runs(1)
        yield made


def packed(payload: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()


def queued(name: str, **spec: Any) -> dict[str, Any]:
    usual = {"id": name, "source": "/x", "type": "t", "topic": CONTROL, "path": "/x", "time": LONG_AGO}
    return resource("QueuedEvent", name, {**usual, "size": 2, "payload": packed({}), **spec})


EVENTS = {
    "control that says nothing": queued("g-empty"),
    "control of an unknown sort": queued("g-sort", payload=packed({"namespace": "a", "run": "b", "input": "Nonsense"})),
    "control with wrong fields": queued("g-fields", payload=packed({"namespace": 1, "run": [], "input": "StageEnded"})),
    "control that is a list": queued("g-list", payload=packed([1])),
    "no base64": queued("g-base", payload="%%%"),
    "no gzip": queued("g-gzip", payload="aGVsbG8="),
    "no time": queued("g-time", time="soon"),
    "a time without a zone": queued("g-zone", time="2026-01-01T00:00:00", topic="SourceRepository"),
    "due at a time without a zone": queued("g-due", notBefore="2026-01-01T00:00:00"),
    "a negative size": queued("g-size", size=-5),
    "nothing at all": resource("QueuedEvent", "g-nothing", {}),
    "parts that are missing": queued("g-parts", parts=["g-no-such-part"]),
    "itself as its part": queued("g-self", parts=["g-self"]),
    "no payload for triggers": queued("g-data", topic="SourceRepository", payload=packed("text")),
}
STATUSES = {
    "e-handlings": {"handlings": {"strategy-runs": {"fate": "Pending", "attempts": -3, "due": "2026-01-01T00:00:00"}}},
    "e-sequence": {"sequence": -1},
    "e-fate": {"fate": "Nonsense"},
}
RUNS = {
    "r-phase": {"phase": "Running"},
    "r-starting": {"phase": "Running", "starting": True},
    "r-stages": {"phase": "Running", "stages": [{"name": "Build", "phase": "Running", "attempt": 1}]},
    "r-time": {"phase": "Succeeded", "completionTime": LONG_AGO, "outbox": []},
}
STAGE_RUNS = {
    "s-triggered": {"phase": "Triggered"},
    "s-running": {"phase": "Running", "attempt": 1, "waitsOn": "Playbook"},
    "s-object": {"phase": "Running", "attempt": 1, "waitsOn": "Object"},
    "s-kind": {"phase": "Running", "attempt": 1, "waitsOn": "Object", "waitingFor": {"kind": "Nonsense"}},
    "s-external": {"phase": "Succeeded", "waitsOn": "External"},
    "s-runner": {"phase": "Triggered", "attempt": 1, "runner": "nobody-anywhere"},
    "s-attempt": {"phase": "Failed", "attempt": -1},
}


def with_status(server: ApiServer, plural: str, made: dict[str, Any], status: dict[str, Any]) -> bool:
    """Whether the API server takes both."""
    name = made["metadata"]["name"]
    server.apply(made)
    return patched(server, plural, name, status)


def patched(server: ApiServer, plural: str, name: str, status: dict[str, Any]) -> bool:
    """False where the API server itself refuses it."""
    how = ("--subresource=status", "--type=merge", f"-p={json.dumps({'status': status})}")
    try:
        return "patched" in server.kubectl("patch", plural, name, "-n", NAMESPACE, *how)
    except KubectlError as error:
        assert "is invalid" in str(error), error
        return False


def phases_of_pushes(runner: Replica) -> list[str]:
    started = [run for run in runner.runs() if run["spec"].get("cause")]
    return [run.get("status", {}).get("phase", "") for run in started]


def goes_on(world: World, delivery: str) -> None:
    """A push runs to its end, and no controller had to be started again."""
    runner = world.replicas[0]
    assert runner.pushed(delivery)
    until(lambda: phases_of_pushes(runner) == ["Succeeded"] * 2, lambda: f"{phases_of_pushes(runner)}")
    log = runner.log.read_text()
    assert "it is started again in" not in log, log[-4000:]


def test_events_that_nobody_can_read_are_dead_letters_and_hold_nothing_up(world: World) -> None:
    world.server.apply(*EVENTS.values())
    for name, status in STATUSES.items():
        with_status(world.server, "queuedevents", queued(name), status)
    goes_on(world, "after-events")
    events = {each["metadata"]["name"]: each.get("status", {}) for each in world.replicas[0].list("queuedevents")}
    unread = ("g-empty", "g-sort", "g-list", "g-base", "g-gzip", "g-time", "g-parts", "g-self")
    assert {name: events[name].get("dead") for name in unread} == dict.fromkeys(unread, True)


def test_events_that_nobody_can_read_hold_nothing_up_at_a_start(world: World) -> None:
    world.replicas[0].kill()
    world.server.apply(*EVENTS.values())
    world.replicas[0].start()
    goes_on(world, "after-start")


def test_runs_with_a_status_of_somebody_elses_making_hold_nothing_up(world: World) -> None:
    for name, status in RUNS.items():
        with_status(world.server, "strategyruns", resource("StrategyRun", name, {"strategy": "nothing"}), status)
    for name, status in STAGE_RUNS.items():
        spec = {"stageName": "Build", "stageRef": {"kind": "PlaybookStage", "name": "build"}, "contextID": "x"}
        made = resource("StageRun", name, {**spec, "strategy": "chain", "strategyRun": "nothing"})
        with_status(world.server, "stageruns", made, status)
    goes_on(world, "after-runs")
    world.replicas[0].kill()
    world.replicas[0].start()
    assert world.replicas[0].pushed("after-a-start")
    until(lambda: phases_of_pushes(world.replicas[0]) == ["Succeeded"] * 3, "the run of another push")
    assert "it is started again in" not in world.replicas[0].log.read_text()


def test_what_the_runner_keeps_for_itself_may_be_spoilt(world: World) -> None:
    found = world.server.get("configmap", "kabanero-consumers", NAMESPACE)
    spoilt = {"data": dict.fromkeys(found["data"], "rubbish") | {"nobody": '{"topics": 3}'}}
    world.server.kubectl("patch", "configmap", "kabanero-consumers", "-n", NAMESPACE, f"-p={json.dumps(spoilt)}")
    world.replicas[0].kill()
    world.replicas[0].start()
    goes_on(world, "after-spoiling")


def test_definitions_may_be_deleted_and_made_anew_under_a_running_runner(world: World) -> None:
    crds = Path(__file__).parents[2] / "config" / "crds"
    world.server.kubectl("delete", "-f", crds / "queuedevents.yaml", "-f", crds / "strategytriggers.yaml")
    assert world.replicas[0].push(delivery="meanwhile") == 503
    world.server.load_crds()
    world.replicas[0].apply(*chain("Build"))
    goes_on(world, "after-definitions")


def test_a_namespace_that_is_deleted_under_a_run_takes_it_along(world: World) -> None:
    server = world.server
    server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "short-lived"}})
    placed = [
        {**each, "metadata": {**each["metadata"], "namespace": "short-lived"}} for each in chain("Build", "Deploy")
    ]
    by_hand = {"strategy": "chain", "emit": {"name": "Start"}}
    runs = [resource("StrategyRun", f"by-hand-{number}", by_hand) for number in range(5)]
    server.apply(*placed, *({**each, "metadata": {**each["metadata"], "namespace": "short-lived"}} for each in runs))
    server.kubectl("delete", "strategyruns,stageruns,strategydefinitions,playbookstages", "--all", "-n", "short-lived")
    goes_on(world, "after-namespace")


BULKY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - kabanero.events.stage_result:
        outputs: {image: {location: "{{ 'x' * SIZE }}"}}
"""


@pytest.mark.parametrize("size", [400_000, 1_000_000, 4_000_000])
def test_an_output_larger_than_objects_may_be_ends_its_stage_with_the_reason(world: World, size: int) -> None:
    (world.project / "bulky.yml").write_text(BULKY.replace("SIZE", str(size)))
    runner = world.replicas[0]
    outputs = {"output": [{"stageVariable": "image", "strategyVariable": "image"}]}
    bindings = [binding("Bulk", "PlaybookStage", [match("Start")], resourceBindings=outputs)]
    bindings += [binding("Next", "PlaybookStage", [match("Bulk", "Success")])]
    spec = {"strategyVariables": [{"name": "image", "type": "image"}], "stageBindings": bindings}
    stage = playbook_stage("bulk", "bulky.yml", resources={"output": [{"name": "image", "type": "image"}]})
    run = resource("StrategyRun", "bulky", {"strategy": "bulky", "emit": {"name": "Start"}})
    runner.apply(stage, playbook_stage("next"), resource("StrategyDefinition", "bulky", spec), run)
    until(lambda: bulky(runner).get("completionTime"), lambda: json.dumps(bulky(runner))[:2000])
    stage = next(each for each in bulky(runner)["stages"] if each["name"] == "Bulk")
    assert stage["phase"] == "Succeeded" or "bytes" in stage["message"] or "large" in stage["message"], stage["message"]
    goes_on(world, "after-bulk")


def bulky(runner: Replica) -> dict[str, Any]:
    """The status of that run."""
    (found,) = [run for run in runner.runs() if run["metadata"]["name"] == "bulky"]
    return dict(found.get("status", {}))
