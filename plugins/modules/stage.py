#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stage
short_description: Describe a stage, the work that a strategy does at one of its steps
version_added: 0.1.0
description:
  - Makes, changes and deletes a stage of any kind through the resource API of a runner or cluster.
  - A stage says what it reads and makes, and how its work is done. Strategies refer to it by kind and name.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  kind:
    description:
      - Kind of the stage, such as V(PlaybookStage), V(TektonStage), V(JobTemplateStage), V(AppsodyBuild),
        V(EmailApprovalStage), or one that a C(StageKind) declares.
    type: str
    default: PlaybookStage
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.definition
  - kabanero.events.definition.meta
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    support: full
seealso:
  - module: kabanero.events.strategy_definition
  - module: kabanero.events.stage_result
"""

EXAMPLES = r"""
- name: A stage whose work is a playbook
  kabanero.events.stage:
    name: build
    namespace: kabanero
    spec:
      playbook: kabanero.events.stages.build
      resources:
        input: [{name: source, type: github}]
        output: [{name: image, type: docker}]
      timeout: 10m
      retries: 1

- name: A stage that waits for a person
  kabanero.events.stage:
    kind: EmailApprovalStage
    name: deploy-approval
    namespace: kabanero
    spec:
      message: The tests have passed. May it go to production?
      resources:
        input: [{name: approvers, type: string}]

- name: Delete a stage
  kabanero.events.stage:
    name: build
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
    kind: PlaybookStage
    metadata: {name: build, namespace: kabanero, generation: 1}
    spec:
      playbook: kabanero.events.stages.build
      timeout: 10m
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import definition

MODULE = definition()


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
