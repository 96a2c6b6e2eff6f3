#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stage_run_info
short_description: Read runs of stages
version_added: 0.1.0
description:
  - Reads the C(StageRuns) of a namespace, all of them or those that the options select.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  run:
    description: Only stages of the C(StrategyRun) of this name.
    type: str
  stage:
    description: Only stages of this C(stageName).
    type: str
  kind:
    description: Only stages of this kind, such as V(TektonStage).
    type: str
  phase:
    description: Only stages that stand there.
    type: str
    choices: [Waiting, Triggered, Running, Succeeded, Failed, Errored, Cancelled, TimedOut, Skipped]
  waits_on:
    description: Only stages whose end waits for that.
    type: str
    choices: [Playbook, Approval, Object, External]
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.selection
  - kabanero.events.attributes
  - kabanero.events.attributes.info
  - kabanero.events.attributes.action_group
seealso:
  - module: kabanero.events.approval
  - module: kabanero.events.strategy_run_info
"""

EXAMPLES = r"""
- name: Read all stages that wait for a person
  kabanero.events.stage_run_info:
    namespace: kabanero
    waits_on: Approval
  register: asking

- name: Name them
  ansible.builtin.debug:
    msg: "{{ item.spec.strategyRun }} asks in stage {{ item.spec.stageName }}"
  loop: "{{ asking.stage_runs }}"
  loop_control:
    label: "{{ item.metadata.name }}"
"""

RETURN = r"""
stage_runs:
  description: The resources, in the order of their names.
  returned: success
  type: list
  elements: dict
  sample:
    - apiVersion: kabanero.io/v1alpha1
      kind: StageRun
      metadata: {name: ship-12345-build, namespace: kabanero}
      spec:
        stageName: build
        stageRef: {kind: PlaybookStage, name: build}
        strategyRun: ship-12345
      status:
        phase: Succeeded
        attempt: 1
        outputs:
          image: {location: "registry.example.com/shop/hello:1.4.0"}
"""

from ansible_collections.kabanero.events.plugins.module_utils.info import info

PHASES = ["Waiting", "Triggered", "Running", "Succeeded", "Failed", "Errored", "Cancelled", "TimedOut", "Skipped"]
OPTIONS = {
    "run": {"type": "str"},
    "stage": {"type": "str"},
    "kind": {"type": "str"},
    "phase": {"type": "str", "choices": PHASES},
    "waits_on": {"type": "str", "choices": ["Playbook", "Approval", "Object", "External"]},
}
FIELDS = {
    "run": "spec.strategyRun",
    "stage": "spec.stageName",
    "kind": "spec.stageRef.kind",
    "phase": "status.phase",
    "waits_on": "status.waitsOn",
}
MODULE = info("StageRun", "stage_runs", OPTIONS, FIELDS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
