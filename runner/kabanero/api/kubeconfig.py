"""Writes what the local user needs: `DATA_DIR/token` and a kubeconfig, both readable by nobody else."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import yaml

from kabanero.api.certificate import Trust
from kabanero.model.errors import InvalidError, Problem

TOKEN_BYTES = 32
CONTEXT = "kabanero"
OWN_KUBECONFIG = "runner.kubeconfig"
"""Beside an API server: how local clients reach the runner itself. Its context is named after that API server."""
SYSTEM_TRUST = Trust()


def local_token(data_dir: Path) -> str:
    """The local user's token: the one in `DATA_DIR/token`, made there (mode 0600) when there is none.

    Raises InvalidError when there is something that is no token.
    """
    path = data_dir / "token"
    try:
        token = path.read_text("ascii").strip()
    except FileNotFoundError:
        token = ""
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(
            str(path), [Problem("", f"is no token: {error}", "delete it, and a new one is made")]
        ) from error
    if any(not sign.isprintable() or sign.isspace() for sign in token):
        raise InvalidError(
            str(path), [Problem("", "is no token: it has several words", "delete it, and a new one is made")]
        )
    if not token:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        write_private(path, token + "\n")
    return token


def write_kubeconfig(
    path: Path,
    url: str,
    token: str,
    *,
    trust: Trust = SYSTEM_TRUST,
    namespace: str = "kabanero",
    context: str = CONTEXT,
) -> None:
    """Writes a kubeconfig (mode 0600) for the server at `url`, whose certificate is believed by `trust`."""
    write_private(path, yaml.safe_dump(_kubeconfig(url, token, trust, namespace, context), sort_keys=False))


def _kubeconfig(url: str, token: str, trust: Trust, namespace: str, name: str) -> dict[str, Any]:
    cluster: dict[str, Any] = {"server": url}
    if trust.authority is not None:
        cluster["certificate-authority-data"] = base64.b64encode(trust.authority.read_bytes()).decode()
    if trust.server_name:
        cluster["tls-server-name"] = trust.server_name
    context = {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }


def secure(url: str) -> str:
    """The same address within TLS."""
    return "https://" + url.partition("://")[2]


def local_url(url: str) -> str:
    """The URL by which this machine reaches a server that listens on every address."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def write_private(path: Path, text: str) -> None:
    """Writes a file of mode 0600 in one step: whoever reads it sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
