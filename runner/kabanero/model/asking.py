"""Who asks the runner for something, and what they need the right to: words of Kubernetes' reviews. Pure.

`api.beside` asks, `kubernetes.reviews` has the API server answer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asker:
    """A user as the API server knows them, from their token."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """What RBAC is asked about."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """As an API server says it."""
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f'{self.verb} resource "{what}" in API group "{self.group}" in the namespace "{self.namespace}"'

    @property
    def rule(self) -> str:
        """The rule of a role that gives it."""
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f'{{apiGroups: ["{self.group}"], resources: ["{what}"], verbs: ["{self.verb}"]}}'
