"""GitHub's signature: HMAC-SHA256 of the raw body under the webhook's secret. Called for every webhook, so it is short.

Source of the rules: GitHub documentation, "Validating webhook deliveries".
"""

from __future__ import annotations

import binascii
import hmac

from kabanero.sources.github_refusal import UnsignedError, UnverifiedError

_PREFIX = b"sha256="
_LENGTH = len(_PREFIX) + 64


def read_signature(header: bytes | None) -> bytes:
    """The 32 bytes of an `X-Hub-Signature-256` header. Raises UnsignedError, or UnverifiedError for another form."""
    if not header:
        raise UnsignedError
    if len(header) != _LENGTH or not header.startswith(_PREFIX):
        raise UnverifiedError
    try:
        return binascii.unhexlify(header[len(_PREFIX) :])
    except binascii.Error as error:
        raise UnverifiedError from error


def sign(secret: bytes, body: bytes) -> bytes:
    """The 32 bytes that GitHub computes for a body."""
    return hmac.digest(secret, body, "sha256")


def signed_by(secret: bytes, body: bytes, signature: bytes) -> bool:
    """Whether the signature was made with this secret; takes the same time for every wrong signature."""
    return hmac.compare_digest(sign(secret, body), signature)


def signature_header(secret: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a body: what a sender writes."""
    return "sha256=" + sign(secret, body).hex()
