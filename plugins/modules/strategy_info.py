#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: strategy_info
short_description: Read strategies
version_added: 0.1.0
description:
  - Reads the C(StrategyDefinitions) of a namespace, all of them or those that the options select.
author:
  - Kabanero events contributors (@kabanero-io)
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.selection
  - kabanero.events.attributes
  - kabanero.events.attributes.info
  - kabanero.events.attributes.action_group
seealso:
  - module: kabanero.events.strategy_definition
"""

EXAMPLES = r"""
- name: Read all strategies
  kabanero.events.strategy_info:
    namespace: kabanero
  register: found

- name: Name those in which the runner found mistakes
  ansible.builtin.debug:
    msg: "{{ found.strategies | selectattr('status.problems', 'defined') | map(attribute='metadata.name') }}"

- name: Read those of one team
  kabanero.events.strategy_info:
    namespace: kabanero
    label_selectors: [team=shop]
"""

RETURN = r"""
strategies:
  description: The resources, in the order of their names.
  returned: success
  type: list
  elements: dict
  sample:
    - apiVersion: kabanero.io/v1alpha1
      kind: StrategyDefinition
      metadata: {name: ship, namespace: kabanero, generation: 1}
      spec:
        stageBindings:
          - stageName: build
            stageRef: {kind: PlaybookStage, name: build}
            triggers: [{match: {name: Start_build}}]
"""

from ansible_collections.kabanero.events.plugins.module_utils.info import info

MODULE = info("StrategyDefinition", "strategies")


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
