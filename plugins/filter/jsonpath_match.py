# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: jsonpath_match
short_description: Whether an event passes a trigger's filter
version_added: 0.1.0
description:
  - Holds the values that a JSONPath finds in an event's object against globs, by the rules of a trigger's C(filter).
  - Use it to try a filter before it stands in a trigger, on events that M(kabanero.events.event_info) has read, or to
    let a playbook that a webhook started decide as a trigger would.
author:
  - Kabanero events contributors (@kabanero-io)
positional: json_path, allowed, disallowed
options:
  _input:
    description: The event's object, C(data) of an event.
    type: dict
    required: true
  json_path:
    description: Where to look, such as V($.rawData.head_commit.message).
    type: str
    required: true
  allowed:
    description: Globs of which every value must match one. Left out, all values pass, and none at all passes as well.
    type: list
    elements: str
  disallowed:
    description: Globs of which no value may match any.
    type: list
    elements: str
    default: []
requirements:
  - jsonpath-ng
seealso:
  - module: kabanero.events.event_info
  - module: kabanero.events.strategy_trigger
"""

EXAMPLES = r"""
- name: Take what a webhook has sent
  ansible.builtin.set_fact:
    push:
      branch: main
      rawData:
        head_commit: {message: "fix the tests [skip ci]"}

- name: A trigger with this filter would not start a run
  ansible.builtin.assert:
    that:
      - not push | kabanero.events.jsonpath_match('$.rawData.head_commit.message', disallowed=['*skip ci*'])
      - push | kabanero.events.jsonpath_match('$.branch', ['main', 'release-*'])
"""

RETURN = r"""
_value:
  description: Whether it passes.
  type: bool
"""

from ansible.errors import AnsibleFilterError
from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError
from ansible_collections.kabanero.events.plugins.module_utils.matching import passes, path_of


def jsonpath_match(data, json_path, allowed=None, disallowed=()):
    """Raises AnsibleFilterError for a path that can't be read, and where the library is missing."""
    try:
        values = path_of(json_path)
    except ConfigError as error:
        raise AnsibleFilterError(f"jsonpath_match: {error}")
    return passes(values(data), allowed, disallowed)


class FilterModule:
    def filters(self):
        return {"jsonpath_match": jsonpath_match}
