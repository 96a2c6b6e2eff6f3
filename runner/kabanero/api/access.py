"""Who may do what: bearer tokens, their users, and the reviews by which clients ask (`kubectl auth can-i`, `whoami`).

Tokens come from three places: the local user's (in the data folder), a tokens file, and those that the runner issues to
stage playbooks, which live in memory and end with their stage.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.kinds.core import SECRET
from kabanero.model.nearmiss import did_you_mean

READ_VERBS = frozenset({"get", "list", "watch"})
MIN_TOKEN_LENGTH = 16


class Role(enum.StrEnum):
    """What a user may do. `view` reads all but Secrets."""

    ADMIN = "admin"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class User:
    """Whoever holds a token."""

    name: str
    role: Role = Role.ADMIN

    def may(self, verb: str, plural: str) -> bool:
        """Whether the user may do this to resources of this plural."""
        return self.role is Role.ADMIN or (verb in READ_VERBS and plural != SECRET.plural)

    @property
    def groups(self) -> list[str]:
        """Groups, as Kubernetes names them."""
        return [f"kabanero:{self.role}", "system:authenticated"]


@dataclass(slots=True)
class Tokens:
    """All valid tokens. Only their SHA-256 digests are kept.

    A token is looked up by its digest: how long that takes tells nothing about any token, since nobody can choose the
    digest of a guess.
    """

    _users: dict[bytes, User] = field(default_factory=dict)

    def add(self, token: str, user: User) -> None:
        """Makes a token valid."""
        self._users[_digest(token)] = user

    def add_digest(self, sha256: str, user: User) -> None:
        """Makes the token of this hexadecimal SHA-256 digest valid."""
        self._users[bytes.fromhex(sha256)] = user

    def issue(self, user: str, *, read_only: bool = False) -> str:
        """A new token, in memory only: it ends with `revoke` or with the process."""
        token = secrets.token_urlsafe(32)
        self.add(token, User(user, Role.VIEW if read_only else Role.ADMIN))
        return token

    def revoke(self, token: str) -> None:
        """Makes a token invalid."""
        self._users.pop(_digest(token), None)

    def user(self, authorization: str) -> User | None:
        """The user of an Authorization header."""
        scheme, _, token = authorization.partition(" ")
        return self._users.get(_digest(token.strip())) if scheme.lower() == "bearer" else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def load_tokens(path: Path, into: Tokens) -> None:
    """Reads a tokens file: a YAML list of `{user, role, token}` or `{user, role, sha256}`. Raises InvalidError."""
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidError(str(path), [Problem("", f"can't be read: {error}")]) from error
    if not isinstance(entries, list):
        raise InvalidError(str(path), [Problem("", "is not a list", "write entries such as - {user: ci, token: ...}")])
    for index, entry in enumerate(entries):
        if problems := list(_entry_problems(entry, f"[{index}]")):
            raise InvalidError(str(path), problems)
        _add_entry(entry, into)


def _add_entry(entry: dict[str, Any], into: Tokens) -> None:
    user = User(entry["user"], Role(entry.get("role", Role.ADMIN)))
    if "token" in entry:
        into.add(entry["token"], user)
    else:
        into.add_digest(entry["sha256"], user)


def _entry_problems(entry: Any, where: str) -> list[Problem]:
    if not isinstance(entry, dict) or not isinstance(entry.get("user"), str):
        return [Problem(where, "has no user", "write {user: NAME, role: admin|view, token: TOKEN}")]
    return [*_role_problems(entry, where), *_secret_problems(entry, where)]


def _role_problems(entry: dict[str, Any], where: str) -> list[Problem]:
    role = entry.get("role", Role.ADMIN)
    if role in list(Role):
        return []
    return [Problem(f"{where}.role", f"{role!r} is no role", did_you_mean(str(role), list(Role)) or "admin or view")]


def _secret_problems(entry: dict[str, Any], where: str) -> list[Problem]:
    token, digest = entry.get("token"), entry.get("sha256")
    if isinstance(token, str) and len(token) >= MIN_TOKEN_LENGTH:
        return []
    if isinstance(digest, str) and len(digest) == 64 and all(c in "0123456789abcdefABCDEF" for c in digest):
        return []
    fix = f"give a token of at least {MIN_TOKEN_LENGTH} characters, or the 64 hexadecimal digits of its sha256"
    return [Problem(where, "has no usable token", fix)]


def review(kind: str, body: Any, user: User) -> dict[str, Any]:
    """Answers a SelfSubjectReview, SelfSubjectAccessReview or SelfSubjectRulesReview."""
    spec = (body.get("spec") if isinstance(body, dict) else None) or {}
    answers = {"SelfSubjectReview": _who, "SelfSubjectAccessReview": _may, "SelfSubjectRulesReview": _rules}
    group = "authentication.k8s.io" if kind == "SelfSubjectReview" else "authorization.k8s.io"
    status = answers[kind](spec if isinstance(spec, dict) else {}, user)
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec, "status": status}


def _who(_: dict[str, Any], user: User) -> dict[str, Any]:
    return {"userInfo": {"username": user.name, "groups": user.groups}}


def _may(spec: dict[str, Any], user: User) -> dict[str, Any]:
    wanted = spec.get("resourceAttributes") or spec.get("nonResourceAttributes") or {}
    if not isinstance(wanted, dict):
        wanted = {}
    allowed = user.may(str(wanted.get("verb", "")), str(wanted.get("resource", "")))
    return {"allowed": allowed} | ({} if allowed else {"reason": f"{user.name} has the role {user.role}"})


def _rules(_: dict[str, Any], user: User) -> dict[str, Any]:
    verbs = ["*"] if user.role is Role.ADMIN else sorted(READ_VERBS)
    rule = {"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}
    everywhere = {"verbs": verbs, "nonResourceURLs": ["*"]}
    return {"resourceRules": [rule], "nonResourceRules": [everywhere], "incomplete": False}
