"""What an AWX answers when it does not do what it was asked: as errors, and as a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from kabanero.model.errors import PermanentError, TemporaryError

LONGEST = 1000


class AwayError(TemporaryError):
    """It can't be reached, is busy, or does not let us in now.

    `sent`: the request may have been carried out all the same. `answered`: then it is over, for good or ill.
    `seconds`: when it wants to be asked again. `reason`: that of a stage whose launch gives up over it, empty where
    waiting helps by itself.
    """

    def __init__(
        self, message: str, *, sent: bool = False, answered: bool = False, seconds: float = 0, reason: str = ""
    ) -> None:
        self.sent, self.answered, self.seconds, self.reason = sent, answered, seconds, reason
        super().__init__(message)


class RefusedError(PermanentError):
    """It understood the request and does not do it."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def spoken(status: int, body: Any) -> str:
    """What a body of an error says, for people: `detail`, or field by field."""
    if isinstance(body, Mapping) and body:
        if isinstance(body.get("detail"), str):
            return f"{body['detail']} (HTTP {status})"
        said = "; ".join(f"{_field(name)}{_text(value)}" for name, value in body.items())
        return f"{said[:LONGEST]} (HTTP {status})"
    return f"HTTP {status}"


def _field(name: str) -> str:
    return "" if name in ("__all__", "non_field_errors", "error", "errors", "msg") else f"{name}: "


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(each)}" for name, each in value.items())
    return str(value)


def wait_of(header: str, now: datetime) -> float:
    """Seconds that a Retry-After asks for; 0 for none that can be read."""
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
