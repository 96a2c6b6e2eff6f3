"""Reads Secrets for adapters that need a login and don't know the store, and keeps what they renew. Used by `parts`."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from kabanero.model.errors import ConflictError
from kabanero.model.kinds.core import SECRET
from kabanero.model.resource import Key
from kabanero.ports import Store

TRIES = 5


class StoredSecrets:
    """Values of a Secret by namespace and name. Raises what the store raises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, namespace: str, name: str) -> Mapping[str, str]:
        """Those that are no text are left out."""
        secret = await self._store.get(Key(SECRET, namespace, name))
        return {key: text for key, value in (secret.get("data") or {}).items() if (text := _text(value)) is not None}

    async def keep(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Writes these, and leaves the others as they are, also those that somebody writes at the same time."""
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        for left in reversed(range(TRIES)):
            secret = await self._store.get(Key(SECRET, namespace, name))
            try:
                await self._store.update({**secret, "data": {**(secret.get("data") or {}), **coded}})
                return
            except ConflictError:
                if not left:
                    raise


def _text(value: str) -> str | None:
    try:
        return base64.b64decode(value).decode()
    except (ValueError, TypeError):
        return None
