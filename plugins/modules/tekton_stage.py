#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tekton_stage
short_description: Describe a stage whose work is a Tekton pipeline
version_added: 0.1.0
description:
  - Makes, changes and deletes a C(TektonStage) through the resource API of a runner or cluster.
  - When the stage is triggered, the runner makes a C(PipelineRun) and watches it. The stage's inputs become params, and
    the pipeline's results become the stage's outputs.
  - What is left out of an existing stage stays as it is.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  pipeline_name:
    description: Name of a Pipeline on the cluster. A new stage needs either this or O(resolver).
    type: str
  pipeline_namespace:
    description: Namespace of the Pipeline, where it also runs. The stage's own when it is left out.
    type: str
  resolver:
    description: Fetches the Pipeline at each run, instead of O(pipeline_name).
    type: dict
    suboptions:
      name:
        description: The resolver, V(git), V(bundles), V(hub), V(cluster), V(http) or one of your own.
        type: str
        required: true
      params:
        description: What the resolver needs to know, for V(git) C(url), C(revision) and C(pathInRepo).
        type: dict
  params:
    description:
      - Params of the Pipeline by name, each a text, a list or a dictionary of texts. They count before what the stage's
        inputs say.
      - C(${resources.input.NAME.FIELD}), C(${variables.NAME}) and C(${contextID}) in them are put in as plain values.
    type: dict
  service_account:
    description: ServiceAccount of the PipelineRun. The default one when it is left out.
    type: str
  workspaces:
    description: Workspaces of the Pipeline, each C(name) and one volume, in the words of Tekton's YAML.
    type: list
    elements: dict
  timeouts:
    description: How long the PipelineRun may take, C(pipeline), C(tasks) and C(finally), such as V(1h30m).
    type: dict
  results:
    description:
      - Results that set outputs of another name.
      - A result that is called like an output, or like it with C(-url), C(-digest) or another field behind, needs none.
    type: list
    elements: dict
    suboptions:
      result:
        description: Name of the Pipeline's result.
        type: str
        required: true
      output:
        description: Name of the output that it sets.
        type: str
        required: true
      field:
        description: Field of the output, such as C(location). The whole output when it is left out.
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
  - module: kabanero.events.strategy_definition
  - module: kabanero.events.tekton_pipeline_run
"""

EXAMPLES = r"""
- name: A stage that runs a Pipeline of the cluster
  kabanero.events.tekton_stage:
    name: deploy
    namespace: kabanero
    pipeline_name: deploy-pipeline
    service_account: deployer
    inputs:
      - name: app
        type: image
    params:
      environment: production
    workspaces:
      - name: work
        emptyDir: {}
    timeout: 20m

- name: A stage whose Pipeline lies in a repository
  kabanero.events.tekton_stage:
    name: fvt
    namespace: kabanero
    resolver:
      name: git
      params:
        url: https://github.com/user/pipelines
        revision: main
        pathInRepo: fvt.yaml

- name: Delete a stage
  kabanero.events.tekton_stage:
    name: fvt
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
    kind: TektonStage
    metadata: {name: deploy, namespace: kabanero, generation: 1}
    spec:
      pipelineName: deploy-pipeline
      serviceAccount: deployer
      params: {environment: production}
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import stage

OPTIONS = {
    "pipeline_name": {"type": "str"},
    "pipeline_namespace": {"type": "str"},
    "resolver": {"type": "dict", "options": {"name": {"type": "str", "required": True}, "params": {"type": "dict"}}},
    "params": {"type": "dict"},
    "service_account": {"type": "str"},
    "workspaces": {"type": "list", "elements": "dict"},
    "timeouts": {"type": "dict"},
    "results": {
        "type": "list",
        "elements": "dict",
        "options": {
            "result": {"type": "str", "required": True},
            "output": {"type": "str", "required": True},
            "field": {"type": "str"},
        },
    },
}
FIELDS = {
    "pipeline_name": "pipelineName",
    "pipeline_namespace": "pipelineNamespace",
    "resolver": "resolver",
    "params": "params",
    "service_account": "serviceAccount",
    "workspaces": "workspaces",
    "timeouts": "timeouts",
    "results": "results",
}
MODULE = stage("TektonStage", OPTIONS, FIELDS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
