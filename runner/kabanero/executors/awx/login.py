"""Who we say that we are: a token out of the Secret, which may be renewed, or one for the Secret's user and password.

The Secret is read again, and a new token taken, whenever the present one is refused.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kabanero.executors.awx.answers import AwayError, RefusedError
from kabanero.executors.awx.renewing import Form, Renewing, Secrets, used_up
from kabanero.model.errors import JobRefusedError, NotFoundError, TemporaryError
from kabanero.ports import JobPlace

log = logging.getLogger(__name__)
Ask = Callable[[str, str, str, Any], Awaitable[Any]]
"""A request with an Authorization of its own: `(method, path, authorization, body)`."""
NO_TOKENS = (403, 404, 405)
"""Answers of an AWX that gives out no tokens, or none to this user."""


class Login:
    """One for each connection; `header` is asked for before every request."""

    def __init__(self, place: JobPlace, secrets: Secrets, ask: Ask, form: Form) -> None:
        self._place, self._secrets, self._ask = place, secrets, ask
        self._renewing = Renewing(place, secrets, form)
        self._header = ""
        self._made: tuple[int, str] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def header(self, refused: str = "") -> str:
        """Authorization; `refused` is one that was not accepted. Raises AwayError and JobRefusedError."""
        async with self._one_at_a_time:
            if not self._header or self._header == refused:
                self._header = await self._anew(refused)
            return self._header

    async def close(self) -> None:
        """Gives a token back that was made for us, and tries for the last time to keep one that was renewed."""
        await self._renewing.keep()
        if self._made is None:
            return
        id, basic = self._made
        try:
            await self._ask("DELETE", f"tokens/{id}/", basic, None)
        except (AwayError, RefusedError) as error:
            log.info("A token at %s was not given back: %s", self._place.url, error)

    async def _anew(self, refused: str) -> str:
        values = self._renewing.newest(await self._values())
        token = values.get("token", "").strip()
        if token and (f"Bearer {token}" != refused or not values.get("refresh_token")):
            return f"Bearer {token}"
        if values.get("refresh_token"):
            return f"Bearer {await self._renewed(values)}"
        return await self._by_password(values)

    async def _renewed(self, values: Mapping[str, str]) -> str:
        try:
            return await self._renewing.renewed(values)
        except RefusedError as error:
            now = await self._values()
            if now.get("refresh_token") == values["refresh_token"] or not now.get("token"):
                raise RefusedError(error.status, used_up(error)) from None
            return now["token"].strip()  # Another runner was first.

    async def _by_password(self, values: Mapping[str, str]) -> str:
        user, password = values.get("username", "").strip(), values.get("password", "").rstrip("\r\n")
        if not user or not password:
            where = f"Secret {self._place.namespace}/{self._place.secret}"
            needs = "neither `token` nor `username` and `password`, nor `refresh_token` and `client_id`"
            raise JobRefusedError("SecretInvalid", f"{where} has {needs}")
        basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        return await self._token(basic)

    async def _values(self) -> Mapping[str, str]:
        where = f"Secret {self._place.namespace}/{self._place.secret}"
        try:
            return await self._secrets.read(self._place.namespace, self._place.secret)
        except NotFoundError:
            raise JobRefusedError("SecretMissing", f"{where} is not there; make it with a `token` of AWX") from None
        except TemporaryError as error:
            raise AwayError(f"{where} can't be read: {error}") from error

    async def _token(self, basic: str) -> str:
        wanted = {"description": "Kabanero events", "application": None, "scope": "write"}
        try:
            made = await self._ask("POST", "tokens/", basic, wanted)
        except RefusedError as error:
            if error.status not in NO_TOKENS:
                raise
            return basic
        self._made = (made["id"], basic)
        return f"Bearer {made['token']}"
