"""Lease objects: who holds one, and whether it is still renewed. Used by `election` and `presence`.

No two machines' clocks are compared. Who watches a lease measures by its own clock how long nothing has changed in it,
as Kubernetes' own components do; the times in it are for people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.requests import Request
from kabanero.model.errors import NotFoundError
from kabanero.model.resource import Resource, ResourceType

LEASE = ResourceType("coordination.k8s.io", "v1", "Lease", "leases", "lease", has_status=False)
Elapsed = Callable[[], float]


def since_boot() -> float:
    """Seconds, which go on while the machine sleeps and don't jump when its clock is set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def now() -> str:
    """The time as leases hold it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def holder_of(lease: Resource) -> str:
    """Who holds it; empty: nobody."""
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def seconds_of(lease: Resource) -> float:
    """How long it is held after each renewal."""
    return float((lease.get("spec") or {}).get("leaseDurationSeconds") or 0)


class Leases:
    """Those of one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace

    async def get(self, name: str) -> Resource | None:
        """None: there is none."""
        try:
            return await self._client.call(Request("get", LEASE, self._namespace, name))
        except NotFoundError:
            return None

    async def create(self, name: str, spec: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Resource:
        """Raises AlreadyExistsError."""
        metadata = {"name": name, "namespace": self._namespace, **({"labels": dict(labels)} if labels else {})}
        body = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": dict(spec)}
        return await self._client.call(Request("create", LEASE, self._namespace), body)

    async def update(self, lease: Resource, spec: Mapping[str, Any]) -> Resource:
        """On top of the version that was read. Raises ConflictError, NotFoundError."""
        name, merged = lease["metadata"]["name"], {**(lease.get("spec") or {}), **spec}
        kept = {key: value for key, value in merged.items() if value is not None}
        return await self._client.call(Request("update", LEASE, self._namespace, name), {**lease, "spec": kept})

    async def delete(self, name: str) -> None:
        """One that is gone is no error."""
        try:
            await self._client.call(Request("delete", LEASE, self._namespace, name))
        except NotFoundError:
            return

    async def labelled(self, label: str) -> list[Resource]:
        """All with a label."""
        answer = await self._client.call(Request("list", LEASE, self._namespace, query={"labelSelector": label}))
        return list(answer["items"])


@dataclass(slots=True)
class Watched:
    """A lease as it was last seen, and when that was seen first."""

    elapsed: Elapsed
    _seen: object = None
    _since: float = 0.0

    def unchanged_for(self, lease: Resource | None) -> float:
        """Seconds since it last changed before our eyes; a lease that is not there counts as one that never changes."""
        spec = (lease or {}).get("spec") or {}
        seen = (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"), lease is None)
        if seen != self._seen:
            self._seen, self._since = seen, self.elapsed()
        return self.elapsed() - self._since
