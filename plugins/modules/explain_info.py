#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: explain_info
short_description: Ask why a stage runs, waits or never ran, or why an event started what it did
version_added: 0.1.0
description:
  - Of a run, reads for every stage which events it had, which it lacks, and why. It is what C(kabanero explain RUN)
    tells.
  - Of an event, reads for every trigger why it did or did not match. It is what C(kabanero explain --event ID) tells.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  run:
    description: Name of the run.
    type: str
  stage:
    description: Only this stage of the run.
    type: str
  event:
    description: The C(id) of the event.
    type: str
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.attributes
  - kabanero.events.attributes.info
  - kabanero.events.attributes.action_group
notes:
  - The runner itself explains. Where O(host) is a cluster it is found by E(KABANERO_RUNNER_URL) and
    E(KABANERO_RUNNER_TOKEN), which the runner sets for playbooks of stages, else in its data folder here, else
    through the cluster's API server, as the Service that E(KABANERO_RUNNER_SERVICE) names or C(kabanero-runner).
seealso:
  - module: kabanero.events.event_info
  - module: kabanero.events.strategy_run_info
"""

EXAMPLES = r"""
- name: Start a run
  kabanero.events.strategy_run:
    namespace: kabanero
    name: ship-explained
    strategy: ship

- name: Ask how it stands
  kabanero.events.explain_info:
    namespace: kabanero
    run: ship-explained
  register: explained

- name: Show what it waits for, and what comes next
  ansible.builtin.debug:
    msg: "{{ explained.explanation.why }}; {{ explained.explanation.next | default([]) }}"

- name: Send an event
  kabanero.events.event:
    namespace: kabanero
    data:
      name: Integration
      status: Success
    wait: true
  register: sent

- name: Ask why it started nothing
  kabanero.events.explain_info:
    event: "{{ sent.resource.status.event.rpartition('#')[2] }}"
  register: explained

- name: Show what was in the way of each trigger
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.rules | map(attribute='objections') | flatten }}"
  loop: "{{ explained.explanation.triggers }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
explanation:
  description:
    - Of a run C(phase), C(why), C(waits), C(next), C(stages) and C(events). Of a stage C(phase), C(why), C(clauses)
      with what met each and what is in the way, and C(emitted).
    - Of an event the C(event) itself and C(triggers), each with C(matched) and its C(rules) with their C(objections).
  returned: success
  type: dict
  sample:
    run: ship-12345
    strategy: ship
    phase: Running
    why: "runs: 1 of 2 stages have ended, at work: deploy"
    waits:
      - {kind: Playbook, stage: deploy, text: its playbook runs}
    next: [the run ends when deploy has ended]
"""

from ansible_collections.kabanero.events.plugins.module_utils.core import Module
from ansible_collections.kabanero.events.plugins.module_utils.events import explain_run, one

OPTIONS = {"run": {"type": "str"}, "stage": {"type": "str"}, "event": {"type": "str"}}
CHECKS = {
    "required_one_of": [("run", "event")],
    "mutually_exclusive": [("run", "event"), ("stage", "event")],
}


def read(call, client):
    """The explanation of the run, stage or event."""
    params = call.params
    if params["event"]:
        return {"changed": False, "explanation": one(client, params["event"], "/explain")}
    return {"changed": False, "explanation": explain_run(client, params["run"], params["stage"])}


MODULE = Module(OPTIONS, read, **CHECKS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
