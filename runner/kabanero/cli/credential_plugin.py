"""Asks a credential plugin for a token, as kubeconfigs of managed clusters want it. Used by `kubeconfig`.

Source of the protocol: Kubernetes documentation, "client-go credential plugins" (ExecCredential).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kabanero.cli.errors import UnreachableError


def ask_plugin(plugin: Mapping[str, Any], folder: Path, origin: str) -> tuple[str, str, str]:
    """Token, client certificate and key, as PEM text. Raises UnreachableError with what the plugin said."""
    command = _command(plugin, folder)
    try:
        done = subprocess.run(command, env=_environment(plugin), stdout=subprocess.PIPE, check=True)
        status = json.loads(done.stdout)["status"]
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError, TypeError) as error:
        hint = str(plugin.get("installHint") or "")
        raise UnreachableError(
            f"{origin}: credential plugin {command[0]} gave no credentials: {error}", [hint]
        ) from None
    names = ("token", "clientCertificateData", "clientKeyData")
    token, certificate, key = (str(status.get(name) or "") for name in names)
    return token, certificate, key


def _command(plugin: Mapping[str, Any], folder: Path) -> list[str]:
    program = str(plugin.get("command") or "")
    if "/" in program and not Path(program).is_absolute():
        program = str(folder / program)
    return [program, *(str(argument) for argument in plugin.get("args") or [])]


def _environment(plugin: Mapping[str, Any]) -> dict[str, str]:
    version = str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1")
    info = {"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": False}}
    own = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or []}
    return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)}
