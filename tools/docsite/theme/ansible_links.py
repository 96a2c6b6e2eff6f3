"""Leads references to Ansible's own documentation there, by its fixed addresses; no network is needed."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

_SITE = "https://docs.ansible.com/ansible/latest"
_PAGES = {
    "common_return_values": "reference_appendices/common_return_values.html",
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "inventory_plugins": "plugins/inventory.html",
    "callback_plugins": "plugins/callback.html",
    "lookup_plugins": "plugins/lookup.html",
    "filter_plugins": "plugins/filter.html",
    "playbooks_filters": "playbook_guide/playbooks_filters.html",
    "roles_": "playbook_guide/playbooks_reuse_roles.html",
}
_PLUGIN = re.compile(r"ansible_collections\.(?P<namespace>\w+)\.(?P<name>\w+)\.(?P<plugin>\w+)")


def _lead(app: Any, env: Any, node: nodes.Element, shown: nodes.Element) -> nodes.reference | None:
    """A link for a label that this site doesn't have; None for one that Ansible's hasn't either."""
    label = str(node.get("reftarget"))
    page = _PAGES.get(label)
    if found := _PLUGIN.fullmatch(label):
        page = f"collections/{found['namespace']}/{found['name']}/{found['plugin']}.html"
    if page is None:
        return None
    text = node.astext() if node.astext() != label else label.rsplit(".", 1)[-1].replace("_", " ")
    return nodes.reference("", text, refuri=f"{_SITE}/{page}", internal=False)


def setup(app: Any) -> dict[str, bool]:
    """Listens for references that lead nowhere."""
    app.connect("missing-reference", _lead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
