# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stage of a run waits for a person. Used by the module approval."""

from __future__ import annotations

import getpass

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.runs import phase_of, stages_of


def user():
    """Whoever the module runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def asks(run, stage=None):
    """Whether the stage, or any where none is named, waits for a person."""
    return any(
        each.get("waits_on") == "Approval" and each["phase"] == "Running" and stage in (None, each["name"])
        for each in stages_of(run)
    )


def decided(stage_run):
    """The decision that was made, or None."""
    return stage_run["spec"].get("approval")


def waits(stage_run):
    """Whether it waits for a person who has not decided yet."""
    return (stage_run.get("status") or {}).get("waitsOn") == "Approval" and not decided(stage_run)


def find_asked(stage_runs, run, stage=None):
    """The StageRun that asks, else the one that was decided, else None. Raises KabaneroError where several ask."""
    name = run["metadata"]["name"]
    found = [each for each in stage_runs.find({"spec.strategyRun": name}) if stage in (None, each["spec"]["stageName"])]
    meant = [each for each in found if waits(each)] or [each for each in found if decided(each)]
    if len(meant) > 1:
        names = ", ".join(sorted(each["spec"]["stageName"] for each in meant))
        raise KabaneroError(f"several stages of {name} come into question: name one of {names} in stage")
    return meant[0] if meant else None


def nobody_asks(run, stage=None):
    """The error that says how the run stands instead."""
    name, stages = run["metadata"]["name"], stages_of(run)
    phases = ", ".join(f"{each['name']} is {each['phase']}" for each in stages) or f"the run is {phase_of(run)}"
    if stage and stages and stage not in [each["name"] for each in stages]:
        return KabaneroError(f"{name} has no stage {stage!r}; {phases}")
    which = f"stage {stage}" if stage else "no stage"
    verb = "does not wait" if stage else "waits"
    return KabaneroError(f"{which} of {name} {verb} for approval: {phases}", run=run)


def decided_otherwise(stage_run):
    """The error that says who decided, and how the stage can be asked again."""
    spec, made = stage_run["spec"], stage_run["spec"]["approval"]
    what = f"stage {spec['stageName']} of {spec['strategyRun']} has been {made['decision'].lower()}"
    again = "to ask again, start its next attempt (kabanero.events.strategy_run with state=retried)"
    return KabaneroError(f"{what} by {made.get('by') or 'somebody'}; {again}", stage_run=stage_run)
