"""What a GithubEventSource's status says: whether its webhooks can be verified, and if not, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kabanero.model.errors import Problem
from kabanero.model.kinds.sources import GithubEventSourceSpec
from kabanero.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a source: `reason` is one CamelCase word, `message` a sentence for a person."""

    configured: bool
    reason: str
    message: str


def verified(spec: GithubEventSourceSpec, problems: Sequence[str]) -> Finding:
    """Its webhooks can be verified; `problems` are what is wrong with one of two secrets."""
    message = f"webhooks for {spec.url} are verified"
    if problems:
        return Finding(True, "OneSecretMissing", f"{message} with one secret only: {'; '.join(problems)}")
    return Finding(True, "SecretFound", message)


def refused(problems: Sequence[str]) -> Finding:
    """None of its secrets can be read."""
    return Finding(False, "SecretMissing", f"webhooks are refused: {'; '.join(problems)}")


def invalid(problems: Sequence[Problem]) -> Finding:
    """Its spec can't be understood."""
    return Finding(False, "InvalidSpec", f"webhooks are refused: {'; '.join(map(str, problems))}")


def with_status(source: Resource, finding: Finding, now: datetime) -> Resource | None:
    """The source with its new status, or None when that says nothing new."""
    old: dict[str, Any] = source.get("status") or {}
    generation = source["metadata"].get("generation")
    status = {
        **old,
        "configured": finding.configured,
        "message": finding.message,
        "observedGeneration": generation,
        "conditions": [_ready(old, finding, generation, now)],
    }
    return None if status == old else {**source, "status": status}


def _ready(old: dict[str, Any], finding: Finding, generation: Any, now: datetime) -> dict[str, Any]:
    before: dict[str, Any] = next((c for c in old.get("conditions") or () if c.get("type") == "Ready"), {})
    status = "True" if finding.configured else "False"
    since = before.get("lastTransitionTime") if before.get("status") == status else None
    return {
        "type": "Ready",
        "status": status,
        "reason": finding.reason,
        "message": finding.message,
        "lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }
