"""The verbs of the store, carried out inside the writer's transaction. Called by `store` and `collecting`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from kabanero.model.errors import AlreadyExistsError, KabaneroError, NotFoundError
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.ports import Write
from kabanero.stores.sqlite import semantics
from kabanero.stores.sqlite.rows import Rows, Stored, with_version
from kabanero.stores.sqlite.terms import owner_term
from kabanero.stores.sqlite.types import Numbers, type_number

NAME_DRAWS = 8


class Writing:
    """One write job: the verbs on top of the tables, with the garbage that they leave noted down."""

    def __init__(self, connection: sqlite3.Connection, numbers: Numbers, now: datetime) -> None:
        self.rows, self._now = Rows(connection, numbers), semantics.timestamp(now)

    def create(self, type: ResourceType, resource: Resource, *, dry_run: bool = False) -> Resource:
        """As `Store.create`."""
        key = self._free_key(type, resource)
        body = semantics.created(resource, key, self._now)
        if dry_run:
            return body
        stored = self.rows.add(key, body)
        self._check_owners(stored)
        return with_version(stored.body, stored.version)

    def _free_key(self, type: ResourceType, resource: Resource) -> Key:
        namespace = str(resource.get("metadata", {}).get("namespace") or "") if type.namespaced else ""
        for _ in range(NAME_DRAWS):
            key = Key(type, namespace, semantics.name_of(resource))
            if not self.rows.is_taken(key):
                return key
            if not semantics.is_generated(resource):
                break
        raise AlreadyExistsError(f"{key} is there already")

    def update(self, key: Key, resource: Resource, *, status: bool = False, dry_run: bool = False) -> Resource:
        """As `Store.update`."""
        metadata = resource.get("metadata", {})
        old = self.checked(key, metadata.get("uid") or "", metadata.get("resourceVersion") or "")
        body = semantics.updated(old.body, resource, key.type, status=status)
        if body is old.body:
            return with_version(old.body, old.version)
        if dry_run:
            return with_version(body, old.version)
        stored = self.put(old, body)
        return with_version(stored.body, stored.version)

    def delete(self, key: Key, uid: str, version: str, propagation: str, *, dry_run: bool = False) -> Resource:
        """As `Store.delete`."""
        old = self.checked(key, uid, version)
        stored = old if dry_run else self.begin_deletion(old, propagation)
        return with_version(stored.body, stored.version)

    def checked(self, key: Key, uid: str, version: str) -> Stored:
        """The resource as it is, if it is the one that the caller means. Raises NotFoundError, ConflictError."""
        old = self.rows.find(key)
        if old is None:
            raise NotFoundError(f"{key} is not there")
        semantics.check_uid(key, old.body, uid)
        semantics.check_version(key, old.version, version)
        return old

    def begin_deletion(self, old: Stored, propagation: str) -> Stored:
        """Removes a resource, or marks it where finalizers or its dependents come first."""
        if semantics.is_deleting(old.body):
            return old
        body = semantics.deleting(old.body, propagation, self._now)
        if semantics.may_go(body):
            return self._remove(old, old.body)
        stored = self.rows.change(old, body)
        for finalizer in (semantics.FOREGROUND, semantics.ORPHAN):
            if semantics.has_finalizer(body, finalizer):
                self.rows.collect(finalizer, body["metadata"]["uid"], stored.id)
        return stored

    def put(self, old: Stored, body: Resource) -> Stored:
        """Stores a changed body; one whose last finalizer has gone while it is being deleted is removed."""
        if semantics.may_go(body):
            return self._remove(old, body)
        stored = self.rows.change(old, body)
        if semantics.owners(old.body) != semantics.owners(body):
            self._check_owners(stored)
            self._release_owners(old.body, old.key)
        return stored

    def _remove(self, old: Stored, last: Resource) -> Stored:
        stored = self.rows.remove(old, last)
        uid = old.body["metadata"]["uid"]
        if self.rows.has_term(owner_term(uid)):
            self.rows.collect("dependents", uid, old.id)
        self._release_owners(old.body, old.key)
        return stored

    def _check_owners(self, stored: Stored) -> None:
        """A resource whose owner has gone already is garbage from the start."""
        for reference in semantics.owners(stored.body):
            if self.is_absent(reference, stored.key.namespace):
                self.rows.collect("check", stored.body["metadata"]["uid"], stored.id)

    def _release_owners(self, body: Resource, key: Key) -> None:
        """Owners that wait for their dependents to go look again when one has gone."""
        for reference in semantics.owners(body):
            if not reference.get("blockOwnerDeletion"):
                continue
            owner = self.owner(reference, key.namespace)
            if owner and semantics.has_finalizer(owner.body, semantics.FOREGROUND):
                self.rows.collect(semantics.FOREGROUND, reference["uid"], owner.id)

    def owner(self, reference: dict[str, str], namespace: str) -> Stored | None:
        """The resource that an ownerReference means, in the same namespace or cluster-wide."""
        group = reference.get("apiVersion", "").rpartition("/")[0]
        number = type_number(self.rows.connection, group, reference.get("kind", ""))
        for place in dict.fromkeys((namespace, "")):
            found = self.rows.find_by_name(number, place, reference.get("name", "")) if number else None
            if found and found.body["metadata"]["uid"] == reference.get("uid"):
                return found
        return None

    def is_absent(self, reference: dict[str, str], namespace: str) -> bool:
        """Whether an owner is certainly gone; of a kind that was never stored here nobody can tell."""
        group = reference.get("apiVersion", "").rpartition("/")[0]
        known = type_number(self.rows.connection, group, reference.get("kind", "")) is not None
        return known and self.owner(reference, namespace) is None

    def write(self, type: ResourceType, write: Write) -> Resource:
        """One of many writes."""
        if write.verb == "create":
            return self.create(type, write.resource)
        return self.update(key_of(type, write.resource), write.resource, status=write.verb == "update_status")

    def write_each(self, writes: Sequence[tuple[ResourceType, Write]]) -> list[Resource | KabaneroError]:
        """Many writes, each by itself."""
        return [self._guarded(type, write) for type, write in writes]

    def _guarded(self, type: ResourceType, write: Write) -> Resource | KabaneroError:
        changes = len(self.rows.outcome.changes)
        self.rows.connection.execute("SAVEPOINT one")
        try:
            return self.write(type, write)
        except KabaneroError as error:
            self.rows.connection.execute("ROLLBACK TO one")
            del self.rows.outcome.changes[changes:]
            return error
        finally:
            self.rows.connection.execute("RELEASE one")


def key_of(type: ResourceType, resource: Resource) -> Key:
    """The key that a resource names."""
    metadata = resource.get("metadata", {})
    return Key(type, str(metadata.get("namespace") or "") if type.namespaced else "", str(metadata.get("name") or ""))
