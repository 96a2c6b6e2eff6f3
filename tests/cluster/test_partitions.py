"""A runner dies with the playbooks that it carries, or loses the line to the API server while others keep it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.replica_world import TAKEOVER_SECONDS, Replica, World, opened, seconds_until
from tests.support.api_proxy import ApiProxy
from tests.support.runner import descendants
from tests.support.strategies import MARK_PLUGIN, binding, match, playbook_stage, strategy
from tests.testbed.apiserver import ApiServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
GONE_SECONDS = 20
FEW = 4

GATED_PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - mark: {{file: {begun}, line: "{{{{ contextID }}}} {{{{ stage_name }}}}"}}
    - wait_for: {{path: {gate}, sleep: 1, timeout: 300}}
    - mark: {{file: {ended}, line: "{{{{ contextID }}}} {{{{ stage_name }}}}"}}
"""


class Gated:
    """A strategy whose stages begin, wait for a gate, and end; both are counted."""

    def __init__(self, world: World, **stage: Any) -> None:
        self.begun_file, self.ended_file = world.project / "begun.txt", world.project / "ended.txt"
        self._gate = world.project / "gate"
        (world.project / "action_plugins" / "mark.py").write_text(MARK_PLUGIN)
        playbook = GATED_PLAYBOOK.format(begun=self.begun_file, gate=self._gate, ended=self.ended_file)
        (world.project / "gated.yml").write_text(playbook)
        bindings = [binding("Hold", "PlaybookStage", [match("Start")]), binding("Mark", "PlaybookStage", AFTER)]
        stages = [playbook_stage("hold", "gated.yml", **stage), playbook_stage("mark")]
        world.replicas[0].source()
        world.replicas[0].apply(*stages, *strategy("gated", bindings))

    def open(self) -> None:
        self._gate.touch()

    def begun(self) -> Counter[str]:
        return _lines(self.begun_file)

    def ended(self) -> Counter[str]:
        return _lines(self.ended_file)


AFTER = [match("Hold", "Success")]


def _lines(file: Path) -> Counter[str]:
    return Counter(file.read_text().splitlines()) if file.exists() else Counter()


@pytest.fixture
def world(apiserver: ApiServer, tmp_path: Path) -> Iterator[World]:
    with opened(apiserver, tmp_path) as made:
        yield made


@pytest.fixture
def line(apiserver: ApiServer, tmp_path: Path) -> Iterator[ApiProxy]:
    """The first replica's line to the API server."""
    made = ApiProxy(apiserver.kubeconfig, tmp_path / "line")
    made.start()
    yield made
    made.mend()
    made.stop()


def carrying(world: World, gated: Gated, pushes: int = FEW) -> None:
    """The first leads, and has begun the playbook of each push."""
    assert world.leader() is world.replicas[0]
    assert all(world.replicas[-1].pushed(f"push-{number}") for number in range(pushes))
    seconds_until(lambda: len(gated.begun()) == pushes, "playbooks that have begun", 60)


def killed_with_its_playbooks(replica: Replica) -> None:
    """As when its machine dies."""
    assert replica.process
    for process in [replica.process.pid, *descendants(replica.process.pid)]:
        with suppress(ProcessLookupError):  # A playbook's worker ends with its task.
            os.kill(process, signal.SIGKILL)
    replica.process.wait()


def reasons(runs: list[dict[str, Any]]) -> set[str]:
    return {stage["reason"] for run in runs for stage in run["status"]["stages"] if stage["name"] == "Hold"}


