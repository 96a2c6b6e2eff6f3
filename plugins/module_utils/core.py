# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all modules share: their options, their client, and the ways in and out.

Each module's file holds one Module. `Module.main` runs it in a process of its own, `Module.act` inside Ansible's on the
controller (plugins/action/event.py). Errors are raised below and become a task's failure at these two edges alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR, Client
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.resources import returned, shown


def _from_environment(*names, **options):
    return dict({"type": "str", "fallback": (env_fallback, list(names))}, **options)


AUTH_OPTIONS = {
    "host": _from_environment("K8S_AUTH_HOST"),
    "api_key": _from_environment("K8S_AUTH_API_KEY", no_log=True),
    "kubeconfig": _from_environment("K8S_AUTH_KUBECONFIG", type="path"),
    "context": _from_environment("K8S_AUTH_CONTEXT"),
    "ca_cert": _from_environment("K8S_AUTH_SSL_CA_CERT", type="path", aliases=["ssl_ca_cert"]),
    "client_cert": _from_environment("K8S_AUTH_CERT_FILE", type="path", aliases=["cert_file"]),
    "client_key": _from_environment("K8S_AUTH_KEY_FILE", type="path", aliases=["key_file"], no_log=False),
    "validate_certs": _from_environment("K8S_AUTH_VERIFY_SSL", type="bool", aliases=["verify_ssl"]),
    "namespace": _from_environment("KABANERO_NAMESPACE", "K8S_AUTH_NAMESPACE"),
}


@dataclass(frozen=True)
class Call:
    """One call of a module: its options, and whether it may only tell what it would do."""

    params: dict
    check_mode: bool = False


class Module:
    """What one module is: its options beside those of the connection, and `act(call, client)`, which gives the result.

    `checks` between options are those of AnsibleModule, as `required_if`.
    """

    def __init__(self, options, act, **checks):
        self.argument_spec = {**AUTH_OPTIONS, **options}
        self.checks = checks
        self._act = act

    def main(self):
        """The whole life of a module's process."""
        module = AnsibleModule(argument_spec=self.argument_spec, supports_check_mode=True, **self.checks)
        if URLLIB3_IMPORT_ERROR:
            module.fail_json(msg=missing_required_lib("kubernetes"), exception=URLLIB3_IMPORT_ERROR)
        try:
            result, warnings = self.act(Call(module.params, module.check_mode))
        except KabaneroError as error:
            module.fail_json(msg=str(error), **error.details)
        for warning in warnings:
            module.warn(warning)
        module.exit_json(**result)

    def act(self, call):
        """The result, and the server's warnings. Raises KabaneroError."""
        with Client(find_connection(call.params)) as client:
            return self._act(call, client), client.warnings


def outcome(before, after, key="resource"):
    """What a module hands back for a resource that was `before` and is `after`; None where there was or is none."""
    old, new = shown(before), shown(after)
    resource = {key: returned(after)} if after else {}
    return {"changed": old != new, "diff": {"before": old, "after": new}, **resource}
