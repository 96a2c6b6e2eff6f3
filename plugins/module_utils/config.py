# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the resource API is and who we are: options, their K8S_AUTH_* variables, a kubeconfig, or a Pod's own account.

Used by core.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ansible_collections.kabanero.events.plugins.module_utils.connection import Connection, read
from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError
from ansible_collections.kabanero.events.plugins.module_utils.kubeconfig import from_kubeconfig

POD_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_KUBECONFIG = "~/.kube/config"
NOWHERE = (
    "don't know where the API is: set host and api_key, or kubeconfig (the runner writes one to DATA_DIR/kubeconfig), "
    "or K8S_AUTH_HOST and K8S_AUTH_API_KEY, or K8S_AUTH_KUBECONFIG"
)


def find_connection(params, environ=None):
    """The connection that a module's options mean. Raises ConfigError, which says what to set."""
    environ = os.environ if environ is None else environ
    found = _from_host(params) or _from_file(params, environ) or _from_pod(environ)
    if found is None:
        raise ConfigError(NOWHERE)
    options = {
        "api_key": params.get("api_key"),
        "namespace": params.get("namespace"),
        "verify": params.get("validate_certs"),
        "ca": params.get("ca_cert"),
        "cert": params.get("client_cert"),
        "key": params.get("client_key"),
    }
    # What is empty was not said: AWX sets all variables of a credential, also where it has a kubeconfig alone.
    found = replace(found, **{name: value for name, value in options.items() if value not in (None, "")})
    return replace(found, host=found.host.rstrip("/"), namespace=found.namespace or "default")


def _from_host(params):
    return Connection(params["host"], "host") if params.get("host") else None


def _from_file(params, environ):
    named = params.get("kubeconfig") or environ.get("KUBECONFIG")
    paths = [Path(path).expanduser() for path in (named or DEFAULT_KUBECONFIG).split(os.pathsep) if path]
    there = [path for path in paths if path.exists()]
    if named and not there:
        raise ConfigError(f"there is no kubeconfig {named}; the runner writes one to DATA_DIR/kubeconfig")
    return from_kubeconfig(there, params.get("context")) if there else None


def _from_pod(environ):
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    if not (host and port and (POD_ACCOUNT / "token").exists()):
        return None
    return Connection(
        f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        "the Pod's service account",
        api_key=read(POD_ACCOUNT / "token").strip(),
        namespace=read(POD_ACCOUNT / "namespace").strip(),
        ca=str(POD_ACCOUNT / "ca.crt"),
    )
