#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tekton_pipeline_run
short_description: Start a Tekton pipeline for a stage
version_added: 0.1.0
description:
  - Makes a C(PipelineRun) of a Pipeline on the cluster, or of one that a resolver fetches, and does not wait for it.
  - The stage's inputs and outputs become params. A repository C(source) gives C(source-url), C(source-revision),
    C(source-branch) and its other fields as C(source-FIELD). An image C(image) gives its location as C(image), and its
    other fields as C(image-FIELD). Any other value gives itself. Case and separators of a name count for nothing, so
    that C(source-url) is C(sourceUrl) and C(source_url) as well.
  - Only what the Pipeline declares is sent. A param that it needs and nothing gives is an error that names it. What a
    resolver fetches can't be asked, so it gets C(NAME-url), C(NAME-revision) and C(NAME-branch) of repositories, the
    location of images, all other values, and O(params).
  - The PipelineRun's name is derived from O(stage_run), O(stage_run_uid) and O(attempt). So who calls this again, after
    a crash for example, finds the one that is there.
  - It runs on the controller, where it costs two requests.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  name:
    description: Name of the PipelineRun. Derived from O(stage_run) when it is left out.
    type: str
  pipeline:
    description: Name of the Pipeline in O(namespace). Exclusive with O(resolver).
    type: str
  resolver:
    description: Fetches the Pipeline at each run. Exclusive with O(pipeline).
    type: dict
    suboptions:
      name:
        description: The resolver, such as V(git), V(bundles), V(hub), V(cluster) or V(http).
        type: str
        required: true
      params:
        description: What the resolver needs to know, for V(git) C(url), C(revision) and C(pathInRepo).
        type: dict
  params:
    description: Params by name, each a text, a list or a dictionary of texts. They count before O(inputs).
    type: dict
  inputs:
    description: The values of the stage's input resources by name, as in the extra var C(resources.input).
    type: dict
  outputs:
    description:
      - The values of the stage's output resources by name, as in the extra var C(resources.output).
      - They offer params as O(inputs) do, for example the image to be pushed.
    type: dict
  declared:
    description:
      - The stage's C(spec.resources), C(input) and C(output) with C(name) and C(type) of each.
      - Of a resource that it doesn't name, the value's fields tell the type.
    type: dict
  workspaces:
    description: Workspaces with their volumes, as a PipelineRun's C(spec.workspaces) has them.
    type: list
    elements: dict
  service_account:
    description: ServiceAccount that the pipeline runs as. Tekton's default when it is left out.
    type: str
  timeouts:
    description: Longest times C(pipeline), C(tasks) and C(finally), such as V(1h30m).
    type: dict
  timeout:
    description: Longest time of the stage in seconds. It is C(timeouts.pipeline) unless O(timeouts) says otherwise.
    type: float
    default: 0
  labels:
    description: Further labels.
    type: dict
  annotations:
    description: Further annotations.
    type: dict
  context_id:
    description: The run's contextID, for the label C(kabanero.io/context-id).
    type: str
  strategy:
    description: The strategy's name, for a label and an annotation.
    type: str
  strategy_run:
    description: The StrategyRun's name, for a label and an annotation.
    type: str
  stage_name:
    description: The stage's name, for a label and an annotation.
    type: str
  stage_run:
    description: The StageRun's name.
    type: str
  stage_run_uid:
    description: The StageRun's uid. With it the PipelineRun is deleted together with a StageRun of the same namespace.
    type: str
  stage_run_namespace:
    description: The StageRun's namespace. That of the PipelineRun when it is left out.
    type: str
  attempt:
    description: Which attempt at the stage this is.
    type: int
    default: 1
  patience:
    description: How long to wait for an API server that is away or busy, in seconds. V(0) gives up at once.
    type: float
    default: 120
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  check_mode:
    details: The API server checks the PipelineRun with all its admission rules, but keeps nothing.
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: kabanero.events.stage_result
"""

EXAMPLES = r"""
- name: Start the build of a commit
  kabanero.events.tekton_pipeline_run:
    pipeline: build
    namespace: kabanero
    stage_run: main-20261123083000000-1a2b3c4d5e-build
    inputs:
      source:
        location: https://github.com/user/hello-world
        branch: main
        commit: 3f786850e387550fdab836ed7e6dc881de23001b
    outputs:
      image:
        location: registry.example.com/shop/hello
    workspaces:
      - name: work
        emptyDir: {}
  register: build

- name: Leave the rest to the PipelineRun
  kabanero.events.stage_result:
    waiting_for: "{{ build.waiting_for }}"

- name: Start a pipeline that lies in a repository
  kabanero.events.tekton_pipeline_run:
    namespace: kabanero
    name: deploy-by-hand
    resolver:
      name: git
      params:
        url: https://github.com/user/pipelines
        revision: main
        pathInRepo: deploy.yaml
    params:
      image: registry.example.com/shop/hello:1.4.0
"""

RETURN = r"""
pipeline_run:
  description: The PipelineRun as the API server answered.
  returned: success
  type: dict
  sample:
    apiVersion: tekton.dev/v1
    kind: PipelineRun
    metadata:
      name: main-20261123083000000-1a2b3c4d5e-build-2cf24dba-1
      namespace: kabanero
waiting_for:
  description: What M(kabanero.events.stage_result) needs to wait for it.
  returned: success
  type: dict
  sample:
    apiVersion: tekton.dev/v1
    kind: PipelineRun
    name: main-20261123083000000-1a2b3c4d5e-build-2cf24dba-1
    namespace: kabanero
reason:
  description:
    - Why there is no PipelineRun, in one word.
    - V(PipelineNotFound), V(ParamsMissing), V(ParamUnknown), V(ParamInvalid), V(WorkspacesMissing),
      V(WorkspaceUnknown), V(WorkspaceInvalid), V(PipelineRunTaken) or V(TektonNotFound), or the API server's own
      reason, such as V(Forbidden) or V(Invalid).
  returned: failure
  type: str
  sample: ParamsMissing
"""
