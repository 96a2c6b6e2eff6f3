#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: event
short_description: Send an event once, or wait for one
version_added: 0.1.0
description:
  - Sends an event by making a C(StrategyEvent) through the resource API of a runner or cluster. Triggers match it as
    they match events from outside, and with O(context_id) the stages of that run do.
  - With O(name), the event of that name is sent once, however often the task runs.
  - With O(state=awaited), waits for an event that anybody sends, a stage or a forge for example. The runner alone knows
    of those; where O(host) is a cluster it is found as M(kabanero.events.event_info) says.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  name:
    description: Name of the event's resource. Left out, the server makes one up, and each call sends another event.
    type: str
  state:
    description:
      - V(emitted) sends the event.
      - V(awaited) waits for an event that O(match), O(topic), O(context_id) and O(path) let through.
    type: str
    choices: [emitted, awaited]
    default: emitted
  topic:
    description: Topic on which it goes out. C(KabaneroClient) when it is left out and the event is sent.
    type: str
  context_id:
    description: The C(contextID) of the run that it is sent into. Left out, it goes to triggers only.
    type: str
  path:
    description:
      - Topic path. Made from topic and namespace when it is left out and the event is sent.
      - With O(state=awaited) a glob, such as V(/kabanero/repository/github/*).
    type: str
  data:
    description:
      - The event's object. Triggers match its attributes, C(name) and C(status) usually.
      - Required to send an event.
    type: dict
  match:
    description: Attributes that the awaited event must have, as in a trigger. Dots go into nested objects.
    type: dict
  after:
    description:
      - Awaited is an event that is newer than the one of this C(sequence).
      - Left out, every event of the run counts when there is a O(context_id), and else only one that comes after the
        task has begun.
    type: int
  wait:
    description: Whether to wait until the event that was sent is durable on the bus.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait at most. Then the task fails.
    type: int
    default: 60
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.definition.meta
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    details: With O(name), and when waiting. Without O(name) each call sends an event.
    support: partial
seealso:
  - module: kabanero.events.strategy_trigger
  - module: kabanero.events.strategy_run
"""

EXAMPLES = r"""
- name: Tell triggers that the integration tests of a night have passed
  kabanero.events.event:
    name: integration-2026-11-23
    namespace: kabanero
    topic: Integration_A
    data:
      name: Integration
      status: Success

- name: Let a run go on that waits for it
  kabanero.events.event:
    namespace: kabanero
    context_id: "20261123084500-ab12cd"
    data:
      name: Emergency_deploy
    wait: true

- name: Start a run and wait until its build has ended
  kabanero.events.strategy_run:
    namespace: kabanero
    strategy: ship
    context_id: nightly-8

- name: Wait for the event that the build emits
  kabanero.events.event:
    state: awaited
    context_id: nightly-8
    match:
      name: quick-build
    wait_timeout: 600
  register: build

- name: Go on only when it has succeeded
  ansible.builtin.assert:
    that: build.event.data.status == 'Success'
"""

RETURN = r"""
resource:
  description: The event's resource as it is now, or as it would be in check mode.
  returned: when O(state=emitted)
  type: dict
  sample:
    apiVersion: kabanero.io/v1alpha1
    kind: StrategyEvent
    metadata: {name: integration-2026-11-23, namespace: kabanero}
    spec:
      topic: Integration_A
      data: {name: Integration, status: Success}
    status:
      emitted: true
event:
  description: The event that was awaited, as M(kabanero.events.event_info) returns it.
  returned: when O(state=awaited)
  type: dict
  sample:
    id: 3f786850e387550fdab836ed7e6dc881de23001b
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
last_event:
  description: The newest event that came and did not match.
  returned: when none that was awaited came
  type: dict
  sample:
    id: 9c1185a5c5e9fc54612808977ee8f548b2258d31
    data: {name: FVT, status: Failed}
"""

from ansible_collections.kabanero.events.plugins.module_utils.core import Module, outcome
from ansible_collections.kabanero.events.plugins.module_utils.definitions import META_OPTIONS, wanted
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.events import (
    QUERY_OPTIONS,
    await_event,
    last_sequence,
    query_of,
)
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources, merged
from ansible_collections.kabanero.events.plugins.module_utils.waiting import wait_until

OPTIONS = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["emitted", "awaited"], "default": "emitted"},
    "data": {"type": "dict"},
    "match": {"type": "dict"},
    "after": {"type": "int"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
    **QUERY_OPTIONS,
    **META_OPTIONS,
}
FIELDS = {"topic": "topic", "context_id": "contextID", "path": "path", "data": "data"}


def act(call, client):
    """Sends an event or waits for one."""
    return send(call, client) if call.params["state"] == "emitted" else wait(call.params, client)


def send(call, client):
    """Sends the event, unless the one of this name has been sent."""
    params = call.params
    events = Resources(client, "StrategyEvent", call.check_mode)
    spec = {field: params[option] for option, field in FIELDS.items() if params[option] is not None}
    before = events.get(params["name"]) if params["name"] else None
    if before and merged(before["spec"], spec) != before["spec"]:
        name = params["name"]
        raise KabaneroError(
            f"event {name} was made before, with another spec: give this one another name", resource=before
        )
    after = before or events.create(wanted(params, spec, generate="event-"))
    if params["wait"] and not call.check_mode:
        after = wait_until(events, after, emitted, params["wait_timeout"])
    return outcome(before, after)


def emitted(event):
    """Whether it is durable on the bus."""
    return bool((event.get("status") or {}).get("emitted"))


def wait(params, client):
    """Waits for the event that is meant."""
    after = params["after"]
    if after is None:
        after = 0 if params["context_id"] else last_sequence(client)
    event = await_event(client, query_of(params), params["match"] or {}, after, params["wait_timeout"])
    return {"changed": False, "diff": {"before": {}, "after": {}}, "event": event}


CHECKS = {
    "required_if": [
        ("state", "emitted", ["data"]),
        ("state", "awaited", ["match", "topic", "context_id", "path"], True),
    ]
}
MODULE = Module(OPTIONS, act, **CHECKS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
