"""An HTTP answer that says no, as an error for a person: who said it, why, what to do about it. Used by `client`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kabanero.cli.errors import CliError, ExitCode
from kabanero.cli.kubeconfig import Connection


class AnswerError(CliError):
    """The server said no. `status` is HTTP's code, `reason` Kubernetes' word, `causes` (field, message) of mistakes."""

    exit_code = int(ExitCode.REFUSED)

    def __init__(
        self, status: int, reason: str, message: str, causes: Sequence[tuple[str, str]] = (), hints: Sequence[str] = ()
    ) -> None:
        super().__init__(message, [*(f"{field}: {text}" if field else text for field, text in causes), *hints])
        self.status, self.reason, self.causes = status, reason, tuple(causes)


class MissingAnswerError(AnswerError):
    """404."""

    exit_code = int(ExitCode.NOT_FOUND)


class ClosedAnswerError(AnswerError):
    """The server is there, but not for us, or not now."""

    exit_code = int(ExitCode.UNREACHABLE)


_CLOSED = (401, 403, 500, 502, 503, 504)


def answer_error(code: int, body: bytes, path: str, connection: Connection) -> AnswerError:
    """The error for an answer of 400 or more."""
    status = status_of(body)
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    if code == 401:
        return _unauthorised(connection)
    if code == 422:
        return _invalid(status, message)
    if not message:
        message = f"{connection.server} answered {code} for {path}: {body[:200].decode(errors='replace').strip()}"
    hints = [f"credentials are from {connection.origin}"] if code == 403 else []
    make = MissingAnswerError if code == 404 else ClosedAnswerError if code in _CLOSED else AnswerError
    return make(code, reason, message, hints=hints)


def _unauthorised(connection: Connection) -> AnswerError:
    held = "a token or certificate" if connection.token or connection.certificate else "no token"
    message = f"{connection.server} doesn't know who we are: it refused the credentials of {connection.origin}"
    hints = [
        f"that kubeconfig gives {held}",
        "name another with --kubeconfig FILE, or the runner's data folder with --data-dir DIR",
    ]
    return ClosedAnswerError(401, "Unauthorized", message, hints=hints)


def _invalid(status: dict[str, Any], message: str) -> AnswerError:
    details = status.get("details") or {}
    causes = [(str(cause.get("field") or ""), str(cause.get("message") or "")) for cause in details.get("causes") or []]
    if causes:
        message = f"{details.get('kind') or 'the object'} {details.get('name') or ''} is invalid".replace("  ", " ")
    return AnswerError(422, str(status.get("reason") or "Invalid"), message, causes)


def status_of(body: bytes) -> dict[str, Any]:
    """The Status in an answer; empty where there is none."""
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}
