#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: email_approval_stage
short_description: Describe a stage that waits until somebody approves or rejects
version_added: 0.1.0
description:
  - Makes, changes and deletes an C(EmailApprovalStage) through the resource API of a runner or cluster.
  - What is left out of an existing stage stays as it is.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  question:
    description: What the approvers are asked, the C(message) of the stage's C(spec).
    type: str
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.definition
  - kabanero.events.definition.meta
  - kabanero.events.definition.stage
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    support: full
seealso:
  - module: kabanero.events.approval
  - module: kabanero.events.stage
  - module: kabanero.events.strategy_definition
"""

EXAMPLES = r"""
- name: A stage that asks before a deployment
  kabanero.events.email_approval_stage:
    name: deploy-approval
    namespace: kabanero
    question: The tests have passed. May it go to production?
    inputs:
      - name: approvers
        type: string
    timeout: 72h

- name: Delete a stage
  kabanero.events.email_approval_stage:
    name: deploy-approval
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
    kind: EmailApprovalStage
    metadata: {name: deploy-approval, namespace: kabanero, generation: 1}
    spec:
      message: The tests have passed. May it go to production?
      timeout: 72h
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import stage

MODULE = stage("EmailApprovalStage", {"question": {"type": "str"}}, {"question": "message"})


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
