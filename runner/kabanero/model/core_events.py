"""The runner's own core Events, as people read them by `kubectl describe` and `kubectl events`: one shape for all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kabanero.model.resource import Resource

COMPONENT = "kabanero-runner"
LONGEST_MESSAGE = 1000


def core_event(
    about: Mapping[str, Any], unique: str, type: str, reason: str, message: str, now: datetime
) -> dict[str, Any]:
    """An Event in the namespace of the object that it is `about` (an object reference), `unique` making its name.

    `type` is Normal or Warning, `reason` one CamelCase word.
    """
    time = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about['name']}.{unique}", "namespace": about["namespace"]},
        "involvedObject": dict(about),
        "type": type,
        "reason": reason,
        "message": message[:LONGEST_MESSAGE],
        "count": 1,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
    }


def reference_to(resource: Resource, *more: str) -> dict[str, Any]:
    """An object reference; `more` names further fields of its metadata, which may be absent."""
    metadata = resource["metadata"]
    names = ("namespace", "name", "uid", *more)
    about = {name: metadata[name] for name in names if name in metadata}
    return {"apiVersion": resource["apiVersion"], "kind": resource["kind"], **about}
