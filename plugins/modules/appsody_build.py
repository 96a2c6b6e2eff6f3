#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: appsody_build
short_description: Describe a stage that builds an application by its stack
version_added: 0.1.0
description:
  - Makes, changes and deletes an C(AppsodyBuild) through the resource API of a runner or cluster.
  - The stage builds an application by the stack that its repository names. A strategy binds its input C(source) to a
    repository and its output C(image) to the image that the build makes.
  - No playbook comes with it, since only yours knows what a stack is and which pipeline builds it. Name it by
    O(playbook), or for all stages of this kind by M(kabanero.events.stage_kind). The role
    C(kabanero.events.tekton_stage) starts the pipeline.
  - What is left out of an existing stage stays as it is.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  pipeline:
    description: Build pipeline of the stack. The stack's first when it is left out.
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
  - module: kabanero.events.stage
  - module: kabanero.events.stage_kind
  - module: kabanero.events.strategy_definition
"""

EXAMPLES = r"""
- name: A stage that builds an image from a repository
  kabanero.events.appsody_build:
    name: appsody-build
    namespace: kabanero
    playbook: build.yml
    inputs:
      - name: source
        type: github
    outputs:
      - name: image
        type: image
    timeout: 30m
    on_interrupted: Retry

- name: Delete a stage
  kabanero.events.appsody_build:
    name: appsody-build
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
    kind: AppsodyBuild
    metadata: {name: appsody-build, namespace: kabanero, generation: 1}
    spec:
      resources:
        input: [{name: source, type: github}]
        output: [{name: image, type: image}]
      timeout: 30m
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import stage

MODULE = stage("AppsodyBuild", {"pipeline": {"type": "str"}}, {"pipeline": "pipeline"})


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
