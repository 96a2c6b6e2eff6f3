"""Which secret is valid for which delivery: an index in memory, and the verification that every webhook goes through.

Fed by `github_secrets`, asked by `api.webhook`. A refusal takes the same work whatever the body names: as many HMACs
as the most that any configured repository, owner and enterprise would need. So nobody learns which are configured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kabanero.sources.github_origin import Names, Origin
from kabanero.sources.github_refusal import UnverifiedError
from kabanero.sources.github_signature import signed_by

SourceId = tuple[str, str]
"""Namespace and name of a GithubEventSource."""

_DUMMY = bytes(32)


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """On whose behalf a delivery is believed: `namespace` (empty: every one), `source` as `namespace/name`."""

    namespace: str
    source: str


@dataclass(slots=True)
class _Ring:
    """The secrets of one sort of name. `width` is the most secrets that one name has."""

    sources: dict[str, dict[SourceId, tuple[bytes, ...]]] = field(default_factory=dict)
    secrets: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    width: int = 0

    def put(self, name: str, source: SourceId, secrets: tuple[bytes, ...]) -> None:
        self.sources.setdefault(name, {})[source] = secrets
        self._distinct(name)
        self.width = max(self.width, len(self.secrets[name]))

    def drop(self, name: str, source: SourceId) -> None:
        self.sources[name].pop(source)
        self._distinct(name)
        self.width = max(map(len, self.secrets.values()), default=0)

    def _distinct(self, name: str) -> None:
        self.secrets[name] = tuple(dict.fromkeys(s for secrets in self.sources[name].values() for s in secrets))
        if not self.sources[name]:
            del self.sources[name], self.secrets[name]

    def padded(self, name: str) -> Sequence[bytes]:
        """The secrets of a name, filled up with empty ones to the width of the ring."""
        found = self.secrets.get(name, ())
        return found if len(found) == self.width else found + (b"",) * (self.width - len(found))


class KeyRing:
    """All secrets of all sources. `shared_namespace` is the one whose sources speak to every namespace."""

    def __init__(self, shared_namespace: str = "") -> None:
        self._shared = shared_namespace
        self._rings = tuple(_Ring() for _ in Names._fields)
        self._names: dict[SourceId, Names] = {}
        # Only what was verified gets in, so that nobody else can make it grow.
        self._granted: dict[tuple[Names, bytes], list[Grant]] = {}

    def put(self, source: SourceId, names: Names, secrets: Iterable[bytes]) -> None:
        """Makes these the names and secrets of a source, in place of what it had. Empty secrets are never valid."""
        self.drop(source)
        valid = tuple(secret for secret in secrets if secret)
        if not valid:
            return
        self._names[source] = names
        for ring, name in zip(self._rings, names, strict=True):
            if name:
                ring.put(name, source, valid)

    def drop(self, source: SourceId) -> None:
        """Forgets a source."""
        self._granted.clear()
        for ring, name in zip(self._rings, self._names.pop(source, ()), strict=False):
            if name:
                ring.drop(name, source)

    def sources(self) -> frozenset[SourceId]:
        """Every source with a valid secret."""
        return frozenset(self._names)

    def verify(self, origin: Origin, raw: bytes, signature: bytes) -> list[Grant]:
        """On whose behalf the body is believed, one grant for each namespace. Raises UnverifiedError."""
        names = origin.names
        for ring, name in zip(self._rings, names, strict=True):
            for secret in ring.padded(name):
                # Padding costs what a secret costs, and is never right.
                if signed_by(secret or _DUMMY, raw, signature) and secret:
                    return self._grants(names, secret)
        raise UnverifiedError

    def _grants(self, names: Names, secret: bytes) -> list[Grant]:
        known = self._granted.get((names, secret))
        if known is None:
            known = self._granted[names, secret] = self._find_grants(names, secret)
        return known

    def _find_grants(self, names: Names, secret: bytes) -> list[Grant]:
        found: dict[str, Grant] = {}
        for namespace, name in sorted(self._holders(names, secret)):
            visible = "" if namespace == self._shared else namespace
            found.setdefault(visible, Grant(visible, f"{namespace}/{name}"))
        # An event for every namespace reaches each of them: a second one of its own would start runs twice.
        return [found[""]] if "" in found else list(found.values())

    def _holders(self, names: Names, secret: bytes) -> Iterator[SourceId]:
        for ring, name in zip(self._rings, names, strict=True):
            for source, secrets in ring.sources.get(name, {}).items():
                if secret in secrets:
                    yield source
