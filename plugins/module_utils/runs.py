# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategy runs: what one is made from, which one is meant, and in a sentence how it stands. Used by strategy_run."""

from __future__ import annotations

import re

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError, WaitError

FIXED = ("strategy", "contextID", "variables", "emit")  # what a run is made of
ENDED = ("Succeeded", "Failed", "Errored", "Cancelled")
FAILED_STAGES = ("Failed", "Errored", "Cancelled", "TimedOut")
OPEN_STAGES = ("Triggered", "Running")
STAGE_FIELDS = ("name", "phase", "waitsOn", "attempt", "reason", "message", "stageRun", "startTime", "completionTime")


def name_of(params):
    """The run's name: as given, else made from strategy and contextID, else none."""
    if params["name"] or not (params["strategy"] and params["context_id"]):
        return params["name"]
    return re.sub(r"[^a-z0-9.]+", "-", f"{params['strategy']}-{params['context_id']}".lower()).strip("-.")


def spec_of(params, earlier=None):
    """The run's spec, with the values of an earlier run's spec where the options give none.

    Variables stand in the order of their names, so that the order they were written in doesn't matter.
    """
    earlier = earlier or {}
    spec = {"strategy": params["strategy"] or earlier["strategy"]}
    if params["context_id"]:
        spec["contextID"] = params["context_id"]
    variables = {each["name"]: each for each in earlier.get("variables") or ()}
    variables.update({name: _variable(name, value) for name, value in (params["variables"] or {}).items()})
    if variables:
        spec["variables"] = [variables[name] for name in sorted(variables)]
    if emit := params["emit"] or earlier.get("emit"):
        spec["emit"] = emit
    return spec


def check_unchanged(run, spec):
    """Raises KabaneroError when a run that is there was started with something else; not every server would mind."""
    changed = [field for field in FIXED if field in spec and spec[field] != run["spec"].get(field)]
    if changed:
        name, fields = run["metadata"]["name"], ", ".join(f"spec.{field}" for field in changed)
        raise KabaneroError(
            f"run {name} was started before, with another {fields}, which can't be changed: make a new run instead, "
            "under another name or context_id",
            causes=[
                {"field": f"spec.{field}", "reason": "Immutable", "message": "can't be changed"} for field in changed
            ],
        )


def _variable(name, value):
    return {"name": name, **value} if isinstance(value, dict) else {"name": name, "value": value}


def find_run(runs, name, context_id):
    """The run of this name, else of this contextID, else None."""
    run = runs.get(name) if name else None
    if run is None and context_id:
        run = next(iter(runs.find({"status.contextID": context_id})), None)
    return run


def has_ended(run):
    """Whether nothing can happen in it any more."""
    return phase_of(run) in ENDED


def phase_of(run):
    """Pending until the runner has taken it up."""
    return (run.get("status") or {}).get("phase") or "Pending"


def stages_of(run):
    """Its stages in the order of the strategy, with field names in snake_case."""
    stages = (run.get("status") or {}).get("stages") or ()
    return [{_snake(field): stage[field] for field in STAGE_FIELDS if field in stage} for stage in stages]


def _snake(name):
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def check_success(run):
    """Raises WaitError when the run ended in another way."""
    if phase_of(run) != "Succeeded":
        raise WaitError(f"StrategyRun {run['metadata']['name']} ended as {phase_of(run)}: {standing(run)}", run)


def standing(run):
    """How it stands: the stages that failed, else those that are under way, else what the runner says of it."""
    stages = stages_of(run)
    for phases in (FAILED_STAGES, OPEN_STAGES):
        told = [_told(run, stage) for stage in stages if stage.get("phase") in phases]
        if told:
            return "; ".join(told)
    status = run.get("status") or {}
    messages = [condition.get("message") for condition in status.get("conditions") or ()]
    return next(filter(None, [*messages, status.get("summary")]), "the runner has not taken it up; is it running?")


def _told(run, stage):
    text = f"stage {stage['name']} is {stage['phase']}"
    if stage.get("waits_on") == "Approval":
        return f"{text} and waits for approval (kabanero approve {run['metadata']['name']} {stage['name']})"
    why = stage.get("message") or stage.get("reason")
    return f"{text}: {why}" if why else text
