# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: run_variable
short_description: A variable of a run, or an output of one of its stages
version_added: 0.1.0
description:
  - Reads values of a strategy's variables as they are in a run now, or what one of its stages has handed back.
  - Use it where another playbook goes on with what a strategy has made. An AWX job that announces a release, for
    example, reads the image that the run's build stage has pushed.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  _terms:
    description: Names of variables, or of outputs when there is an O(stage). Dots go into their fields.
    type: list
    elements: str
    required: true
  run:
    description: Name of the run.
    type: str
  context_id:
    description: The run's C(contextID), instead of O(run).
    type: str
  stage:
    description: Name of the stage whose outputs are meant.
    type: str
  api_key:
    description: Token that is sent with every request.
    type: str
    env: [{name: K8S_AUTH_API_KEY}]
  namespace:
    description: Namespace of the run.
    type: str
    env: [{name: KABANERO_NAMESPACE}, {name: K8S_AUTH_NAMESPACE}]
extends_documentation_fragment:
  - kabanero.events.auth.plugin
seealso:
  - module: kabanero.events.strategy_run_info
  - module: kabanero.events.stage_run_info
"""

EXAMPLES = r"""
- name: Ship a commit
  kabanero.events.strategy_run:
    name: ship-announced
    namespace: kabanero
    strategy: ship
    variables:
      approver_emails: champ@mycompany.com
    wait: true

- name: Say who was asked, and which image the build has made
  ansible.builtin.debug:
    msg: "{{ who }} let {{ image }} pass"
  vars:
    who: "{{ lookup('kabanero.events.run_variable', 'approver_emails', run='ship-announced', namespace='kabanero') }}"
    image: "{{ lookup('kabanero.events.run_variable', 'image.location', run='ship-announced', stage='quick-build',
      namespace='kabanero') }}"
"""

RETURN = r"""
_list:
  description: The value of each name. It is an error when one has no value.
  type: list
  elements: raw
"""

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR, Client
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.matching import attribute
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources
from ansible_collections.kabanero.events.plugins.module_utils.runs import find_run


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        if URLLIB3_IMPORT_ERROR:
            raise AnsibleLookupError(f"run_variable needs the library kubernetes\n{URLLIB3_IMPORT_ERROR}")
        try:
            with Client(find_connection(self.get_options())) as client:
                values, whose = self._values(client)
        except KabaneroError as error:
            raise AnsibleLookupError(f"run_variable: {error}")
        return [_value(values, str(term), whose) for term in terms]

    def _values(self, client):
        """All values, and in words whose they are. Raises KabaneroError."""
        name, stage = self.get_option("run"), self.get_option("stage")
        run = find_run(Resources(client, "StrategyRun"), name, self.get_option("context_id"))
        if run is None:
            which = name or self.get_option("context_id") or "(say which by run or context_id)"
            raise KabaneroError(f"there is no run {which} in {client.connection.namespace}")
        name = run["metadata"]["name"]
        if not stage:
            return (run.get("status") or {}).get("variables") or {}, f"run {name}"
        found = Resources(client, "StageRun").find({"spec.strategyRun": name, "spec.stageName": stage})
        if not found:
            raise KabaneroError(f"run {name} has no stage {stage!r}")
        return (found[0].get("status") or {}).get("outputs") or {}, f"stage {stage} of run {name}"


def _value(values, name, whose):
    value = attribute(values, name)
    if value is None:
        raise AnsibleLookupError(f"run_variable: {whose} has no value {name!r}; it has {', '.join(values) or 'none'}")
    return value
