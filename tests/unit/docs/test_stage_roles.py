"""The role tekton_stage beside the playbook of that name: two ways to one call, which must stay one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CALL = "kabanero.events.tekton_pipeline_run"


def call_in(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return next(dict(task[CALL]) for task in tasks[0]["block"] if CALL in task)


def test_the_role_says_as_much_to_tekton_as_the_playbook() -> None:
    [play] = yaml.safe_load((ROOT / "playbooks/stages/tekton_stage.yml").read_text())
    role = yaml.safe_load((ROOT / "roles/tekton_stage/tasks/main.yml").read_text())
    assert call_in(role).keys() == call_in(play["tasks"]).keys()


def test_role_and_playbook_know_the_run_by_the_same_words() -> None:
    [play] = yaml.safe_load((ROOT / "playbooks/stages/tekton_stage.yml").read_text())
    role = call_in(yaml.safe_load((ROOT / "roles/tekton_stage/tasks/main.yml").read_text()))
    own = {name for name, value in role.items() if "tekton_stage_" not in value}
    assert own == {"attempt", "context_id", "stage_name", "stage_run", "stage_run_namespace"} | {
        *("stage_run_uid", "strategy", "strategy_run", "timeout")
    }
    assert {name: role[name] for name in own} == {name: call_in(play["tasks"])[name] for name in own}
