#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: event_info
short_description: Read events, and what became of them
version_added: 0.1.0
description:
  - Reads events that came over the runner's bus, the newest first, with what the runner's parts did with each. A
    trigger's part notes the runs that it started.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  id:
    description: Only the event of this C(id).
    type: str
  topic:
    description: Only events of this topic.
    type: str
  path:
    description: Only events of topic paths like this glob.
    type: str
  context_id:
    description: Only events of the run of this C(contextID).
    type: str
  fate:
    description: Only events that stand so with some part of the runner. V(Dead) are the dead letters.
    type: str
    choices: [Pending, Handled, Dead]
  consumer:
    description: Only events that this part of the runner has to do with, such as V(triggers).
    type: str
  match:
    description: Only events with these attributes, as in a trigger. Dots go into nested objects.
    type: dict
  limit:
    description: How many to return at most.
    type: int
    default: 100
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.attributes
  - kabanero.events.attributes.info
  - kabanero.events.attributes.action_group
notes:
  - The runner alone knows of events. Where O(host) is a cluster it is found by E(KABANERO_RUNNER_URL) and
    E(KABANERO_RUNNER_TOKEN), which the runner sets for playbooks of stages, else in its data folder here, else
    through the cluster's API server, as the Service that E(KABANERO_RUNNER_SERVICE) names or C(kabanero-runner).
seealso:
  - module: kabanero.events.event
  - module: kabanero.events.explain_info
  - module: kabanero.events.replay
"""

EXAMPLES = r"""
- name: Read the dead letters
  kabanero.events.event_info:
    fate: Dead
  register: dead

- name: Say why each was given up
  ansible.builtin.debug:
    msg: "{{ item.handlings | selectattr('fate', 'eq', 'Dead') | map(attribute='note') }}"
  loop: "{{ dead.events }}"
  loop_control:
    label: "{{ item.id }}"

- name: Read the last ten pushes to main
  kabanero.events.event_info:
    topic: SourceRepository
    match:
      eventName: Push
      branch: main
    limit: 10
"""

RETURN = r"""
events:
  description: The events, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Identity together with C(source).
      type: str
    source:
      description: Where it comes from.
      type: str
    sequence:
      description: Its place on the bus, which rises from event to event.
      type: int
    type:
      description: Type as a CloudEvent.
      type: str
    topic:
      description: The topic that it went out on.
      type: str
    path:
      description: Where exactly.
      type: str
    time:
      description: When it happened.
      type: str
    context:
      description: The C(contextID) of its run. Empty for an event of none.
      type: str
    causes:
      description: The events that led to it.
      type: list
    data:
      description: The event's object.
      type: dict
    handlings:
      description: What each part of the runner did with it.
      type: list
      elements: dict
  sample:
    - id: 3f786850e387550fdab836ed7e6dc881de23001b
      sequence: 4711
      source: github.com/acme/shop
      type: io.kabanero.event
      topic: SourceRepository
      path: /kabanero/repository/github/github.com/acme/shop
      time: "2026-11-23T08:45:00+00:00"
      context: ""
      causes: []
      data: {eventName: Push, branch: main}
      handlings:
        - {consumer: triggers, fate: Handled, attempts: 1, note: started main-20261123084500-ab12cd, nextAttempt: null}
"""

from ansible_collections.kabanero.events.plugins.module_utils.core import Module
from ansible_collections.kabanero.events.plugins.module_utils.events import (
    QUERY_OPTIONS,
    newest,
    query_of,
)

OPTIONS = {
    "id": {"type": "str"},
    "fate": {"type": "str", "choices": ["Pending", "Handled", "Dead"]},
    "consumer": {"type": "str"},
    "match": {"type": "dict"},
    "limit": {"type": "int", "default": 100},
    **QUERY_OPTIONS,
}


def read(call, client):
    """The events that the options let through."""
    params = call.params
    query = {**query_of(params), **({"id": params["id"]} if params["id"] else {})}
    return {"changed": False, "events": newest(client, query, max(0, params["limit"]), params["match"] or {})}


MODULE = Module(OPTIONS, read)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
