"""Where the API server is and who we are, as the official client finds it: kubeconfig with plugins, or a Pod's account.

Asked by `api` at the start and whenever the connection breaks: a runner that comes back may have another port.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from kabanero.stages.errors import NoConnectionError

CONNECTIONS = 32
_FALSE = ("0", "false", "no", "off", "n", "f")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said about where to connect; empty fields were not said. `data_dir` is the runner's folder."""

    kubeconfig: str = ""
    context: str = ""
    data_dir: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """`pool` speaks TLS as wanted; `origin` says where the address was found."""

    host: str
    origin: str
    pool: urllib3.PoolManager
    configuration: Any

    def headers(self) -> dict[str, str]:
        """Who we are; tokens that run out are made anew here."""
        settings = self.configuration.auth_settings().values()
        own = {each["key"]: each["value"] for each in settings if each["in"] == "header" and each["value"]}
        if not own and self.configuration.username:
            return {"authorization": self.configuration.get_basic_auth_token()}
        return own


def connect(wanted: Wanted, environ: Mapping[str, str] = os.environ) -> Connection:
    """The connection that is meant: what was said, K8S_AUTH_*, the runner's data folder, KUBECONFIG, the Pod's own.

    Raises NoConnectionError.
    """
    from kubernetes.client import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config import ConfigException

    configuration = Configuration()
    configuration.connection_pool_maxsize = CONNECTIONS
    try:
        origin = _fill(configuration, wanted, environ)
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        raise NoConnectionError(f"no API server is known: {error}") from error
    pool = RESTClientObject(configuration).pool_manager
    return Connection(str(configuration.host).rstrip("/"), origin, pool, configuration)


def _fill(configuration: Any, wanted: Wanted, environ: Mapping[str, str]) -> str:
    """Fills the client's configuration; returns where it is from."""
    from kubernetes.config import load_incluster_config, load_kube_config

    if not (wanted.kubeconfig or wanted.data_dir) and environ.get("K8S_AUTH_HOST"):
        return _from_k8s_auth(configuration, environ)
    files = kubeconfig_files(wanted, environ)
    if not files and environ.get("KUBERNETES_SERVICE_HOST"):
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return "the Pod's service account"
    files = files or str(_usual(environ))
    context = wanted.context or environ.get("K8S_AUTH_CONTEXT") or None
    load_kube_config(files, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
    return files


def kubeconfig_files(wanted: Wanted, environ: Mapping[str, str]) -> str:
    """The kubeconfig that is named, several joined as in KUBECONFIG; empty when none is."""
    if wanted.kubeconfig:
        return str(Path(wanted.kubeconfig).expanduser())
    if wanted.data_dir:
        return str(Path(wanted.data_dir).expanduser() / "kubeconfig")
    if named := environ.get("K8S_AUTH_KUBECONFIG"):
        return str(Path(named).expanduser())
    if folder := environ.get("KABANERO_DATA_DIR"):
        return str(Path(folder).expanduser() / "kubeconfig")
    return environ.get("KUBECONFIG", "")


def _usual(environ: Mapping[str, str]) -> Path:
    """The local runner's kubeconfig, else kubectl's."""
    home = Path(environ.get("HOME", "~")).expanduser()
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    own = data / "kabanero" / "kubeconfig"
    return own if own.exists() else home / ".kube" / "config"


def _from_k8s_auth(configuration: Any, environ: Mapping[str, str]) -> str:
    """The variables of the kubernetes.core collection, which stage playbooks get as well."""
    configuration.host = environ["K8S_AUTH_HOST"]
    if token := environ.get("K8S_AUTH_API_KEY"):
        configuration.api_key["authorization"] = f"Bearer {token}"
    configuration.username = environ.get("K8S_AUTH_USERNAME") or configuration.username
    configuration.password = environ.get("K8S_AUTH_PASSWORD") or configuration.password
    configuration.ssl_ca_cert = environ.get("K8S_AUTH_SSL_CA_CERT") or None
    configuration.cert_file = environ.get("K8S_AUTH_CERT_FILE") or None
    configuration.key_file = environ.get("K8S_AUTH_KEY_FILE") or None
    configuration.tls_server_name = environ.get("K8S_AUTH_TLS_SERVER_NAME") or None
    configuration.verify_ssl = environ.get("K8S_AUTH_VERIFY_SSL", "true").lower() not in _FALSE
    return "K8S_AUTH_HOST"
