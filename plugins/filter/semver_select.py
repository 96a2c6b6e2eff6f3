# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: semver_select
short_description: The highest semantic version within a range
version_added: 0.1.0
description:
  - Chooses the highest of several versions that is within a range, by Semantic Versioning 2.0.0. What is no version in
    the list, such as V(latest), is passed over.
  - Use it in a stage's playbook to choose the stack, base image or release that a build stands on from the tags of a
    registry or repository.
author:
  - Kabanero events contributors (@kabanero-io)
positional: range
options:
  _input:
    description: The versions. A V(v) before each is allowed, and is kept.
    type: list
    elements: str
    required: true
  range:
    description:
      - Comparisons that must all hold, with spaces between them, V(>=1.2 <2). Alternatives stand around V(||).
      - V(^1.2.3) allows what does not change the leftmost number that is not zero, V(~1.2.3) what does not change the
        minor version, V(1.2) and V(1.2.x) any patch of it, V(*) every version.
    type: str
    default: "*"
  prerelease:
    description: Whether versions such as V(2.0.0-rc.1) may be chosen too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Choose the stack that a build stands on
  ansible.builtin.assert:
    that:
      - versions | kabanero.events.semver_select('^0.2') == 'v0.2.10'
      - versions | kabanero.events.semver_select('>=0.2 <2') == '1.4.1'
      - versions | kabanero.events.semver_select(prerelease=true) == '2.0.0-rc.1'
  vars:
    versions: [latest, v0.2.9, v0.2.10, 0.3.0, 1.4.1, 2.0.0-rc.1]
"""

RETURN = r"""
_value:
  description: The highest version within the range, as it stands in the list. It is an error when there is none.
  type: str
"""

from ansible.errors import AnsibleFilterError
from ansible_collections.kabanero.events.plugins.plugin_utils.versions import RangeError, select


def semver_select(versions, range="*", prerelease=False):
    """Raises AnsibleFilterError for a range that is none, and when no version is within it."""
    try:
        found = select(versions, range, prerelease)
    except RangeError as error:
        raise AnsibleFilterError(f"semver_select: {error}")
    if found is None:
        shown = ", ".join(map(str, versions[:8])) or "none at all"
        raise AnsibleFilterError(f"semver_select: no version is within {range!r}; there are {shown}")
    return found


class FilterModule:
    def filters(self):
        return {"semver_select": semver_select}
