# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a kubeconfig as kubectl does. Used by config.

It is read here, since importing the whole `kubernetes` library costs half a second; users that log in by its plugins
(`exec`, `auth-provider`) are left to that library.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from ansible_collections.kabanero.events.plugins.module_utils.connection import Connection, read
from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError


def from_kubeconfig(paths, name=None):
    """The connection of the context `name`, else of the current one; of several files the first that has it counts."""
    files = [(path, _load(path)) for path in paths]
    name = name or next((file[1]["current-context"] for file in files if file[1].get("current-context")), "")
    context = _entry(files, "context", name)[0]
    cluster, where = _entry(files, "cluster", context.get("cluster"))
    user, home = _entry(files, "user", context["user"]) if context.get("user") else ({}, Path())
    if not cluster.get("server"):
        raise ConfigError(f"{paths[0]}: cluster {context.get('cluster')!r} has no server")
    namespace = context.get("namespace") or ""
    if "exec" in user or "auth-provider" in user:
        return _by_library(paths, name, namespace)
    return Connection(
        cluster["server"],
        _origin(paths, name),
        api_key=_token(user, home),
        namespace=namespace,
        verify=not cluster.get("insecure-skip-tls-verify"),
        ca=_pem(cluster, "certificate-authority", where),
        cert=_pem(user, "client-certificate", home),
        key=_pem(user, "client-key", home),
        server_name=cluster.get("tls-server-name") or "",
    )


def _origin(paths, name):
    return f"context {name!r} of {os.pathsep.join(map(str, paths))}"


def _load(path):
    import yaml

    try:
        content = yaml.load(read(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not a kubeconfig: {error}")
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is not a kubeconfig: it holds no mapping")
    return content


def _entry(files, what, name):
    """The cluster, user or context of this name, and the folder that its paths are relative to."""
    known = []
    for path, content in files:
        for entry in content.get(f"{what}s") or ():
            if name and entry.get("name") == name:
                return entry.get(what) or {}, path.parent
            known.append(str(entry.get("name")))
    asked = f"no {what} {name!r}" if name else f"no current-{what}"
    raise ConfigError(f"{files[0][0]} has {asked}; it has {', '.join(known) or 'none'}")


def _token(user, home):
    if user.get("token") or not user.get("tokenFile"):
        return user.get("token") or ""
    return read(home / user["tokenFile"]).strip()


def _pem(entry, field, folder):
    if entry.get(f"{field}-data"):
        return base64.b64decode(entry[f"{field}-data"]).decode()
    return str(folder / entry[field]) if entry.get(field) else ""


def _by_library(paths, name, namespace):
    try:
        from kubernetes.client import Configuration
        from kubernetes.config import load_kube_config
    except ImportError as error:
        raise ConfigError(f"{_origin(paths, name)} logs in by a plugin; install the library kubernetes ({error})")
    found = Configuration()
    try:
        load_kube_config(os.pathsep.join(map(str, paths)), context=name, client_configuration=found)
    except Exception as error:
        raise ConfigError(f"{_origin(paths, name)} can't be used: {error}")
    return Connection(
        found.host,
        _origin(paths, name),
        api_key=str((found.auth_settings().get("BearerToken") or {}).get("value") or "").removeprefix("Bearer "),
        namespace=namespace,
        verify=found.verify_ssl,
        ca=found.ssl_ca_cert or "",
        cert=found.cert_file or "",
        key=found.key_file or "",
    )
