#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: approval
short_description: Approve or reject a stage that waits for a person
version_added: 0.1.0
description:
  - Decides for a stage that waits for approval, by the C(spec.approval) of its C(StageRun).
  - A decision is made once. The stage that was rejected fails, and with it what depends on it.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  run:
    description: Name of the run.
    type: str
  context_id:
    description: The run's C(contextID), instead of O(run).
    type: str
  stage:
    description: Name of the stage. Needed only where several stages of the run ask.
    type: str
  state:
    description: The decision.
    type: str
    choices: [approved, rejected]
    default: approved
  reason:
    description: Why, for people.
    type: str
  by:
    description: Who decides. The user that the module runs as when it is left out.
    type: str
  wait:
    description: Whether to wait until the stage asks, when it does not do so yet.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait at most.
    type: int
    default: 600
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    details: The same decision again changes nothing, whatever its reason. The other decision is an error.
    support: full
seealso:
  - module: kabanero.events.email_approval_stage
  - module: kabanero.events.stage_run_info
"""

EXAMPLES = r"""
- name: Start a run of a strategy that asks before it deploys
  kabanero.events.strategy_run:
    namespace: kabanero
    name: careful-12345
    strategy: careful

- name: Approve
  kabanero.events.approval:
    namespace: kabanero
    run: careful-12345
    stage: approval
    reason: looks good
    by: "{{ awx_user_name | default('champ') }}"
    wait: true
    wait_timeout: 120

- name: Start another
  kabanero.events.strategy_run:
    namespace: kabanero
    name: careful-12346
    strategy: careful

- name: Reject
  kabanero.events.approval:
    namespace: kabanero
    run: careful-12346
    state: rejected
    reason: not during the fair
    wait: true
"""

RETURN = r"""
stage_run:
  description: The C(StageRun) with the decision, as it is now or as it would be in check mode.
  returned: success
  type: dict
  sample:
    apiVersion: kabanero.io/v1alpha1
    kind: StageRun
    metadata: {name: careful-12345-approval, namespace: kabanero}
    spec:
      stageName: approval
      strategyRun: careful-12345
      approval: {decision: Approved, by: champ, reason: looks good}
"""

from ansible_collections.kabanero.events.plugins.module_utils.approvals import (
    asks,
    decided,
    decided_otherwise,
    find_asked,
    nobody_asks,
    user,
)
from ansible_collections.kabanero.events.plugins.module_utils.core import Module, outcome
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources
from ansible_collections.kabanero.events.plugins.module_utils.runs import find_run, has_ended, standing
from ansible_collections.kabanero.events.plugins.module_utils.waiting import wait_until

OPTIONS = {
    "run": {"type": "str"},
    "context_id": {"type": "str"},
    "stage": {"type": "str"},
    "state": {"type": "str", "choices": ["approved", "rejected"], "default": "approved"},
    "reason": {"type": "str"},
    "by": {"type": "str"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 600},
}
DECISIONS = {"approved": "Approved", "rejected": "Rejected"}


def decide(call, client):
    """Decides for the stage that is meant, unless that has been done."""
    params = call.params
    runs = Resources(client, "StrategyRun")
    stage_runs = Resources(client, "StageRun", call.check_mode)
    run = find_run(runs, params["run"], params["context_id"])
    if run is None:
        raise KabaneroError(f"there is no run {params['run'] or params['context_id']} in {runs.namespace}")
    found = find_asked(stage_runs, run, params["stage"])
    if found is None and params["wait"]:
        run = wait_until(
            runs, run, lambda run: asks(run, params["stage"]) or has_ended(run), params["wait_timeout"], standing
        )
        found = find_asked(stage_runs, run, params["stage"])
    if found is None:
        raise nobody_asks(run, params["stage"])
    return outcome(*_decision(stage_runs, found, params), "stage_run")


def _decision(stage_runs, found, params):
    """The StageRun before and after. Raises KabaneroError when it was decided otherwise."""
    decision, made = DECISIONS[params["state"]], decided(found)
    if made:
        if made["decision"] != decision:
            raise decided_otherwise(found)
        return found, found
    approval = {"decision": decision, "by": params["by"] or user(), "reason": params["reason"] or ""}
    return stage_runs.apply({"metadata": {"name": found["metadata"]["name"]}, "spec": {"approval": approval}})


MODULE = Module(OPTIONS, decide, required_one_of=[("run", "context_id")], mutually_exclusive=[("run", "context_id")])


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
