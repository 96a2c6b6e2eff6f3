#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: strategy_run_info
short_description: Read runs of strategies
version_added: 0.1.0
description:
  - Reads the C(StrategyRuns) of a namespace, all of them or those that the options select.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  context_id:
    description: Only the run of this C(contextID).
    type: str
  strategy:
    description: Only runs of this strategy.
    type: str
  phase:
    description: Only runs that stand there.
    type: str
    choices: [Pending, Running, Succeeded, Failed, Errored, Cancelled]
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.selection
  - kabanero.events.attributes
  - kabanero.events.attributes.info
  - kabanero.events.attributes.action_group
seealso:
  - module: kabanero.events.strategy_run
  - module: kabanero.events.explain_info
"""

EXAMPLES = r"""
- name: Read the runs of a strategy that are under way
  kabanero.events.strategy_run_info:
    namespace: kabanero
    strategy: ship
    phase: Running
  register: found

- name: Show how they stand
  ansible.builtin.debug:
    msg: "{{ item.metadata.name }}: {{ item.status.summary | default('') }}"
  loop: "{{ found.runs }}"
  loop_control:
    label: "{{ item.metadata.name }}"
"""

RETURN = r"""
runs:
  description: The resources, in the order of their names.
  returned: success
  type: list
  elements: dict
  sample:
    - apiVersion: kabanero.io/v1alpha1
      kind: StrategyRun
      metadata: {name: ship-12345, namespace: kabanero}
      spec: {strategy: ship}
      status:
        phase: Running
        contextID: 20261123084500-ab12cd
        variables:
          app_image: {location: "registry.example.com/shop/hello:1.4.0"}
        stages:
          - {name: build, phase: Succeeded, attempt: 1, stageRun: ship-12345-build}
"""

from ansible_collections.kabanero.events.plugins.module_utils.info import info

OPTIONS = {
    "context_id": {"type": "str"},
    "strategy": {"type": "str"},
    "phase": {"type": "str", "choices": ["Pending", "Running", "Succeeded", "Failed", "Errored", "Cancelled"]},
}
FIELDS = {"context_id": "status.contextID", "strategy": "spec.strategy", "phase": "status.phase"}
MODULE = info("StrategyRun", "runs", OPTIONS, FIELDS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
