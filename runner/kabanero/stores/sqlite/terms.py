"""The index: what a resource can be found by, as 64-bit hashes. Used by `rows` (keeps them) and `selecting` (reads).

A hash instead of the text makes a row 20 bytes, and rows of one term lie together in the order in which the resources
were made. Two texts with one hash do no harm: what is found is always checked against the selector itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from kabanero.model.resource import Resource, ResourceType, field_at
from kabanero.model.selectors import Requirement

_FIELD, _LABEL, _LABEL_KEY, _OWNER = "field", "label", "label key", "owner"
_ABSENCE = ("status.phase",)
"""Fields whose absence is looked for: what nobody has begun with, at each start. Few are so, and not for long."""


def terms_of(type_id: int, type: ResourceType, body: Resource) -> set[int]:
    """All terms under which a resource is found."""
    return {_hash(*words) for words in _words(type_id, type, body)}


def owner_term(uid: str) -> int:
    """Finds what a resource owns, of whatever kind."""
    return _hash(0, _OWNER, "", uid)


def indexable(type: ResourceType) -> frozenset[str]:
    """By what resources of a kind can be found: `path` for a value there, `path=` for none."""
    return frozenset((*type.selectable, *(f"{path}=" for path in type.selectable if path in _ABSENCE)))


def indexed_as(clause: Requirement) -> str:
    """What must be indexed, of `indexable`, to look a clause about a field up."""
    return clause.key if clause.values and clause.values[0] else f"{clause.key}="


def field_terms(type_id: int, type: ResourceType, clause: Requirement) -> tuple[int, ...]:
    """The terms of which a resource has one when its field meets the clause; none: the index can't tell."""
    if clause.operator != "=" or indexed_as(clause) not in indexable(type):
        return ()
    return (_hash(type_id, _FIELD, clause.key, clause.values[0]),)


def label_terms(type_id: int, clause: Requirement) -> tuple[int, ...]:
    """The same for a label."""
    if clause.operator in ("=", "in"):
        return tuple(_hash(type_id, _LABEL, clause.key, value) for value in dict.fromkeys(clause.values))
    return (_hash(type_id, _LABEL_KEY, clause.key, ""),) if clause.operator == "exists" else ()


def _words(type_id: int, type: ResourceType, body: Resource) -> Iterator[tuple[int, str, str, str]]:
    metadata = body["metadata"]
    for path in type.selectable:
        value = field_at(body, path)
        if value or path in _ABSENCE:
            yield type_id, _FIELD, path, value
    for key, value in (metadata.get("labels") or {}).items():
        yield type_id, _LABEL, key, value
        yield type_id, _LABEL_KEY, key, ""
    for owner in metadata.get("ownerReferences") or ():
        yield 0, _OWNER, "", owner.get("uid", "")


@lru_cache(maxsize=8192)
def _hash(type_id: int, what: str, key: str, value: str) -> int:
    text = f"{type_id}\0{what}\0{key}\0{value}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)
