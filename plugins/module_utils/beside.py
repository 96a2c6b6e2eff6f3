# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runner itself where a Kubernetes API server serves the resources. Used by events.

In this order: what the environment names, as the runner does for the playbooks of its stages; a runner of this machine,
by the file that it leaves in its data folder; the runner's Service, through the API server's proxy. The runner is shown
the token that the API server is shown, which reviews it; who logs in by a certificate asks for one of the runner's
account.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.kabanero.events.plugins.module_utils.connection import Connection
from ansible_collections.kabanero.events.plugins.module_utils.errors import ApiError, ConfigError, KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.kubeconfig import from_kubeconfig

SERVICE = "kabanero/kabanero-runner:http"
ACCOUNT = "kabanero-runner"
TOKEN_SECONDS = 3600
KNOCK_SECONDS = 1.0
LOCAL = ("localhost", "127.0.0.1", "::1")


def find_runner(client, environ=None):
    """A client of the runner that works with the resources of this client's server. Raises KabaneroError."""
    environ = os.environ if environ is None else environ
    found = _named(client, environ) or _on_this_machine(client, environ)
    return client.beside(found or _through_the_api_server(client, environ))


def asked(runner, method, path, query, body):
    """The runner's answer. Raises KabaneroError; where a proxy did not get that far, one that says what would help."""
    try:
        return runner.request(method, path, query, body)
    except ApiError as error:
        if "/proxy" in runner.connection.host and (error.code >= 500 or "services " in str(error)):
            raise _nowhere(error)
        raise


def _named(client, environ):
    url = environ.get("KABANERO_RUNNER_URL")
    if not url:
        return None
    token = environ.get("KABANERO_RUNNER_TOKEN") or client.connection.api_key
    parts = urlsplit(url)
    if token and parts.scheme == "http" and parts.hostname not in LOCAL:
        raise ConfigError(f"KABANERO_RUNNER_URL is {url}: a token is not sent without TLS; write https://...")
    return Connection(
        url.rstrip("/"),
        "KABANERO_RUNNER_URL",
        api_key=token,
        namespace=client.connection.namespace,
        ca=environ.get("KABANERO_RUNNER_CA") or "",
    )


def _on_this_machine(client, environ):
    home = environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".local" / "share"
    file = Path(environ.get("KABANERO_DATA_DIR") or Path(home) / "kabanero").expanduser() / "runner.kubeconfig"
    if not file.exists():
        return None
    try:
        found = from_kubeconfig([file], client.connection.host)
    except ConfigError:  # That runner works with another API server, or its file is another user's.
        return None
    return replace(found, namespace=client.connection.namespace) if _answers(found) else None


def _answers(found):
    """Whether anybody listens there: a runner that was killed leaves its file behind."""
    parts = urlsplit(found.host)
    try:
        with socket.create_connection((parts.hostname, parts.port or 443), KNOCK_SECONDS):
            return True
    except OSError:
        return False


def _through_the_api_server(client, environ):
    service = environ.get("KABANERO_RUNNER_SERVICE") or SERVICE
    namespace, _slash, name = service.partition("/")
    if not name:
        raise ConfigError(f"KABANERO_RUNNER_SERVICE is {service!r}; write NAMESPACE/SERVICE:PORT, as {SERVICE}")
    token = environ.get("KABANERO_RUNNER_TOKEN") or client.connection.api_key or _token_of_account(client, namespace)
    host = f"{client.connection.host}/api/v1/namespaces/{namespace}/services/{name}/proxy"
    return replace(client.connection, host=host, runner_token=token)


def _token_of_account(client, namespace):
    """For who logs in by a certificate, which the API server's proxy does not hand on."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_SECONDS},
    }
    try:
        return client.request("POST", path, None, body)["status"]["token"]
    except ApiError as error:
        raise _nowhere(error)


def _nowhere(error):
    return KabaneroError(
        f"the runner itself, which alone knows of events, is not reached: {error}. Say where it is: set host and "
        "api_key to its own address and token, or KABANERO_RUNNER_URL and KABANERO_RUNNER_TOKEN, or "
        "KABANERO_RUNNER_SERVICE=NAMESPACE/NAME:PORT, or, for a runner of this machine, KABANERO_DATA_DIR",
        **error.details,
    )
