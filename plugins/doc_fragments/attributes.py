# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module says of itself: check mode, diff mode, idempotence, action group."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what it would change without changing it.
    support: full
  diff_mode:
    description: Returns what it has changed, or would change in check mode, when in diff mode.
    support: full
  idempotent:
    description: A second call with the same arguments, outside check mode, changes nothing.
    support: full
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/kabanero.events.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - kabanero.events.all
      - kabanero.events.kabanero
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what it would change without changing it.
    details: It only reads.
    support: full
  diff_mode:
    description: Returns what it has changed, or would change in check mode, when in diff mode.
    details: It only reads.
    support: N/A
  idempotent:
    description: A second call with the same arguments, outside check mode, changes nothing.
    support: full
"""
