"""Tokens of applications at `/api/o/`: given for a password, renewed once for each refresh token, revoked.

Follows RFC 6749 as AWX's library does: forms only, an application's secret by Basic or in the form, errors by name.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from tests.support.awx.answers import RefusalError
from tests.support.awx.people import People, decoded
from tests.support.awx.tables import Row, Tables

FORM = "application/x-www-form-urlencoded"
SECONDS = 31536000000
"""How long a token is valid, unless somebody chose otherwise."""


class OAuth:
    """The endpoints `token` and `revoke_token`."""

    def __init__(self, tables: Tables, people: People) -> None:
        self._tables, self._people = tables, people

    def token(self, authorization: str, form: Mapping[str, str]) -> Row:
        """A new token. Raises RefusalError."""
        application = self._application(authorization, form)
        grant = form.get("grant_type")
        if grant == "password":
            made = self._for_password(application, form)
        elif grant == "refresh_token":
            made = self._renewed(application, form)
        else:
            raise refused(400, "unsupported_grant_type")
        names = {"access_token": made["token"], "refresh_token": made["refresh_token"], "scope": made["scope"]}
        return {**names, "token_type": "Bearer", "expires_in": SECONDS}

    def revoke(self, authorization: str, form: Mapping[str, str]) -> None:
        """Takes a token of the application back; one that is unknown is no mistake."""
        application = self._application(authorization, form)
        for row in list(self._tables.rows["tokens"].values()):
            if row["application"] == application["id"] and form.get("token") in (row["token"], row["refresh_token"]):
                self._tables.remove("tokens", row["id"])

    def _application(self, authorization: str, form: Mapping[str, str]) -> Row:
        id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            id, secret = decoded(authorization.partition(" ")[2])
        for row in self._tables.rows["applications"].values():
            public = row["client_type"] == "public"
            if row["client_id"] == id and (public or secrets.compare_digest(row["client_secret"], secret)):
                return row
        raise refused(401, "invalid_client")

    def _for_password(self, application: Row, form: Mapping[str, str]) -> Row:
        if application["authorization_grant_type"] != "password":
            raise refused(400, "unauthorized_client")
        try:
            user = self._people.by_password(form.get("username", ""), form.get("password", ""))
        except RefusalError:
            raise refused(400, "invalid_grant", "Invalid credentials given.") from None
        return self._people.issue(user, form.get("scope") or "write", application=application["id"])

    def _renewed(self, application: Row, form: Mapping[str, str]) -> Row:
        given = form.get("refresh_token", "")
        for row in list(self._tables.rows["tokens"].values()):
            if row["application"] == application["id"] and secrets.compare_digest(row["refresh_token"], given):
                self._tables.remove("tokens", row["id"])
                user = self._tables.rows["users"][row["user"]]
                return self._people.issue(user, row["scope"], row["description"], application["id"])
        raise refused(400, "invalid_grant")


def refused(status: int, error: str, description: str = "") -> RefusalError:
    """An error in OAuth2's words."""
    return RefusalError(status, {"error": error, **({"error_description": description} if description else {})})
