#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stage_result
short_description: Report how a stage ended, and what it made
version_added: 0.1.0
description:
  - Ends the playbook of a stage by telling the runner its status and outputs.
  - It works as M(ansible.builtin.set_stats) does. So the same playbook reports in the same way to a runner that plays
    it through ansible-runner, and from AWX, where the report is among the job's artifacts. It needs no connection and
    no credentials.
  - A playbook that ends without it has the status that its recap shows, and no outputs.
  - When it is called more than once, the last report counts, except that a report of nothing but O(progress) leaves the
    others in force.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  status:
    description:
      - How the stage ended. V(Success) when it is left out.
      - V(Failed) means that the work failed, V(Errored) that it could not be done at all.
      - Leave it out together with O(waiting_for).
    type: str
    choices: [Success, Failed, Errored, Cancelled, TimedOut]
  reason:
    description: Why, as one CamelCase word for programs, such as V(TestsFailed).
    type: str
  message:
    description: Why, as a sentence for people.
    type: str
  outputs:
    description:
      - What the stage made, by the name of its output resource.
      - The strategy variable that is bound to the output takes this value, in place of the one that it had.
      - Outputs can be read by everyone who may read the run. Never put a secret here.
    type: dict
  waiting_for:
    description:
      - An object whose end is the stage's end. The playbook ends now, and the runner watches the object.
      - The object has ended when its C(Succeeded) condition is C(True) or C(False).
    type: dict
    suboptions:
      apiVersion:
        description: API version of the object, such as V(tekton.dev/v1).
        type: str
        required: true
      kind:
        description: Kind of the object.
        type: str
        required: true
      name:
        description: Name of the object.
        type: str
        required: true
      namespace:
        description: Namespace of the object. The stage's own when it is left out.
        type: str
  links:
    description: Where people find more, as URLs by title.
    type: dict
  progress:
    description:
      - How far the work has come.
      - Alone, it is news from a stage that goes on.
    type: dict
    suboptions:
      percent:
        description: From 0 to 100.
        type: int
      message:
        description: A line for people.
        type: str
  fail_playbook:
    description:
      - Whether a O(status) other than V(Success) fails this task as well, so that AWX shows the job as failed.
      - Ansible gives up the custom stats of a task that fails. The runner then reads the report from the failed task,
        but AWX's artifacts don't hold it.
    type: bool
    default: false
extends_documentation_fragment:
  - kabanero.events.attributes
attributes:
  check_mode:
    details: A report changes nothing, so it is made in check mode too.
    support: full
  diff_mode:
    details: There is nothing to compare with.
    support: none
  idempotent:
    support: full
seealso:
  - module: ansible.builtin.set_stats
  - module: kabanero.events.strategy_run
"""

EXAMPLES = r"""
- name: Report the image that was built
  kabanero.events.stage_result:
    outputs:
      image:
        location: registry.example.com/shop/hello:1.4.0
        digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

- name: Report a failure without failing the playbook
  kabanero.events.stage_result:
    status: Failed
    reason: TestsFailed
    message: 2 of 40 tests failed
    links:
      report: https://ci.example.com/reports/1234

- name: Leave the rest to a PipelineRun
  kabanero.events.stage_result:
    waiting_for:
      apiVersion: tekton.dev/v1
      kind: PipelineRun
      name: build-20261123
      namespace: kabanero

- name: Tell how far it has come
  kabanero.events.stage_result:
    progress:
      percent: 40
      message: 2 of 5 regions are done
"""

RETURN = r"""
kabanero_stage_result:
  description: The report, as the runner gets it.
  returned: unless only O(progress) was given
  type: dict
  sample:
    status: Success
    outputs:
      image:
        location: registry.example.com/shop/hello:1.4.0
kabanero_stage_progress:
  description: The news, when only O(progress) was given.
  returned: when only O(progress) was given
  type: dict
  sample:
    percent: 40
    message: 2 of 5 regions are done
"""
