# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an API server once it has been found. Made by config and kubeconfig, used by client."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError


@dataclass(frozen=True)
class Connection:
    """How to reach the API. `ca`, `cert` and `key` are paths or PEM text; `origin` says where all this was found."""

    host: str
    origin: str
    api_key: str = ""
    namespace: str = ""
    verify: bool = True
    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""
    runner_token: str = ""  # for the runner, where host is the way to it through an API server


def is_pem(text):
    """Whether it is PEM text itself, where it might be the path of a file that holds it."""
    return "-----BEGIN " in text


def read(path):
    """The text of a file that the connection needs."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read {path}: {error}")
