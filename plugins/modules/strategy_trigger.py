#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: strategy_trigger
short_description: Say which outside events start runs of a strategy
version_added: 0.1.0
description:
  - Makes, changes and deletes a C(StrategyTrigger) through the resource API of a runner or cluster.
  - A trigger matches events from outside, such as a push, by their attributes. Each match starts a run, whose variables
    get their values from the event.
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
  - C(${event.ATTRIBUTE}), C(${contextID}) and settings such as C(${docker_registry}) are put in as plain values. They
    are never evaluated.
seealso:
  - module: kabanero.events.strategy_definition
  - module: kabanero.events.event
"""

EXAMPLES = r"""
- name: Ship each push to master, unless the commit message says skip ci
  kabanero.events.strategy_trigger:
    name: ship-pushes
    namespace: kabanero
    spec:
      strategy: ship
      events:
        - match: {eventName: Push}
          filter:
            - {attribute: branch, allowed: [master], disallowed: ["*test"]}
            - {jsonPath: "$.rawData.head_commit.message", disallowed: ["*skip ci*"]}
          variableBindings:
            - {name: src_repo, location: "${event.location}", commit: "${event.commit}"}
            - {name: app_image, location: "${docker_registry}/${event.repository}"}
          emit: {name: Start_build}

- name: Let it match nothing for a while
  kabanero.events.strategy_trigger:
    name: ship-pushes
    namespace: kabanero
    spec:
      suspended: true

- name: Delete it
  kabanero.events.strategy_trigger:
    name: ship-pushes
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
    kind: StrategyTrigger
    metadata: {name: ship-pushes, namespace: kabanero, generation: 1}
    spec:
      strategy: ship
      events:
        - match: {eventName: Push}
          emit: {name: Start_build}
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import definition

MODULE = definition("StrategyTrigger")


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
