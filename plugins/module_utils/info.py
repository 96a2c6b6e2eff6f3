# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that read resources of one kind. Each is a call of `info`."""

from __future__ import annotations

from ansible_collections.kabanero.events.plugins.module_utils.core import Module
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources, returned

SELECTION = {
    "name": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
}


def info(kind, key, options=None, fields=None):
    """The module; `fields` says which field of a resource each of `options` looks at, `key` where it returns them."""
    fields = {"name": "metadata.name", **(fields or {})}

    def read(call, client):
        chosen = {path: call.params[option] for option, path in fields.items() if call.params[option]}
        found = Resources(client, kind).find(chosen, call.params["label_selectors"])
        return {"changed": False, key: [returned(resource) for resource in found]}

    return Module({**SELECTION, **(options or {})}, read)
