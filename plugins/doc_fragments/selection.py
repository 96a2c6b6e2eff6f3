# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules that read say which resources."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  name:
    description: Only the resource of this name. There is none, and no error, when nothing has it.
    type: str
  label_selectors:
    description: Only resources whose labels these let through, such as V(team=shop) or V(team in (shop,web\)).
    type: list
    elements: str
    default: []
"""
