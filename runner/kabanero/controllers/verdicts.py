"""The `Ready` condition by which a controller says what it found when it looked at a resource.

A condition keeps the time at which its status last changed, so a verdict that is still the same is the same status, and
need not be written. Used by the controllers that own the status of strategies, triggers and stages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kabanero.model.resource import Resource

LONGEST_MESSAGE = 2000


def ready_condition(resource: Resource, ready: bool, reason: str, message: str, now: datetime) -> dict[str, Any]:
    """What was found about a resource, whose status holds what was found before."""
    known = (resource.get("status") or {}).get("conditions") or ()
    before: dict[str, Any] = next((each for each in known if each.get("type") == "Ready"), {})
    since = before.get("lastTransitionTime") if before.get("status") == str(ready) else None
    return {
        "type": "Ready",
        "status": str(ready),
        "reason": reason,
        "message": message[:LONGEST_MESSAGE],
        "lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": resource["metadata"].get("generation"),
    }
