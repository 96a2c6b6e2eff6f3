"""Garbage collection: what owned resources live by, and the two finalizers that belong to it.

The tasks lie in the table `collecting`, written in the transaction that made them necessary, so a crash forgets none.
`collect_some` does a bounded piece of work inside one write job; `store` calls it until nothing is left.
"""

from __future__ import annotations

from typing import Any

from kabanero.stores.sqlite import semantics
from kabanero.stores.sqlite.rows import Stored
from kabanero.stores.sqlite.terms import owner_term
from kabanero.stores.sqlite.writing import Writing

STEP = 50


def collect_some(writing: Writing) -> bool:
    """Works on one task; whether there may be more to do."""
    connection = writing.rows.connection
    row = connection.execute("SELECT task, uid, object, after, blocked FROM collecting LIMIT 1").fetchone()
    if row is None:
        return False
    task, uid, object, after, blocked = row
    if task == "check":
        _finish(writing, task, uid)
        check(writing, object)
        return True
    ids = _dependents(writing, uid, after)
    blocked = max([blocked, *(_treat(writing, task, uid, id) for id in ids)])
    if len(ids) == STEP:
        sql = "UPDATE collecting SET after = ?, blocked = ? WHERE task = ? AND uid = ?"
        connection.execute(sql, (ids[-1], blocked, task, uid))
        return True
    _finish(writing, task, uid)
    if not blocked and task in (semantics.FOREGROUND, semantics.ORPHAN):
        _let_go(writing, object, uid, task)
    return True


def check(writing: Writing, id: int) -> None:
    """Deletes a resource all of whose owners are gone or going; else takes those out of its ownerReferences."""
    stored = writing.rows.find_by_id(id)
    if stored is None or not semantics.owners(stored.body):
        return
    going = [each for each in semantics.owners(stored.body) if _is_going(writing, each, stored)]
    if not going:
        return
    if len(going) < len(semantics.owners(stored.body)):
        writing.put(stored, semantics.without_owners(stored.body, {each["uid"] for each in going}))
    else:
        writing.begin_deletion(stored, _propagation(writing, stored, going))


def _is_going(writing: Writing, reference: dict[str, Any], stored: Stored) -> bool:
    if writing.is_absent(reference, stored.key.namespace):
        return True
    owner = writing.owner(reference, stored.key.namespace)
    return owner is not None and semantics.has_finalizer(owner.body, semantics.FOREGROUND)


def _propagation(writing: Writing, stored: Stored, owners: list[dict[str, Any]]) -> str:
    """Below an owner that waits for its dependents, theirs go first as well."""
    waits = any(not writing.is_absent(each, stored.key.namespace) for each in owners)
    has_dependents = writing.rows.has_term(owner_term(stored.body["metadata"]["uid"]))
    return "Foreground" if waits and has_dependents else "Background"


def _treat(writing: Writing, task: str, uid: str, id: int) -> int:
    """Does to one dependent what the task is about; 1 when the owner still has to wait for it."""
    if task == semantics.ORPHAN:
        stored = writing.rows.find_by_id(id)
        if stored is not None:
            writing.put(stored, semantics.without_owners(stored.body, {uid}))
        return 0
    check(writing, id)
    return int(task == semantics.FOREGROUND and _blocks(writing, uid, id))


def _blocks(writing: Writing, uid: str, id: int) -> bool:
    stored = writing.rows.find_by_id(id)
    found = semantics.owners(stored.body) if stored else []
    return any(each.get("uid") == uid and each.get("blockOwnerDeletion") for each in found)


def _dependents(writing: Writing, uid: str, after: int) -> list[int]:
    sql = f"SELECT object FROM terms WHERE term = ? AND object > ? ORDER BY object LIMIT {STEP}"
    return [row[0] for row in writing.rows.connection.execute(sql, (owner_term(uid), after))]


def _finish(writing: Writing, task: str, uid: str) -> None:
    writing.rows.connection.execute("DELETE FROM collecting WHERE task = ? AND uid = ?", (task, uid))


def _let_go(writing: Writing, id: int, uid: str, finalizer: str) -> None:
    stored = writing.rows.find_by_id(id)
    if stored is not None and stored.body["metadata"]["uid"] == uid:
        writing.put(stored, semantics.without_finalizer(stored.body, finalizer))
