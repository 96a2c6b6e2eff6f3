"""Whom a connection to AWX trusts, and what to mend where it does not. Used by `connection`."""

from __future__ import annotations

import ssl

from kabanero.model.errors import JobRefusedError
from kabanero.ports import JobPlace

OTHER_NAME, OTHER_ADDRESS, EXPIRED = 62, 64, 10
"""OpenSSL's numbers of what is wrong with a certificate."""


def trust(place: JobPlace) -> ssl.SSLContext | bool:
    """For aiohttp: True is the system's authorities. Raises JobRefusedError for what holds no certificates."""
    if not place.verify_tls:
        return False
    if not place.ca_certificate:
        return True
    try:
        return ssl.create_default_context(cadata=place.ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        message = f"spec.connection.caCertificate holds no certificates in PEM form: {error}"
        raise JobRefusedError("ConnectionInvalid", message) from None


def untrusted(place: JobPlace, error: Exception) -> str:
    """What is wrong with the server's certificate, and what to do about it."""
    said = getattr(error, "verify_message", "") or str(error)
    return f"the certificate of {place.url} is not believed ({said}): {_fix(place, error)}"


def _fix(place: JobPlace, error: Exception) -> str:
    number = getattr(error, "verify_code", 0)
    if number in (OTHER_NAME, OTHER_ADDRESS):
        return "write the name that it was made for into spec.connection.url"
    if number == EXPIRED:
        return "it has to be renewed at AWX"
    if place.ca_certificate:
        return "spec.connection.caCertificate holds another authority than the one that signed it; put that one there"
    return "put the authority that signed it, which is none of the system's, into spec.connection.caCertificate (PEM)"
