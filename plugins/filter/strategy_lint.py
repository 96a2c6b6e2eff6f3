# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: strategy_lint
short_description: The mistakes in strategies, triggers and stages, before they are applied
version_added: 0.1.0
description:
  - Holds resources against the rules of their kinds and against each other. What it finds is what C(kabanero lint)
    finds, for it asks that command on the controller. So the runner must be installed there, but none has to run.
  - Use it where a playbook makes resources from templates, to stop before anything is applied.
author:
  - Kabanero events contributors (@kabanero-io)
positional: project_dir
options:
  _input:
    description: The resources, as YAML text, as one resource or as a list of resources. They are judged together.
    type: raw
    required: true
  project_dir:
    description: Folder of the stages' playbooks, as for C(kabanero serve). Left out, playbooks are not looked for.
    type: path
  namespace:
    description: Namespace of resources that name none.
    type: str
    default: kabanero
requirements:
  - kabanero-runner (the command C(kabanero))
seealso:
  - module: kabanero.events.strategy_definition
"""

EXAMPLES = r"""
- name: Judge what a file holds
  ansible.builtin.set_fact:
    remarks: "{{ lookup('ansible.builtin.file', 'strategy.yaml') | kabanero.events.strategy_lint }}"

- name: Go on only without errors
  ansible.builtin.assert:
    that: remarks | selectattr('severity', 'eq', 'error') | length == 0
    fail_msg: "{{ remarks | map(attribute='reason') }}"
"""

RETURN = r"""
_value:
  description:
    - What there is to say, in the order of the lines. Each remark has C(severity) (V(error), V(warning) or V(note)),
      C(code), C(line), C(resource), C(place), C(reason), C(fix), and C(trail), the events that lead there.
  type: list
  elements: dict
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from ansible.errors import AnsibleFilterError

COMMAND = "kabanero"
SECONDS = 120
JUDGED = (0, 1)  # exit codes: nothing bad, and errors found


def strategy_lint(resources, project_dir=None, namespace="kabanero"):
    """Raises AnsibleFilterError where the command is missing or can't read what it is given."""
    command = [_command(), "lint", "--output", "json", "--namespace", namespace]
    if project_dir:
        command += ["--project-dir", str(Path(project_dir).expanduser())]
    try:
        done = subprocess.run(
            [*command, "-"], input=_text(resources), capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AnsibleFilterError(f"strategy_lint: {error}")
    try:
        return json.loads(done.stdout)["items"] if done.returncode in JUDGED else _refused(done)
    except (ValueError, KeyError):
        return _refused(done)


def _command():
    """Beside the Python that runs Ansible, else on PATH."""
    found = shutil.which(COMMAND, path=str(Path(sys.executable).parent)) or shutil.which(COMMAND)
    if not found:
        raise AnsibleFilterError(
            f"strategy_lint asks the command {COMMAND}, which is not on the controller: pip install kabanero-runner"
        )
    return found


def _text(resources):
    """YAML for the command; JSON is YAML."""
    if isinstance(resources, str):
        return resources
    if isinstance(resources, dict):
        resources = [resources]
    if not isinstance(resources, (list, tuple)):
        raise AnsibleFilterError("strategy_lint takes YAML text, a resource or a list of resources")
    return "\n---\n".join(json.dumps(each, default=str) for each in resources)


def _refused(done):
    raise AnsibleFilterError(
        f"strategy_lint: {(done.stderr or done.stdout).strip() or f'ended with {done.returncode}'}"
    )


class FilterModule:
    def filters(self):
        return {"strategy_lint": strategy_lint}
