"""What a Tekton stage says where there is no Tekton: on a runner that keeps its resources itself."""

from __future__ import annotations

from pathlib import Path

from tests.support.playing import play_tasks
from tests.support.runner import Runner

TASKS = [
    {
        "kabanero.events.tekton_pipeline_run": {"pipeline": "build", "stage_run": "main-1-build", "patience": 0},
        "register": "made",
        "ignore_errors": True,
    },
    {"ansible.builtin.assert": {"that": ["made.reason == 'TektonNotFound'", "'--store kubernetes' in made.msg"]}},
]


def test_a_runner_without_a_cluster_says_what_is_missing(runner: Runner, collections: Path, tmp_path: Path) -> None:
    done = play_tasks(TASKS, collections, tmp_path, K8S_AUTH_KUBECONFIG=str(runner.data / "kubeconfig"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_exactly_one_of_pipeline_and_resolver_is_wanted(collections: Path, tmp_path: Path) -> None:
    tasks = [{"kabanero.events.tekton_pipeline_run": {"stage_run": "main-1-build"}}]
    done = play_tasks(tasks, collections, tmp_path)
    assert "one of the following is required: pipeline, resolver" in done.stdout
