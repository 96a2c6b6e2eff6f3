"""Renews a token of an application of AWX (OAuth2, RFC 6749 section 6). Used by `login`.

AWX takes a refresh token once: with the new token comes a new refresh token, and the old pair is gone. So both are
written into the Secret, where a runner that starts later, or another one, finds them. What can't be written is kept in
memory, and tried again.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from kabanero.executors.awx.answers import RefusedError
from kabanero.model.errors import JobRefusedError, KabaneroError
from kabanero.ports import JobPlace

log = logging.getLogger(__name__)
Form = Callable[[str, str, Mapping[str, str]], Awaitable[Mapping[str, str]]]
"""A POST of a form: `(path, authorization, fields)`."""


class Secrets(Protocol):
    """Secrets by namespace and name. Raises KabaneroError."""

    async def read(self, namespace: str, name: str) -> Mapping[str, str]:
        """Its values."""

    async def keep(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Writes some of them."""


class Renewing:
    """Of one Secret's token."""

    def __init__(self, place: JobPlace, secrets: Secrets, form: Form) -> None:
        self._place, self._secrets, self._form = place, secrets, form
        self._unkept: tuple[str, Mapping[str, str]] | None = None
        self._where = f"Secret {place.namespace}/{place.secret}"

    def newest(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """The Secret's values, with what it could not be given yet; what somebody has written since counts more."""
        if self._unkept and self._unkept[0] == values.get("refresh_token"):
            return {**values, **self._unkept[1]}
        self._unkept = None
        return values

    async def renewed(self, values: Mapping[str, str]) -> str:
        """A new token. Raises RefusedError, AwayError, and JobRefusedError where the Secret lacks something."""
        client, secret = values.get("client_id", "").strip(), values.get("client_secret", "").strip()
        if not client:
            message = f"{self._where} has a `refresh_token` without the `client_id` of its application"
            raise JobRefusedError("SecretInvalid", message)
        fields = {"grant_type": "refresh_token", "refresh_token": values["refresh_token"].strip()}
        basic = "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode() if secret else ""
        answer = await self._form(
            token_path(self._place.api_path), basic, fields | ({} if basic else {"client_id": client})
        )
        new = {"token": answer["access_token"], "refresh_token": answer.get("refresh_token") or fields["refresh_token"]}
        first = self._unkept[0] if self._unkept else values["refresh_token"]
        self._unkept = (first, new)
        await self.keep()
        return new["token"]

    async def keep(self) -> None:
        """Writes into the Secret what it does not have yet."""
        if self._unkept is None:
            return
        try:
            await self._secrets.keep(self._place.namespace, self._place.secret, self._unkept[1])
            self._unkept = None
        except KabaneroError as error:
            log.warning(
                "The new token of %s can't be written into %s, and would be lost with this runner: %s. "
                "Let the runner's account get and update that Secret",
                self._place.url,
                self._where,
                error,
            )


def token_path(api_path: str) -> str:
    """Where tokens are renewed: beside the API of an AWX, at the root of a platform gateway."""
    return "/o/token/" if api_path.startswith("/api/controller") else f"{api_path.rpartition('/')[0]}/o/token/"


def used_up(error: RefusedError) -> str:
    """What a refused renewal means."""
    return f"{error}; its `refresh_token` was used or revoked, or is not of the application `client_id`"
