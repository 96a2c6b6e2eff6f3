"""Finds the runner itself where a Kubernetes API server serves the resources: events, explanations, replay and logs.

Used by `Session.runner`. In this order: what the environment names; a runner of this machine, by the file that it
leaves in its data folder; the runner's Service, through the API server's proxy, so that who has a kubeconfig needs no
more. A user of a cluster shows the runner the token of the kubeconfig, which the API server reviews. Who logs in by a
certificate has none, and asks for one of the runner's account.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from kabanero.cli.answers import AnswerError, status_of
from kabanero.cli.client import Client
from kabanero.cli.errors import CliError, UnreachableError, UsageError
from kabanero.cli.kubeconfig import RUNNER_KUBECONFIG, Connection, Wanted, connection, default_data_dir

SERVICE = "kabanero/kabanero-runner:http"
ACCOUNT = "kabanero-runner"
TOKEN_SECONDS = 3600
KNOCK_SECONDS = 1.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where to look. `data_dir` is what was said on the command line; `timeout` bounds each answer, in seconds."""

    environ: Mapping[str, str]
    data_dir: str = ""
    timeout: float = 60.0


def find_runner(client: Client, around: Surroundings) -> Client:
    """The runner that works with the resources of `client`'s server. Raises CliError."""
    if url := around.environ.get("KABANERO_RUNNER_URL", ""):
        return _named(url, client, around)
    if _is_runner(client):
        return client
    return _on_this_machine(client, around) or _through_the_api_server(client, around)


def _is_runner(client: Client) -> bool:
    """Whether the server is a runner that serves its resources itself."""
    try:
        return "+kabanero" in str(client.get("/version").get("gitVersion"))
    except AnswerError:
        return True


def _named(url: str, client: Client, around: Surroundings) -> Client:
    token = around.environ.get("KABANERO_RUNNER_TOKEN", "") or client.connection.token
    parts = urlsplit(url)
    if token and parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise UsageError(f"KABANERO_RUNNER_URL is {url}: a token is not sent without TLS", ["write https://..."])
    ca = around.environ.get("KABANERO_RUNNER_CA", "")
    origin = "KABANERO_RUNNER_URL"
    return Client(Connection(url.rstrip("/"), origin, token, ca=Path(ca).read_text() if ca else ""), around.timeout)


def _on_this_machine(client: Client, around: Surroundings) -> Client | None:
    named = around.data_dir or around.environ.get("KABANERO_DATA_DIR", "")
    folder = Path(named).expanduser() if named else default_data_dir(around.environ)
    file = folder / RUNNER_KUBECONFIG
    if not file.exists():
        return None
    try:
        found = connection(Wanted(kubeconfig=str(file), context=client.connection.server), around.environ)
    except UsageError:  # It works with another API server.
        return None
    return Client(found, around.timeout) if _answers(found) else None


def _answers(found: Connection) -> bool:
    """Whether anybody listens there: a runner that was killed leaves its file behind."""
    parts = urlsplit(found.server)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), KNOCK_SECONDS):
            return True
    except OSError:
        return False


def _through_the_api_server(client: Client, around: Surroundings) -> Client:
    service = around.environ.get("KABANERO_RUNNER_SERVICE", "") or SERVICE
    namespace, _, name = service.partition("/")
    if not name:
        raise UsageError(f"KABANERO_RUNNER_SERVICE is {service!r}", [f"write NAMESPACE/SERVICE:PORT, as {SERVICE}"])
    given = around.environ.get("KABANERO_RUNNER_TOKEN", "") or client.connection.token
    token = given or _token_of_account(client, namespace)
    server = f"{client.connection.server}/api/v1/namespaces/{namespace}/services/{name}/proxy"
    return ProxiedClient(replace(client.connection, server=server, runner_token=token), around.timeout)


def _token_of_account(client: Client, namespace: str) -> str:
    """For who logs in by a certificate, which the API server's proxy does not hand on."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_SECONDS},
    }
    try:
        return str(client.create(path, body)["status"]["token"])
    except AnswerError as error:
        raise _nowhere(f"no token for the runner: {error}", namespace) from error


class ProxiedClient(Client):
    """The runner behind the API server's proxy, which answers itself where it does not get that far."""

    def _failure(self, status: int, body: bytes, path: str) -> CliError:
        found = super()._failure(status, body, path)
        said = status_of(body)
        about_service = (said.get("details") or {}).get("kind") == "services"
        if about_service or (status >= 500 and "service" in str(said.get("message") or body)):
            return _nowhere(str(found), self.connection.server.rpartition("/namespaces/")[2].partition("/")[0])
        return found


def _nowhere(why: str, namespace: str) -> UnreachableError:
    return UnreachableError(
        f"the runner itself, which alone can tell this, is not reached: {why}",
        [
            f"is it in namespace {namespace}? name another Service with KABANERO_RUNNER_SERVICE=NAMESPACE/NAME:PORT",
            "or say where it is: KABANERO_RUNNER_URL and KABANERO_RUNNER_TOKEN",
            "or, for a runner of this machine, name its data folder with --data-dir DIR",
        ],
    )
