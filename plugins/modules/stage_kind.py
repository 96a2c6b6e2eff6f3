#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stage_kind
short_description: Declare a kind of stage, or exchange the playbook of one
version_added: 0.1.0
description:
  - Makes, changes and deletes a C(StageKind) through the resource API of a runner or cluster.
  - It says who carries out stages of a kind. The kind is a new one of your own, or a built-in one whose playbook is
    exchanged.
  - The embedded API serves a new kind at once. A cluster needs its definition as well, as C(kabanero crds) prints it.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  kind:
    description: The kind that it declares or whose playbook it exchanges, such as V(SecurityScan).
    type: str
  plural:
    description: The kind in URLs. The kind in lower case with an C(s) when it is left out.
    type: str
  controller:
    description:
      - Who carries out stages of the kind.
      - V(playbook) is the runner, by O(playbook). V(approval) is a person.
      - V(external) is a program of yours that watches StageRuns.
    type: str
    choices: [playbook, external, approval]
  playbook:
    description: FQCN of the playbook that does the work, or its path inside the project folder.
    type: str
  inputs:
    description: What all stages of the kind read.
    type: list
    elements: dict
    suboptions: &resource
      name:
        description: Name by which bindings and the playbook refer to it.
        type: str
        required: true
      type:
        description: What it holds, such as V(string), V(github) or V(image).
        type: str
      description:
        description: For people.
        type: str
      optional:
        description: Whether an input may be left unbound.
        type: bool
  outputs:
    description: What all stages of the kind hand back.
    type: list
    elements: dict
    suboptions: *resource
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
  - module: kabanero.events.stage
  - module: kabanero.events.stage_result
"""

EXAMPLES = r"""
- name: A kind of stage whose work is a playbook
  kabanero.events.stage_kind:
    name: security-scan
    namespace: kabanero
    kind: SecurityScan
    playbook: security_scan.yml
    inputs:
      - name: image
        type: image
    outputs:
      - name: report
        optional: true

- name: A kind that a program of our own carries out
  kabanero.events.stage_kind:
    name: multi-platform-build
    namespace: kabanero
    kind: MultiPlatformBuild
    controller: external

- name: Delete a kind
  kabanero.events.stage_kind:
    name: security-scan
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
    kind: StageKind
    metadata: {name: security-scan, namespace: kabanero, generation: 1}
    spec:
      kind: SecurityScan
      playbook: security_scan.yml
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import STAGE_OPTIONS, definition

OPTIONS = {
    "kind": {"type": "str"},
    "plural": {"type": "str"},
    "controller": {"type": "str", "choices": ["playbook", "external", "approval"]},
    "playbook": {"type": "str"},
    "inputs": STAGE_OPTIONS["inputs"],
    "outputs": STAGE_OPTIONS["outputs"],
}
FIELDS = {
    "kind": "kind",
    "plural": "plural",
    "controller": "controller",
    "playbook": "playbook",
    "inputs": "resources.input",
    "outputs": "resources.output",
}
MODULE = definition("StageKind", OPTIONS, FIELDS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
