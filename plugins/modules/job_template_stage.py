#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_template_stage
short_description: Describe a stage whose work is a job of AWX
version_added: 0.1.0
description:
  - Makes, changes and deletes a C(JobTemplateStage) through the resource API of a runner or cluster.
  - When the stage is triggered, the runner launches a job template or a workflow job template with the variables that
    every stage's playbook gets, and follows the job. What its playbook reports by M(kabanero.events.stage_result)
    becomes the stage's outcome and outputs.
  - The template must prompt for variables on launch, and for each further field that is given here.
  - What is left out of an existing stage stays as it is.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  awx_url:
    description: Address of the AWX or automation controller. A new stage needs it.
    type: str
  awx_secret:
    description:
      - Name of the Secret that lets the runner in, in the stage's namespace. A new stage needs it.
      - Its keys are C(token), or C(username) and C(password).
    type: str
  awx_api_path:
    description: Where its API begins. V(/api/v2) when it is left out, V(/api/controller/v2) behind a platform gateway.
    type: str
  awx_verify_tls:
    description: Whether its certificate must be valid. It must when this is left out.
    type: bool
  awx_ca_certificate:
    description: Certificates in PEM form of the authority that signed its certificate.
    type: str
  poll_interval:
    description: How often it is asked for its jobs, such as V(10s). Once for all stages at the same AWX.
    type: str
  job_template:
    description: Name or id of a job template. A new stage needs either this or O(workflow_template).
    type: str
  workflow_template:
    description: Name or id of a workflow job template.
    type: str
  organization:
    description: Name of the template's organization, where several have a template of that name.
    type: str
  extra_vars:
    description:
      - Further variables of the job.
      - C(${resources.input.NAME.FIELD}), C(${variables.NAME}) and C(${contextID}) in them are put in as plain values.
    type: dict
  inventory:
    description: Name or id of an inventory, in place of the template's.
    type: str
  limit:
    description: Hosts to limit the job to.
    type: str
  credentials:
    description: Names or ids of credentials, in place of the template's.
    type: list
    elements: str
  job_tags:
    description: Only tasks with these tags.
    type: list
    elements: str
  skip_tags:
    description: No tasks with these tags.
    type: list
    elements: str
  verbosity:
    description: How much the job prints, from 0 to 5.
    type: int
  scm_branch:
    description: Branch, tag or commit of the template's project.
    type: str
  job_type:
    description: V(check) changes nothing.
    type: str
    choices: [run, check]
  diff_mode:
    description: Whether the job shows what it changes.
    type: bool
  forks:
    description: Hosts at the same time.
    type: int
  job_slice_count:
    description: Jobs that the inventory is divided among.
    type: int
  execution_environment:
    description: Name or id of an execution environment.
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
  - module: kabanero.events.stage_result
  - module: kabanero.events.strategy_definition
"""

EXAMPLES = r"""
- name: A stage that launches a job template
  kabanero.events.job_template_stage:
    name: roll-out
    namespace: kabanero
    awx_url: https://awx.example.com
    awx_secret: awx
    job_template: Roll out
    organization: Default
    inputs:
      - name: app
        type: image
    extra_vars:
      image: ${resources.input.app.location}
    limit: production
    timeout: 30m

- name: A stage that launches a workflow
  kabanero.events.job_template_stage:
    name: nightly
    namespace: kabanero
    awx_url: https://awx.example.com
    awx_secret: awx
    workflow_template: "42"

- name: Delete a stage
  kabanero.events.job_template_stage:
    name: nightly
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
    kind: JobTemplateStage
    metadata: {name: roll-out, namespace: kabanero, generation: 1}
    spec:
      connection: {url: https://awx.example.com, secret: awx}
      jobTemplate: Roll out
      limit: production
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import stage

OPTIONS = {
    "awx_url": {"type": "str"},
    "awx_secret": {"type": "str", "no_log": False},
    "awx_api_path": {"type": "str"},
    "awx_verify_tls": {"type": "bool"},
    "awx_ca_certificate": {"type": "str"},
    "poll_interval": {"type": "str"},
    "job_template": {"type": "str"},
    "workflow_template": {"type": "str"},
    "organization": {"type": "str"},
    "extra_vars": {"type": "dict"},
    "inventory": {"type": "str"},
    "limit": {"type": "str"},
    "credentials": {"type": "list", "elements": "str"},
    "job_tags": {"type": "list", "elements": "str"},
    "skip_tags": {"type": "list", "elements": "str"},
    "verbosity": {"type": "int"},
    "scm_branch": {"type": "str"},
    "job_type": {"type": "str", "choices": ["run", "check"]},
    "diff_mode": {"type": "bool"},
    "forks": {"type": "int"},
    "job_slice_count": {"type": "int"},
    "execution_environment": {"type": "str"},
}
FIELDS = {
    "awx_url": "connection.url",
    "awx_secret": "connection.secret",
    "awx_api_path": "connection.apiPath",
    "awx_verify_tls": "connection.verifyTls",
    "awx_ca_certificate": "connection.caCertificate",
    "poll_interval": "connection.pollInterval",
    "job_template": "jobTemplate",
    "workflow_template": "workflowTemplate",
    "organization": "organization",
    "extra_vars": "extraVars",
    "inventory": "inventory",
    "limit": "limit",
    "credentials": "credentials",
    "job_tags": "tags",
    "skip_tags": "skipTags",
    "verbosity": "verbosity",
    "scm_branch": "scmBranch",
    "job_type": "jobType",
    "diff_mode": "diffMode",
    "forks": "forks",
    "job_slice_count": "jobSliceCount",
    "execution_environment": "executionEnvironment",
}
MODULE = stage("JobTemplateStage", OPTIONS, FIELDS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
