#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: strategy_run
short_description: Start, wait for, retry, cancel or delete a run of a strategy
version_added: 0.1.0
description:
  - Starts a run by making a C(StrategyRun) through the resource API of a runner or cluster, and waits for its end when
    asked to.
  - With O(name) or O(context_id), the run is started once, however often the task runs. What it was started with can't
    be changed afterwards.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  name:
    description:
      - Name of the run. Left out, it is made from O(strategy) and O(context_id).
      - Without either of them the server makes one up, and each call starts a run.
    type: str
  state:
    description:
      - V(present) starts the run, unless it is there.
      - V(retried) runs its failed stages once more, or those that O(stages) names, and what their events start. The run
        goes on under its name, and what other stages did stays done. Nothing happens while none of them has ended, or
        when O(stages) is left out and none has failed.
      - V(cancelled) cancels it and all its work, unless it has ended.
      - V(absent) deletes it and the runs of its stages. Work under way is cancelled.
    type: str
    choices: [present, retried, cancelled, absent]
    default: present
  strategy:
    description: Name of the strategy. Required to start a run, unless O(rerun_of) tells it.
    type: str
  rerun_of:
    description:
      - Name of an earlier run. Its strategy, variables and first event are used where O(strategy), O(variables) and
        O(emit) say nothing else.
      - The new run starts from the first stage, with the strategy as it is now.
    type: str
  stages:
    description: Names of the stages to run once more, with O(state=retried). One that has succeeded may be among them.
    type: list
    elements: str
  context_id:
    description: Identity of the run in events and labels. The runner makes one when it is left out.
    type: str
  variables:
    description:
      - Values of the strategy's variables, by name.
      - A dictionary stands for a variable with fields, such as C(location) and C(commit), anything else for a plain
        value.
    type: dict
  emit:
    description: First event. Needed only when the strategy could begin with several.
    type: dict
  cancel_reason:
    description: Why it is cancelled, for people.
    type: str
  wait:
    description:
      - Whether to wait until the run has ended.
      - The task fails when the run does not succeed, except with O(state=cancelled).
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait at most. Then the task fails, and the run goes on.
    type: int
    default: 3600
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.definition.meta
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    details: With O(name) or O(context_id), as long as O(state=retried) finds no stage to run once more.
    support: partial
seealso:
  - module: kabanero.events.strategy_definition
  - module: kabanero.events.event
"""

EXAMPLES = r"""
- name: Build one commit and wait for the end
  kabanero.events.strategy_run:
    name: ship-12345
    namespace: kabanero
    strategy: ship
    variables:
      src_repo:
        location: https://github.com/user/hello-world
        commit: "1234567890abcdef1234567890abcdef12345678"
      approver_emails: champ@mycompany.com
    wait: true
    wait_timeout: 900
  register: shipped

- name: Do the same again, for another commit
  kabanero.events.strategy_run:
    name: ship-67890
    namespace: kabanero
    rerun_of: ship-12345
    variables:
      src_repo:
        location: https://github.com/user/hello-world
        commit: "67890def67890def67890def67890def67890def"

- name: Run it once more from one stage on, and wait for the end
  kabanero.events.strategy_run:
    name: ship-12345
    namespace: kabanero
    state: retried
    stages: [quick-deploy]
    wait: true
    wait_timeout: 900

- name: Show its stages
  ansible.builtin.debug:
    msg: "{{ shipped.stages | items2dict(key_name='name', value_name='phase') }}"

- name: Cancel it
  kabanero.events.strategy_run:
    name: ship-12345
    namespace: kabanero
    state: cancelled
    cancel_reason: superseded by 1.4.1
"""

RETURN = r"""
run:
  description: The run as it is now, or as it would be in check mode.
  returned: when there is one, and when the task fails after waiting
  type: dict
  sample:
    apiVersion: kabanero.io/v1alpha1
    kind: StrategyRun
    metadata: {name: ship-12345, namespace: kabanero}
    spec:
      strategy: ship
    status:
      phase: Succeeded
      contextID: 20261123084500-ab12cd
stages:
  description: Its stages, in the order of the strategy. Empty until the runner has taken the run up.
  returned: when there is a run, and when the task fails after waiting
  type: list
  elements: dict
  contains:
    name:
      description: Name of the stage.
      type: str
    phase:
      description: Where it stands, C(Waiting), C(Triggered), C(Running), C(Succeeded), C(Failed), C(Errored),
        C(Cancelled), C(TimedOut) or C(Skipped).
      type: str
    waits_on:
      description: What will end a running stage, C(Playbook), C(Approval), C(Object) or C(External).
      type: str
    attempt:
      description: Attempts started so far.
      type: int
    reason:
      description: Why, as one CamelCase word.
      type: str
    message:
      description: Why, as a sentence.
      type: str
    stage_run:
      description: Name of its C(StageRun).
      type: str
    start_time:
      description: When it was triggered.
      type: str
    completion_time:
      description: When it ended.
      type: str
  sample:
    - name: build
      phase: Succeeded
      attempt: 1
      stage_run: ship-12345-build
