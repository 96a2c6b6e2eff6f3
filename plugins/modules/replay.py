#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: replay
short_description: Deliver events once more
version_added: 0.1.0
description:
  - Delivers events of the runner's bus again, above all the dead letters once their cause is mended.
  - What an event did already it does not do again. Runs and their stages are told apart by the event that caused them.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  ids:
    description: The C(id) of each event. Exclusive with all other options that choose events.
    type: list
    elements: str
  dead:
    description: Only dead letters.
    type: bool
    default: false
  topic:
    description: Only events of this topic.
    type: str
  path:
    description: Only events of topic paths like this glob.
    type: str
  context_id:
    description: Only events of the run of this C(contextID).
    type: str
  since:
    description: Only events that are not older, a span such as V(30m), V(2h) or V(1d), or a time (RFC 3339).
    type: str
  consumer:
    description: Deliver to this part of the runner only, such as V(triggers).
    type: str
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    details: With O(dead=true), since a dead letter that was replayed is none any more. Else each call delivers again.
    support: partial
notes:
  - The runner alone knows of events. Where O(host) is a cluster it is found by E(KABANERO_RUNNER_URL) and
    E(KABANERO_RUNNER_TOKEN), which the runner sets for playbooks of stages, else in its data folder here, else
    through the cluster's API server, as the Service that E(KABANERO_RUNNER_SERVICE) names or C(kabanero-runner).
seealso:
  - module: kabanero.events.event_info
"""

EXAMPLES = r"""
- name: See how many dead letters there are
  kabanero.events.replay:
    dead: true
  check_mode: true

- name: Deliver all dead letters again
  kabanero.events.replay:
    dead: true

- name: Let triggers look again at the pushes of the last two hours
  kabanero.events.replay:
    topic: SourceRepository
    since: 2h
    consumer: triggers
"""

RETURN = r"""
events:
  description: The events that were delivered again, or would be in check mode, newest first.
  returned: success
  type: list
  elements: dict
  sample:
    - {id: 3f786850e387550fdab836ed7e6dc881de23001b, sequence: 4711, topic: SourceRepository}
replayed:
  description: How many that are.
  returned: success
  type: int
  sample: 1
"""

from ansible_collections.kabanero.events.plugins.module_utils.core import Module
from ansible_collections.kabanero.events.plugins.module_utils.events import QUERY_OPTIONS
from ansible_collections.kabanero.events.plugins.module_utils.replaying import chosen, replayed

OPTIONS = {
    "ids": {"type": "list", "elements": "str"},
    "dead": {"type": "bool", "default": False},
    "since": {"type": "str"},
    "consumer": {"type": "str"},
    **QUERY_OPTIONS,
}


def act(call, client):
    """Delivers the events that the options choose again."""
    found = list(chosen(client, call.params))
    told = [{key: event[key] for key in ("id", "sequence", "topic")} for _query, page in found for event in page]
    if not call.check_mode:
        for query, page in found:
            replayed(client, query, page, call.params["consumer"])
    return {
        "changed": bool(told),
        "events": told,
        "replayed": len(told),
        "diff": {"before": {}, "after": {"replayed": told} if told else {}},
    }


MODULE = Module(
    OPTIONS, act, mutually_exclusive=[("ids", option) for option in ("topic", "path", "context_id", "since")]
)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
