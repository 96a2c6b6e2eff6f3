"""Where the API server is and who we are there, and again when credentials have run out. Used by `client`.

The official client reads kubeconfigs (client certificates, tokens, exec plugins, OpenID) and the pod's own account.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kabanero.kubernetes.settings import ClientSettings
from kabanero.model.errors import InvalidError, Problem

POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach the server: base URL, TLS (None: plain HTTP), the name in its certificate, a proxy."""

    server: str
    tls: ssl.SSLContext | None
    tls_name: str | None
    proxy: str | None


class Login:
    """The credentials in use; `origin` says where they are from."""

    def __init__(self, settings: ClientSettings) -> None:
        self._file, self._context = _kubeconfig(settings), settings.context
        self.origin = str(self._file) if self._file else "the pod's service account"
        self._configuration: Any = None
        self.way: Way

    async def load(self) -> None:
        """Reads them, the first time or anew. Raises InvalidError, which names the file and what is wrong with it."""
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

        configuration = Configuration()
        try:
            if self._file:
                files, context = str(self._file), self._context or None
                await load_kube_config(files, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
            else:
                load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise _unusable(self.origin, f"can't be used: {error}") from error
        if configuration.host.startswith("https") and not (configuration.api_key or configuration.cert_file):
            raise _unusable(self.origin, "gives no credentials, or its credential plugin failed")
        self._configuration, self.way = configuration, _way(configuration)

    def headers(self) -> dict[str, str]:
        """What says who we are; a pod's token is read again when it is a minute old, since it is exchanged."""
        if self._configuration.refresh_api_key_hook:
            self._configuration.refresh_api_key_hook(self._configuration)
        token = self._configuration.api_key.get("BearerToken")
        return {"Authorization": token} if token else {}


def _kubeconfig(settings: ClientSettings) -> Path | None:
    """The file that is meant; None in a pod that has no other. $KUBECONFIG may be a list, which the reader takes."""
    if settings.kubeconfig:
        return settings.kubeconfig.expanduser()
    if named := os.environ.get("KUBECONFIG"):
        return Path(named)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and POD_TOKEN.exists():
        return None
    return Path("~/.kube/config").expanduser()


def _way(configuration: Any) -> Way:
    tls = _tls(configuration) if configuration.host.startswith("https") else None
    return Way(configuration.host.rstrip("/"), tls, configuration.tls_server_name or None, configuration.proxy or None)


def _tls(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unusable(origin: str, reason: str) -> InvalidError:
    fix = "name one with --kubeconfig; `kubectl --kubeconfig FILE version` shows whether it works"
    return InvalidError("kubeconfig", [Problem(origin, reason, fix)])
