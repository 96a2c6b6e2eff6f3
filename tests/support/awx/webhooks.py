"""Webhooks of a forge at a template: the signature is checked, and a job gets the event as `awx_webhook_*`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from tests.support.awx.answers import forbidden
from tests.support.awx.tables import Row

REF = {"pull_request": "pull_request.head.sha", "push": "after", "release": "release.tag_name", "create": "ref"}


def check(template: Row, headers: Mapping[str, str], body: bytes) -> None:
    """Raises RefusalError unless GitHub signed it with the template's key."""
    algorithm, _, signature = headers.get("X-Hub-Signature", "").partition("=")
    key = template.get("webhook_key") or ""
    wanted = hmac.new(key.encode(), body, hashlib.sha1).hexdigest()
    if not key or algorithm != "sha1" or not hmac.compare_digest(wanted, signature):
        raise forbidden()


def variables(headers: Mapping[str, str], payload: Any) -> Row:
    """The job's extra vars."""
    event = headers.get("X-GitHub-Event")
    status_api = (payload.get("pull_request") or {}).get("statuses_url") if event == "pull_request" else None
    told = {
        "event_type": event,
        "event_guid": headers.get("X-GitHub-Delivery"),
        "event_ref": _ref(REF.get(event or "", ""), payload),
        "status_api": status_api,
        "payload": payload,
    }
    return {f"{prefix}_webhook_{name}": value for prefix in ("awx", "tower") for name, value in told.items()}


def _ref(path: str, payload: Any) -> Any:
    for part in path.split("."):
        payload = payload.get(part) if isinstance(payload, dict) else None
    return None if payload == "0" * 40 else payload
