"""Deliveries as GitHub sends them, signed, from the payloads in tests/data/github."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from kabanero.sources.github_keys import KeyRing, SourceId
from kabanero.sources.github_origin import read_source_url
from kabanero.sources.github_signature import signature_header

DATA = Path(__file__).parents[1] / "data" / "github"
SECRET = b"It's a Secret to Everybody"
REPOSITORY = "https://github.com/Acme/hello-world"
_numbers = itertools.count(1)

Headers = dict[str, str]


def payload(name: str) -> dict[str, Any]:
    """A payload of tests/data/github, by the file's name."""
    return dict(json.loads((DATA / f"{name}.json").read_text(encoding="utf-8")))


def body_of(name: str, **changes: Any) -> bytes:
    """Its bytes, with top-level fields changed."""
    return json.dumps(payload(name) | changes, ensure_ascii=False).encode()


def headers_for(body: bytes, event: str = "push", *, secret: bytes = SECRET, **changes: str) -> Headers:
    """The headers that GitHub sends with a body; `changes` name headers with `_` for `-`."""
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": f"72d3162e-cc78-11e3-81ab-{next(_numbers):012x}",
        "x-hub-signature-256": signature_header(secret, body),
    } | {name.replace("_", "-"): value for name, value in changes.items()}


def raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI hands them over."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def key_ring(
    url: str = REPOSITORY, *secrets: bytes, source: SourceId = ("kabanero", "hello"), shared: str = "kabanero"
) -> KeyRing:
    """A key ring with one source."""
    keys = KeyRing(shared)
    keys.put(source, read_source_url(url), secrets or (SECRET,))
    return keys