def test_playbooks_that_die_with_their_runner_end_as_interrupted_and_are_not_begun_again(world: World) -> None:
    first, second = world.leading(goneAfter=GONE_SECONDS), world.replica(goneAfter=GONE_SECONDS)
    gated = Gated(world)
    carrying(world, gated)
    killed_with_its_playbooks(first)
    assert seconds_until(lambda: world.holder() == second.identity, "the other to lead") < TAKEOVER_SECONDS
    gated.open()
    assert second.pushed("after")
    ended = second.wait_for_runs(FEW + 1, GONE_SECONDS + 60)
    assert Counter(run["status"]["phase"] for run in ended) == {"Failed": FEW, "Succeeded": 1}
    assert reasons([run for run in ended if run["status"]["phase"] == "Failed"]) == {"Interrupted"}
    assert (len(gated.begun()), set(gated.begun().values()), len(gated.ended())) == (FEW + 1, {1}, 1)


def test_stages_that_may_be_begun_twice_go_on_with_the_next_leader_without_waiting(world: World) -> None:
    first, second = world.leading(), world.replica()
    gated = Gated(world, onInterrupted="Retry")
    carrying(world, gated)
    killed_with_its_playbooks(first)
    gated.open()
    assert seconds_until(lambda: len(gated.ended()) == FEW, "their ends", 60) < TAKEOVER_SECONDS + 20
    ended = second.wait_for_runs(FEW)
    assert [run["status"]["phase"] for run in ended] == ["Succeeded"] * FEW
    assert set(gated.begun().values()) == {2}
    assert set(gated.ended().values()) == set(world.done().values()) == {1}


def test_a_leader_that_is_cut_off_and_comes_back_in_time_ends_what_it_began(world: World, line: ApiProxy) -> None:
    first, second = world.leading(kubeconfig=str(line.kubeconfig)), world.replica()
    gated = Gated(world)
    carrying(world, gated)
    line.cut()
    assert seconds_until(lambda: world.holder() == second.identity, "the other to lead") < TAKEOVER_SECONDS
    gated.open()
    assert second.pushed("meanwhile")
    seconds_until(lambda: len(gated.ended()) == FEW + 1, "the playbooks' ends", 60)
    answers = pushes_to(first)
    line.mend()
    ended = second.wait_for_runs(FEW + 1, 90)
    taken = [answer for answer in answers() if answer == 202]
    ended = second.wait_for_runs(FEW + 1 + len(taken), 90)
    assert [run["status"]["phase"] for run in ended] == ["Succeeded"] * len(ended)
    assert set(gated.begun().values()) == set(gated.ended().values()) == set(world.done().values()) == {1}
    assert len(world.done()) == len(ended) == len(second.runs())
    assert world.holder() == second.identity


def pushes_to(replica: Replica) -> Any:
    """Two pushes to one that is cut off, side by side; the answers, when they are there."""
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda name=f"cut-off-{number}": answers.append(replica.push(delivery=name)))
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)  # They are on their way when the line is mended.

    def joined() -> list[int]:
        for thread in threads:
            thread.join()
        assert set(answers) <= {202, 503}
        return answers

    return joined


def test_a_leader_that_is_cut_off_for_too_long_breaks_its_playbooks_off_before_others_give_them_up(
    world: World, line: ApiProxy
) -> None:
    first = world.leading(kubeconfig=str(line.kubeconfig), goneAfter=GONE_SECONDS)
    second = world.replica(goneAfter=GONE_SECONDS)
    gated = Gated(world)
    carrying(world, gated)
    line.cut()
    seconds_until(lambda: "ending work that others may take for lost" in first.log.read_text(), "giving up", 60)
    assert [run for run in second.runs() if run["status"].get("completionTime")] == [], "it was not given up before"
    ended = second.wait_for_runs(FEW, GONE_SECONDS + 60)
    assert reasons(ended) == {"Interrupted"}
    gated.open()
    line.mend()
    assert second.pushed("after")
    assert Counter(run["status"]["phase"] for run in second.wait_for_runs(FEW + 1)) == {"Failed": FEW, "Succeeded": 1}
    assert (set(gated.begun().values()), len(gated.ended())) == ({1}, 1)
    assert first.pushed("first-again")
    assert len(second.wait_for_runs(FEW + 2)) == FEW + 2
