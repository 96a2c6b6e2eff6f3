"""Who sent a request, and whether they may: asked of the API server, by TokenReview and SubjectAccessReview.

So that on a cluster its own users and RBAC count, and nobody keeps a second list of tokens. Used by `api.beside`.
Source: Kubernetes documentation, "Webhook Token Authentication" and "Authorization Overview".
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.requests import Request
from kabanero.model.asking import Asker, Right
from kabanero.model.resource import ResourceType
from kabanero.ports import Clock

KEPT = timedelta(seconds=10)
"""How long an answer counts: who polls for events asks once a second."""
MOST_KEPT = 1000


def _review(group: str, kind: str) -> ResourceType:
    return ResourceType(group, "v1", kind, f"{kind.lower()}s", kind.lower(), namespaced=False)


TOKEN_REVIEW = _review("authentication.k8s.io", "TokenReview")
ACCESS_REVIEW = _review("authorization.k8s.io", "SubjectAccessReview")


@dataclass(slots=True)
class Reviews:
    """The API server's word on tokens and rights, each kept for a few seconds."""

    client: Client
    clock: Clock
    _kept: dict[Hashable, tuple[datetime, Any]] = field(default_factory=dict)

    async def who(self, token: str) -> Asker | None:
        """Whose token it is; None: nobody's. Raises the errors of `Client.call`."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        found: Asker | None = await self._once(digest, lambda: self._who(token))
        return found

    async def may(self, asker: Asker, right: Right) -> bool:
        """Whether they may. Raises the errors of `Client.call`."""
        return bool(await self._once((asker, right), lambda: self._may(asker, right)))

    async def _once(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        now = self.clock.now()
        if (kept := self._kept.get(key)) and kept[0] > now:
            return kept[1]
        answer = await ask()
        if len(self._kept) >= MOST_KEPT:
            self._kept = {each: kept for each, kept in self._kept.items() if kept[0] > now}
        if len(self._kept) < MOST_KEPT:
            self._kept[key] = (now + KEPT, answer)
        return answer

    async def _who(self, token: str) -> Asker | None:
        status = await self._asked(TOKEN_REVIEW, {"token": token})
        if not status.get("authenticated"):
            return None
        user = status.get("user") or {}
        extra = tuple((name, tuple(values)) for name, values in sorted((user.get("extra") or {}).items()))
        return Asker(str(user.get("username")), str(user.get("uid") or ""), tuple(user.get("groups") or ()), extra)

    async def _may(self, asker: Asker, right: Right) -> bool:
        attributes = {
            "group": right.group,
            "verb": right.verb,
            "resource": right.resource,
            "subresource": right.subresource,
            "namespace": right.namespace,
        }
        spec = {
            "resourceAttributes": attributes,
            "user": asker.name,
            "uid": asker.uid,
            "groups": list(asker.groups),
            "extra": {name: list(values) for name, values in asker.extra},
        }
        return bool((await self._asked(ACCESS_REVIEW, spec)).get("allowed"))

    async def _asked(self, type: ResourceType, spec: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": type.api_version, "kind": type.kind, "metadata": {}, "spec": spec}
        return (await self.client.call(Request("create", type), body)).get("status") or {}
