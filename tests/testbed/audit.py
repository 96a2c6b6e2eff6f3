"""What clients asked of an API server, by its own audit log: exact, and seen from outside of whoever asked.

For measurements: writing the log costs the API server time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "Request", "resources": [{"group": "kabanero.io"}, {"group": "", "resources": ["events"]}]},
        {"level": "Metadata"},
    ],
}
"""Bodies of what the project writes, so that it can be told which write it was; leases are renewed by the clock."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `resource` is as in RBAC rules; `body` what was sent, where the policy keeps it."""

    time: str
    agent: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    body: dict[str, Any] = field(default_factory=dict)


class Audit:
    """The log in the folder of one API server."""

    def __init__(self, folder: Path) -> None:
        self._policy, self._log = folder / "audit-policy.yaml", folder / "audit.log"

    def flags(self) -> list[str]:
        """How the API server is told to write it."""
        self._policy.write_text(yaml.safe_dump(POLICY))
        return [f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}", "--audit-log-mode=blocking"]

    def place(self) -> int:
        """Where the log ends now."""
        return self._log.stat().st_size if self._log.exists() else 0

    def since(self, place: int) -> list[Asked]:
        """What was asked after that, in the order in which it was received; a watch counts when it begins."""
        with self._log.open() as log:
            log.seek(place)
            lines = [json.loads(line) for line in log if line.endswith("\n")]
        wanted = [line for line in lines if (line["stage"] == "ResponseStarted") == (line["verb"] == "watch")]
        return sorted((_asked(line) for line in wanted if "objectRef" in line), key=lambda each: each.time)


def _asked(line: dict[str, Any]) -> Asked:
    there, body = line["objectRef"], line.get("requestObject")
    parts = [there.get("resource", ""), there.get("subresource", "")]
    return Asked(
        time=line["requestReceivedTimestamp"],
        agent=line.get("userAgent", ""),
        verb=line["verb"],
        resource="/".join(filter(None, parts)),
        namespace=there.get("namespace", ""),
        name=there.get("name", ""),
        code=int(line.get("responseStatus", {}).get("code", 0)),
        body=body if isinstance(body, dict) else {},
    )
