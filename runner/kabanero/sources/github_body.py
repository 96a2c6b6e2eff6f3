"""The body of a webhook, from bytes to a JSON object: bounded work, because nothing is verified yet.

The secret to verify with depends on the repository that the body names, so an attacker's body is parsed too. Limits
here keep that parse short: orjson takes 2.7 s and 780 MB for 24 MB of `[],[],[],...`.
"""

from __future__ import annotations

import binascii
from typing import Any

import orjson

from kabanero.sources.github_refusal import MalformedError

MAX_DEPTH = 100
"""Levels of nesting. GitHub's own payloads have fewer than 12; filters and encoders walk them recursively."""

MAX_VALUES = 500_000
"""Values in one body; parsing the most expensive ones takes 0.2 s. 25 MB of what GitHub sends has about 400,000."""

SMALL = 64 * 1024
"""Bytes below which a body can't hold enough values to hurt, so that they are not counted."""

_ORJSON_DEPTH = 1024
_FIELD = b"payload="


def json_of_form(body: bytes) -> bytes:
    """The JSON in the `payload` field of GitHub's form encoding. Raises MalformedError when there is none."""
    for field in body.split(b"&"):
        if field.startswith(_FIELD):
            return _unquoted(field[len(_FIELD) :])
    raise MalformedError("the form has no field `payload`", "set the webhook's content type to application/json")


def _unquoted(text: bytes) -> bytes:
    # Quoted-printable differs from URL quoting in the escape character only, and its decoder is written in C:
    # urllib takes 40 times as long, which on 25 MB would hold up everything for seconds.
    return binascii.a2b_qp(text.replace(b"+", b" ").replace(b"=", b"%3D").replace(b"%", b"="))


def parse_body(text: bytes) -> dict[str, Any]:
    """The JSON object in the text. Raises MalformedError with the place of the mistake."""
    if len(text) > SMALL:
        _check_size(text)
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error}", "send the body as GitHub made it") from error
    if not isinstance(found, dict):
        raise MalformedError("the body is JSON, but no object", "send the body as GitHub made it")
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _check_depth(text)
    return found


def _check_size(text: bytes) -> None:
    values = text.count(b",") + text.count(b"[") + text.count(b"{")
    if values > MAX_VALUES:
        raise MalformedError(f"the body has more than {MAX_VALUES} values", "send fewer commits at once")


def _check_depth(text: bytes) -> None:
    spare = _ORJSON_DEPTH - MAX_DEPTH
    try:
        orjson.loads(b"[" * spare + text + b"]" * spare)
    except orjson.JSONDecodeError as error:
        raise MalformedError(
            f"the body is nested more than {MAX_DEPTH} levels deep", "send the body as GitHub made it"
        ) from error
