"""What a stage's function raises, and what the API answers with. The rest of the library decides by these types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kabanero.model.errors import PermanentError, TemporaryError


class StageFailed(Exception):  # noqa: N818 - it tells how the stage ended, as its phase does
    """Raised by a stage's function: the work failed. The stage ends as Failed; any other exception makes it Errored.

    `reason` is one CamelCase word, such as TestsFailed. `outputs` are handed back all the same, by output resource.
    """

    def __init__(self, message: str, *, reason: str = "Failed", outputs: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.outputs = dict(outputs or {})


class StageCancelled(BaseException):
    """Nobody wants the work any more; raised by the Context's methods inside the stage's function.

    No Exception, so that an `except Exception` around a step of the work lets it pass, as asyncio's CancelledError.
    """


class ApiUnavailableError(TemporaryError):
    """The API server can't be reached, or is busy. A write may have been done or not."""


class RefusedError(PermanentError):
    """The API server doesn't take this request: it is invalid or too large."""


class NotAllowedError(PermanentError):
    """Our rights do not reach so far; somebody may grant them."""


class NoConnectionError(PermanentError):
    """It is not said where the API server is, or what is said can't be used."""


class UnknownStageError(PermanentError):
    """The stage that a StageRun is about is not there, or may not be read."""
