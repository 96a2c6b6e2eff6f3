"""Who asks: users by password or by token, and what they may do."""

from __future__ import annotations

import base64
import binascii
import secrets

from tests.support.awx.answers import WRONG_PASSWORD, forbidden, unauthorized
from tests.support.awx.tables import Row, Tables

READING = ("GET", "HEAD", "OPTIONS")


class People:
    """`basic` may be switched off, as AUTH_BASIC_ENABLED does. Tokens can be revoked at any time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.basic = True
        self.tokens_made = 0

    def who(self, authorization: str) -> Row | None:
        """The user of a request, None without any credentials. Raises RefusalError."""
        scheme, _, value = authorization.partition(" ")
        if scheme == "Bearer":
            return self._by_token(value)
        if scheme == "Basic" and self.basic:
            return self.by_password(*decoded(value))
        return None

    def may(self, user: Row | None, method: str) -> None:
        """Raises RefusalError unless this user may do so."""
        if user is None:
            raise unauthorized()
        if method not in READING and (user.get("_scope") == "read" or user.get("_reads_only")):
            raise forbidden()

    def issue(self, user: Row, scope: str = "write", description: str = "", application: int | None = None) -> Row:
        """A new token; only an application's can be renewed."""
        self.tokens_made += 1
        fields = {"user": user["id"], "scope": scope, "description": description, "application": application}
        made = self._tables.add("tokens", token=secrets.token_hex(15), **fields)
        made["refresh_token"] = secrets.token_hex(15) if application else None
        return made

    def expire_all(self) -> None:
        """Tokens are valid no more, but may be renewed."""
        for row in self._tables.rows["tokens"].values():
            row["_expired"] = True

    def revoke_all(self) -> None:
        """No token is valid any more."""
        self._tables.rows["tokens"].clear()

    def _by_token(self, token: str) -> Row:
        for row in self._tables.rows["tokens"].values():
            if secrets.compare_digest(row["token"], token) and not row.get("_expired"):
                return {**self._tables.rows["users"][row["user"]], "_scope": row["scope"]}
        raise unauthorized()

    def by_password(self, name: str, password: str) -> Row:
        """Raises RefusalError."""
        for row in self._tables.rows["users"].values():
            if row["username"] == name and secrets.compare_digest(row["password"], password):
                return row
        raise unauthorized(WRONG_PASSWORD)


def decoded(basic: str) -> tuple[str, str]:
    """Name and password of a header. Raises RefusalError."""
    try:
        name, _, password = base64.b64decode(basic).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized("Invalid basic header. Credentials not correctly base64 encoded.") from None
    return name, password
