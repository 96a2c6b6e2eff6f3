"""What one call of a module costs: as a task in a stage's playbook, and cold beside kubernetes.core.k8s."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from tests.bench.figures import Figure, median, percentile
from tests.bench.stamps import next_stamp, stamping_project, stamps_in
from tests.support.collection import collections_path
from tests.support.foreign_collections import kubernetes_core
from tests.support.runner import Runner, resource
from tests.support.strategies import playbook_stage

TASKS = 30
COLD_ROUNDS = 7
OURS = {"kabanero.events.stage": {"name": "kept", "namespace": "kabanero", "spec": {"playbook": "kept.yml"}}}
THEIRS = {"kubernetes.core.k8s": {"definition": resource("PlaybookStage", "kept", {"playbook": "kept.yml"})}}


def measure(folder: Path) -> list[Figure]:
    """Milliseconds for one task that finds a stage as it should be."""
    with Runner(folder / "runner") as runner:
        return [
            _warm(runner),
            _cold(runner, folder, "kabanero.events.stage", OURS),
            _cold(runner, folder, "kubernetes.core.k8s", THEIRS),
        ]


def _warm(runner: Runner) -> Figure:
    stamps = stamping_project(runner.project)
    stamp = {"stamp": {"file": str(stamps)}}
    tasks = [stamp, *(task for _ in range(TASKS) for task in (stamp, OURS, stamp))]
    _write(runner.project / "many.yml", tasks)
    runner.apply(playbook_stage("many", "many.yml"))
    ref = {"kind": "PlaybookStage", "name": "many"}
    binding = {"stageName": "many", "stageRef": ref, "triggers": [{"match": {"name": "Go"}}]}
    runner.apply(resource("StrategyDefinition", "many", {"stageBindings": [binding]}))
    runner.apply(resource("StrategyRun", "many", {"strategy": "many"}))
    next_stamp(stamps, 2 * TASKS, 120)
    times = [moment / 1e6 for moment in stamps_in(stamps)[1:]]
    with_task = [after - before for before, after in zip(times[::2], times[1::2], strict=True)]
    without = median([after - before for before, after in zip(times[1::2], times[2::2], strict=False)])
    costs = [each - without for each in with_task]
    detail = f"p90 {percentile(costs, 90):.0f} ms, n={TASKS}; a task of an action alone {without:.0f} ms"
    return Figure(
        "module as a task in a stage's playbook (median)", "kabanero.events.stage", median(costs), "ms", "< 60", detail
    )


def _cold(runner: Runner, folder: Path, name: str, task: dict[str, Any]) -> Figure:
    playbook = folder / "cold.yml"
    _write(playbook, [task])
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook)]
    environment = os.environ | {
        "K8S_AUTH_KUBECONFIG": str(runner.data / "kubeconfig"),
        "ANSIBLE_COLLECTIONS_PATH": f"{collections_path(folder / 'collections')}:{kubernetes_core()}",
    }
    times = []
    for _ in range(COLD_ROUNDS):
        began = time.monotonic()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        times.append((time.monotonic() - began) * 1000)
    return Figure("one task by ansible-playbook (median)", name, median(times), "ms", "", f"n={COLD_ROUNDS}")


def _write(path: Path, tasks: list[dict[str, Any]]) -> None:
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
