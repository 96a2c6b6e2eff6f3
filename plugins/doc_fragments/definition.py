# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules share that keep a definition as it should be."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  name:
    description: Name of the resource. Lower-case letters, digits, C(-) and C(.).
    type: str
    required: true
  state:
    description:
      - V(present) makes the resource, or changes the one that is there.
      - V(absent) deletes it. Runs that were started from it go on, since they have a copy.
    type: str
    choices: [present, absent]
    default: present
  spec:
    description:
      - What the resource's C(spec) holds, in the words of its YAML. The server checks it and names unknown fields.
      - When the resource is there, it is laid over what is there. Mappings are merged, a null removes a field,
        everything else is replaced, lists as a whole.
      - Required when O(state=present) in modules that have no options of their own for what it holds. Where they have,
        those count before it.
    type: dict
"""

    META = r"""
options:
  labels:
    description: Labels of the resource, merged with those that are there.
    type: dict
  annotations:
    description: Annotations of the resource, merged with those that are there.
    type: dict
"""

    STAGE = r"""
options:
  inputs:
    description: What the stage reads.
    type: list
    elements: dict
    suboptions:
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
        description: Whether it may be left unbound.
        type: bool
  outputs:
    description: What the stage hands back.
    type: list
    elements: dict
    suboptions:
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
        description: Of no use for an output.
        type: bool
  timeout:
    description: Longest time, such as V(10m) or V(1h30m). The runner's setting when it is left out.
    type: str
  retries:
    description: Further attempts after the stage has failed or timed out.
    type: int
  on_interrupted:
    description:
      - What to do when the machine died under the work and nobody knows how far it came.
      - V(Retry) only work that may be done twice.
    type: str
    choices: [Error, Retry]
  playbook:
    description: FQCN of another playbook than the kind's own, or its path inside the project folder.
    type: str
  parameters:
    description: Further values for the playbook, as the extra var C(parameters).
    type: dict
"""
