# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong between a module and the resource API. Raised below, turned into fail_json by core.run."""

from __future__ import annotations

import re


class KabaneroError(Exception):
    """A sentence for a person, and `details` that a playbook can look at."""

    def __init__(self, message, **details):
        super().__init__(message)
        self.details = details


class ConfigError(KabaneroError):
    """How to reach the API can't be told from the options, the environment and the kubeconfig."""


class UnreachableError(KabaneroError):
    """The API did not answer."""


class ApiError(KabaneroError):
    """The API answered with a Status object. `code` is HTTP's, `reason` one CamelCase word."""

    def __init__(self, code, reason, message, causes=()):
        self.code, self.reason = code, reason
        hint = _HINTS.get(reason)
        super().__init__(f"{message} ({hint})" if hint else message, status=code, reason=reason, causes=list(causes))


class WaitError(KabaneroError):
    """What was waited for did not end well, or not in time. `resource` is what was seen last."""

    def __init__(self, message, resource):
        super().__init__(message, resource=resource)
        self.resource = resource


_HINTS = {
    "Unauthorized": "give a valid token with api_key, or a kubeconfig that has one",
    "Forbidden": "ask for a Role that allows it, or use another token",
    "NoSuchApi": "is this a Kabanero runner, or a cluster with its CRDs? Look at host, kubeconfig and context",
    "Expired": "try again",
}


def from_status(code, status):
    """The ApiError for an answer: `status` is its decoded body, a Status object or anything else."""
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = status if isinstance(status, str) else ""
        reason = "NoSuchApi" if code == 404 else "Unknown"
        return ApiError(code, reason, f"the server answered {code}: {text[:200].strip() or 'without a reason'}")
    details = status.get("details") or {}
    reason = status.get("reason") or "Unknown"
    if reason == "NotFound" and not details.get("name"):
        reason = "NoSuchApi"
    message = status.get("message") or reason
    return ApiError(code, reason, message, map(_cause, details.get("causes") or _strict_causes(message)))


def _strict_causes(message):
    """The fields that an API server's strict decoding names in its message alone."""
    found = re.findall(r'(unknown|duplicate) field "([^"]+)"', message) if "strict decoding" in message else ()
    return [{"field": field, "reason": "FieldValueInvalid", "message": f"{what} field"} for what, field in found]


def _cause(cause):
    return {key: cause.get(key, "") for key in ("field", "reason", "message")}
