#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: strategy_definition
short_description: Describe a strategy, stages that are linked by events
version_added: 0.1.0
description:
  - Makes, changes and deletes a C(StrategyDefinition) through the resource API of a runner or cluster.
  - A strategy consists of stages. Each stage names the events that start it and the events that it emits at its end.
    Variables of the strategy are bound to what the stages read and make.
  - A run keeps the definition that it started with. So a change is for later runs.
author:
  - Kabanero events contributors (@kabanero-io)
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.definition
  - kabanero.events.definition.meta
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    support: full
notes:
  - The runner looks for mistakes, such as a stage that no event can start, and writes them into C(status.problems).
    C(kabanero lint) finds them beforehand.
seealso:
  - module: kabanero.events.stage
  - module: kabanero.events.strategy_trigger
  - module: kabanero.events.strategy_run
"""

EXAMPLES = r"""
- name: Build, then deploy
  kabanero.events.strategy_definition:
    name: ship
    namespace: kabanero
    labels:
      team: shop
    spec:
      strategyVariables:
        - name: src_repo
          type: github
        - name: app_image
          type: image
      stageBindings:
        - stageName: build
          stageRef: {kind: PlaybookStage, name: build}
          resourceBindings:
            input: [{stageVariable: source, strategyVariable: src_repo}]
            output: [{stageVariable: image, strategyVariable: app_image}]
          triggers: [{match: {name: Start_build}}]
          emit: [{name: Build, status: $stage_status}]
        - stageName: deploy
          stageRef: {kind: PlaybookStage, name: deploy}
          resourceBindings:
            input: [{stageVariable: app, strategyVariable: app_image}]
          triggers: [{match: {name: Build, status: Success}}]
          emit: [{name: Deploy, status: $stage_status}]

- name: See what a file from the repository would change
  kabanero.events.strategy_definition:
    name: "{{ definition.metadata.name }}"
    namespace: kabanero
    spec: "{{ definition.spec }}"
  vars:
    definition: "{{ lookup('ansible.builtin.file', 'strategy.yaml') | from_yaml }}"
  check_mode: true
  diff: true

- name: Delete it
  kabanero.events.strategy_definition:
    name: ship
    namespace: kabanero
    state: absent
"""

RETURN = r"""
resource:
  description: The resource as it is now, or as it would be in check mode.
  returned: when O(state=present)
  type: dict
  sample:
    apiVersion: kabanero.io/v1alpha1
    kind: StrategyDefinition
    metadata: {name: ship, namespace: kabanero, generation: 1}
    spec:
      stageBindings:
        - stageName: build
          stageRef: {kind: PlaybookStage, name: build}
          triggers: [{match: {name: Start_build}}]
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import definition

MODULE = definition("StrategyDefinition")


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
