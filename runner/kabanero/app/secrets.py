"""Reads Secrets for adapters that need a login and don't know the store. Used by `parts`."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping

from kabanero.model.kinds.core import SECRET
from kabanero.model.resource import Key
from kabanero.ports import Store


def secrets_in(store: Store) -> Callable[[str, str], Awaitable[Mapping[str, str]]]:
    """Values of a Secret by namespace and name; those that are no text are left out. Raises what `Store.get` raises."""

    async def values(namespace: str, name: str) -> Mapping[str, str]:
        secret = await store.get(Key(SECRET, namespace, name))
        return {key: text for key, value in (secret.get("data") or {}).items() if (text := _text(value)) is not None}

    return values


def _text(value: str) -> str | None:
    try:
        return base64.b64decode(value).decode()
    except (ValueError, TypeError):
        return None
