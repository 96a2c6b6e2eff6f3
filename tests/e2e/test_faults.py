"""Killed at random moments, the runner loses no acknowledged push and does no stage's work twice."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tests.support.runner import Runner
from tests.support.strategies import chain, marking_project

PUSHES = 200
KILLS = 12
TRIES = 500


class Pusher(threading.Thread):
    """Sends pushes one after the other, each again under the same delivery until it is acknowledged, as a forge does.

    So some are delivered twice: what a killed runner had made durable and could not answer any more.
    """

    def __init__(self, runner: Runner) -> None:
        super().__init__(daemon=True)
        self.runner, self.acknowledged = runner, set[str]()

    def run(self) -> None:
        for number in range(PUSHES):
            delivery = str(uuid.uuid4())
            for _ in range(TRIES):
                if self.runner.push("main", commit=f"c{number}", delivery=delivery) == 202:
                    self.acknowledged.add(delivery)
                    break
                time.sleep(0.05)
            time.sleep(0.05)


def kill_at_random(runner: Runner, pusher: Pusher, seed: int) -> int:
    """Kills and restarts the runner while pushes come in; returns how often."""
    moments, kills = random.Random(seed), 0
    while kills < KILLS or pusher.is_alive():
        time.sleep(moments.uniform(0.05, 1.5))
        if kills < KILLS:
            runner.kill()
            runner.start()
            kills += 1
    return kills


@pytest.mark.slow
def test_every_acknowledged_push_runs_to_its_end_and_no_work_is_done_twice(tmp_path: Path) -> None:
    with Runner(tmp_path) as runner:
        marks = marking_project(runner.project)
        runner.source()
        runner.apply(*chain("Build", "Deploy"))
        pusher = Pusher(runner)
        pusher.start()
        assert kill_at_random(runner, pusher, seed=20261123) >= KILLS

        runs = runner.wait_for_runs(PUSHES, seconds=120)

        causes = [run["spec"]["cause"]["event"].rsplit("#", 1)[1] for run in runs]
        done = Counter(marks.read_text().splitlines())
        expected = {f"{run['status']['contextID']} {stage}" for run in runs for stage in ("Build", "Deploy")}
        assert sorted(causes) == sorted(pusher.acknowledged), "an acknowledged push was lost, or ran twice"
        assert [mark for mark, times in done.items() if times > 1] == [], "work was done twice"
        assert set(done) == expected, "a stage's work was not done"
        assert {run["status"]["phase"] for run in runs} == {"Succeeded"}