"""

from ansible_collections.kabanero.events.plugins.module_utils.core import Module, outcome
from ansible_collections.kabanero.events.plugins.module_utils.definitions import META_OPTIONS, wanted
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError, WaitError
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources, returned
from ansible_collections.kabanero.events.plugins.module_utils.retrying import has_begun, retry, to_retry
from ansible_collections.kabanero.events.plugins.module_utils.runs import (
    check_success,
    check_unchanged,
    find_run,
    has_ended,
    name_of,
    spec_of,
    stages_of,
    standing,
)
from ansible_collections.kabanero.events.plugins.module_utils.waiting import wait_until

OPTIONS = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "retried", "cancelled", "absent"], "default": "present"},
    "strategy": {"type": "str"},
    "rerun_of": {"type": "str"},
    "stages": {"type": "list", "elements": "str"},
    "context_id": {"type": "str"},
    "variables": {"type": "dict"},
    "emit": {"type": "dict"},
    "cancel_reason": {"type": "str"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600},
    **META_OPTIONS,
}
CHECKS = {
    "required_if": [
        ("state", "present", ["strategy", "rerun_of"], True),
        ("state", "retried", ["name", "context_id"], True),
        ("state", "cancelled", ["name", "context_id"], True),
        ("state", "absent", ["name", "context_id"], True),
    ]
}


def start(call, client):
    """What the module hands back for a run that is started, unless it is there."""
    runs, params = Resources(client, "StrategyRun", call.check_mode), call.params
    spec = spec_of(params, _earlier(runs, params["rerun_of"]))
    own_name = name_of({**params, "strategy": spec["strategy"]})
    found = find_run(runs, own_name, params["context_id"])
    if found:
        check_unchanged(found, spec)
    name = found["metadata"]["name"] if found else own_name
    resource = wanted(params, spec, name, generate=f"{spec['strategy']}-")
    before, after = runs.apply(resource) if name else (None, runs.create(resource))
    return told(call, runs, outcome(before, after, "run"), after)


def _earlier(runs, name):
    return there(runs, name, None)["spec"] if name else {}


def there(runs, name, context_id):
    """The run. Raises KabaneroError where there is none."""
    found = find_run(runs, name, context_id)
    if found is None:
        raise KabaneroError(f"there is no run {name or context_id} in {runs.namespace}")
    return found


def again(call, client):
    """The same for stages that are run once more."""
    runs, stage_runs = Resources(client, "StrategyRun"), Resources(client, "StageRun", call.check_mode)
    run = there(runs, call.params["name"], call.params["context_id"])
    attempts = {stage["name"]: retry(stage_runs, stage) for stage in to_retry(run, call.params["stages"])}
    diff = (
        {"before": {"attempts": {name: number - 1 for name, number in attempts.items()}}}
        if attempts
        else {"before": {}}
    )
    result = {"changed": bool(attempts), "diff": {**diff, "after": {"attempts": attempts} if attempts else {}}}
    return told(call, runs, result, run, has_begun(attempts))


def cancel(call, client):
    """The same for a run that is cancelled."""
    runs, params = Resources(client, "StrategyRun", call.check_mode), call.params
    before = there(runs, params["name"], params["context_id"])
    if has_ended(before) or before["spec"].get("cancel"):
        return told(call, runs, outcome(before, before), before)
    spec = {"cancel": True}
    if params["cancel_reason"]:
        spec["cancelReason"] = params["cancel_reason"]
    before, after = runs.apply({"metadata": {"name": before["metadata"]["name"]}, "spec": spec})
    return told(call, runs, outcome(before, after), after)


def delete(call, client):
    """The same for a run that is deleted."""
    runs = Resources(client, "StrategyRun", call.check_mode)
    found = find_run(runs, call.params["name"], call.params["context_id"])
    return outcome(runs.remove(found["metadata"]["name"]) if found else None, None)


STATES = {"present": start, "retried": again, "cancelled": cancel, "absent": delete}


def act(call, client):
    """Brings the run into the state that is asked for, and waits."""
    return STATES[call.params["state"]](call, client)


def told(call, runs, result, run, begun=lambda _: True):
    """The result with the run and its stages, at its end when that is to be waited for."""
    if call.params["wait"] and not call.check_mode:
        run = ended(runs, run, call.params, result["changed"], begun)
    return {"changed": result["changed"], "diff": result["diff"], "run": returned(run), "stages": stages_of(run)}


def ended(runs, run, params, changed, begun):
    """The run at its end. Raises KabaneroError, with the run and its stages, when that is not as it should be."""
    try:
        run = wait_until(runs, run, lambda run: begun(run) and has_ended(run), params["wait_timeout"], standing)
        if params["state"] != "cancelled":
            check_success(run)
    except WaitError as error:
        seen = error.resource
        raise KabaneroError(str(error), changed=changed, run=returned(seen), stages=stages_of(seen))
    return run


MODULE = Module(OPTIONS, act, **CHECKS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
