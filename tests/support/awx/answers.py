"""Answers as AWX gives them when something is wrong."""

from __future__ import annotations

from typing import Any

NOT_LOGGED_IN = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
WRONG_PASSWORD = "Invalid username/password."
FORBIDDEN = "You do not have permission to perform this action."
NOT_FOUND = "Not found."


class RefusalError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, headers or {}


def unauthorized(detail: str = NOT_LOGGED_IN) -> RefusalError:
    return RefusalError(
        401, {"detail": detail}, {"WWW-Authenticate": "Bearer realm=api authorization_url=/api/o/authorize/"}
    )


def forbidden(detail: str = FORBIDDEN) -> RefusalError:
    return RefusalError(403, {"detail": detail})


def not_found() -> RefusalError:
    return RefusalError(404, {"detail": NOT_FOUND})


def not_allowed(method: str) -> RefusalError:
    return RefusalError(405, {"detail": f'Method "{method}" not allowed.'})


def invalid(**fields: str | list[str]) -> RefusalError:
    """400 with what is wrong by field; `all_` is about the whole."""
    shown = {("__all__" if name == "all_" else name): value for name, value in fields.items()}
    return RefusalError(400, {name: [value] if isinstance(value, str) else value for name, value in shown.items()})


def unparsable(detail: str) -> RefusalError:
    return RefusalError(400, {"detail": detail})
