"""Why something can't be watched, as it stands in a trigger's status, and when it is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kabanero.model.errors import ForbiddenError, KabaneroError, KindMissingError, PermanentError

KIND_UNKNOWN = "KindUnknown"
NOT_PERMITTED = "NotPermitted"
UNAVAILABLE = "Unavailable"
RETRY_SECONDS = 1.0
"""Pause after an outage."""
REFUSED_SECONDS = 30.0
"""Pause after a refusal, which somebody has to mend first."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason` is one CamelCase word, `message` a sentence for a person."""

    reason: str
    message: str


STARTING = Refusal("Starting", "what it asks for begins to be watched")
"""Changes may not be heard yet."""


def refusal_of(error: KabaneroError) -> Refusal:
    """What an error means for who waits for events."""
    if isinstance(error, ForbiddenError):
        return Refusal(NOT_PERMITTED, str(error))
    if isinstance(error, KindMissingError | PermanentError):
        return Refusal(KIND_UNKNOWN, str(error))
    return Refusal(UNAVAILABLE, str(error))


def pause_after(error: KabaneroError) -> float:
    """Seconds until it is tried again."""
    return RETRY_SECONDS if refusal_of(error).reason == UNAVAILABLE else REFUSED_SECONDS
