# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stages of a run that are run once more: which, and how that is asked for. Used by strategy_run."""

from __future__ import annotations

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.runs import FAILED_STAGES, phase_of, stages_of

NOT_ENDED = ("Waiting", "Triggered", "Running")


def to_retry(run, names=None):
    """The stages that have ended and are named, else those that failed. Raises KabaneroError for one it can't be."""
    stages = {stage["name"]: stage for stage in stages_of(run)}
    if not names:
        return [stage for stage in stages.values() if stage["phase"] in FAILED_STAGES]
    for name in names:
        if name not in stages:
            known = f"it has {', '.join(stages)}" if stages else f"it is {phase_of(run)} and has no stages yet"
            raise KabaneroError(f"run {run['metadata']['name']} has no stage {name!r}; {known}")
        if stages[name]["phase"] in ("Waiting", "Skipped"):
            raise KabaneroError(f"stage {name} was never triggered, so there is nothing to run once more")
    return [stages[name] for name in names if stages[name]["phase"] not in NOT_ENDED]


def retry(stage_runs, stage):
    """Asks for the stage's next attempt, and returns its number; decisions about the last one don't count for it."""
    name = stage["stage_run"]
    found = stage_runs.get(name)
    if found is None:
        raise KabaneroError(f"StageRun {name} of stage {stage['name']} is not there any more: start a new run instead")
    attempt = int((found.get("status") or {}).get("attempt") or stage.get("attempt") or 0) + 1
    forgotten = {"approval": None} if found["spec"].get("approval") else {}
    if found["spec"].get("cancel"):
        forgotten["cancel"] = False
    stage_runs.apply({"metadata": {"name": name}, "spec": {"attempt": attempt, **forgotten}})
    return attempt


def has_begun(attempts):
    """Says of a run whether it has taken up the attempts, which are given by stage."""

    def begun(run):
        now = {stage["name"]: stage.get("attempt") or 0 for stage in stages_of(run)}
        return all(now.get(name, 0) >= attempt for name, attempt in attempts.items())

    return begun
