"""Outages of the API server in the words of the Bus port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kabanero.model.errors import BusUnavailableError, ExpiredError, NotFoundError, TemporaryError


@contextmanager
def as_ours(namespace: str) -> Iterator[None]:
    """Raises BusUnavailableError for whatever may pass: an outage, a missing permission, definition or namespace."""
    try:
        yield
    except (TemporaryError, ExpiredError) as error:
        raise BusUnavailableError(str(error)) from error
    except NotFoundError as error:
        fix = f"make it: kubectl create namespace {namespace}"
        raise BusUnavailableError(f"events can't be kept in namespace {namespace}: {error} ({fix})") from error
