"""Errors as Kubernetes' Status objects, so that kubectl and every client library understand them.

Raised by the API's own code as ApiError; errors of lower layers are translated in one place, `as_api_error`.
Source of codes and reasons: Kubernetes API conventions, "Response Status Kind".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kabanero.model.errors import (
    AlreadyExistsError,
    BusUnavailableError,
    ConflictError,
    ExecutorUnavailableError,
    ExpiredError,
    InvalidError,
    KabaneroError,
    NotFoundError,
    Problem,
    StoreUnavailableError,
)
from kabanero.model.resource import Key, Resource, ResourceType

Headers = tuple[tuple[bytes, bytes], ...]
RETRY_SECONDS = 1
_RETRY: Headers = ((b"retry-after", b"%d" % RETRY_SECONDS),)


class ApiError(Exception):
    """A request that is answered with a Status of this code and reason."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None, headers: Headers = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}
        self.headers = headers

    def status(self) -> Resource:
        """The Status object."""
        status: Resource = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        return status | ({"details": self.details} if self.details else {})


def failure(
    code: int, reason: str, message: str, details: dict[str, Any] | None = None, headers: Headers = ()
) -> ApiError:
    """An ApiError."""
    return ApiError(code, reason, message, details, headers)


def bad_request(message: str) -> ApiError:
    """400: the request itself can't be read."""
    return failure(400, "BadRequest", message)


def forbidden(message: str, details: dict[str, Any] | None = None) -> ApiError:
    """403: this user, or nobody, may do this."""
    return failure(403, "Forbidden", message, details)


def unauthorized() -> ApiError:
    """401: no token, or one that nobody was given."""
    text = "Unauthorized: send a bearer token (the local user's is in the token file of the data folder)"
    return failure(401, "Unauthorized", text, headers=((b"www-authenticate", b'Bearer realm="kabanero"'),))


def no_such_path() -> ApiError:
    """404 for a path that nothing is served at."""
    return failure(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed(method: str) -> ApiError:
    """405."""
    return failure(405, "MethodNotAllowed", f"the server does not allow {method} on the requested resource")


def unsupported_media(message: str) -> ApiError:
    """415: a body of a type that can't be used here."""
    return failure(415, "UnsupportedMediaType", message)


def resource_name(type: ResourceType) -> str:
    """`plural.group` as messages and details have it."""
    return f"{type.plural}.{type.group}" if type.group else type.plural


def not_found(key: Key) -> ApiError:
    """404 for one resource."""
    return failure(404, "NotFound", f'{resource_name(key.type)} "{key.name}" not found', _details(key))


def invalid(type: ResourceType, name: str, problems: Sequence[Problem]) -> ApiError:
    """422 with every field that is wrong."""
    kind = f"{type.kind}.{type.group}" if type.group else type.kind
    listed = "; ".join(str(problem) for problem in problems)
    details = {"name": name, "group": type.group, "kind": type.kind, "causes": [_cause(p) for p in problems]}
    return failure(422, "Invalid", f'{kind} "{name}" is invalid: {listed}', details)


def as_api_error(error: KabaneroError, key: Key | None = None) -> ApiError:
    """The answer to an error of a lower layer; `key` is what the request was about."""
    if key is not None and (make := _ABOUT_RESOURCE.get(type(error))):
        return make(key, error)
    for kind, (code, reason) in _PLAIN.items():
        if isinstance(error, kind):
            return failure(code, reason, str(error), *_retry(code))
    return failure(500, "InternalError", f"Internal error: {error}")


def _retry(code: int) -> tuple[dict[str, Any], Headers]:
    return ({"retryAfterSeconds": RETRY_SECONDS}, _RETRY) if code in (429, 503) else ({}, ())


def _details(key: Key) -> dict[str, Any]:
    group = {"group": key.type.group} if key.type.group else {}
    return {"name": key.name, **group, "kind": key.type.plural}


def _cause(problem: Problem) -> dict[str, str]:
    text = f"{problem.reason} ({problem.fix})" if problem.fix else problem.reason
    return {"reason": "FieldValueInvalid", "message": text, "field": problem.path}


def _exists(key: Key, _: KabaneroError) -> ApiError:
    return failure(409, "AlreadyExists", f'{resource_name(key.type)} "{key.name}" already exists', _details(key))


def _conflict(key: Key, error: KabaneroError) -> ApiError:
    text = f'Operation cannot be fulfilled on {resource_name(key.type)} "{key.name}": {error}'
    return failure(409, "Conflict", text, _details(key))


def _invalid(key: Key, error: KabaneroError) -> ApiError:
    problems = error.problems if isinstance(error, InvalidError) else ()
    return invalid(key.type, key.name, problems)


_ABOUT_RESOURCE: dict[type[KabaneroError], Callable[[Key, KabaneroError], ApiError]] = {
    NotFoundError: lambda key, _: not_found(key),
    AlreadyExistsError: _exists,
    ConflictError: _conflict,
    InvalidError: _invalid,
}
_PLAIN: dict[type[KabaneroError], tuple[int, str]] = {
    NotFoundError: (404, "NotFound"),
    AlreadyExistsError: (409, "AlreadyExists"),
    ConflictError: (409, "Conflict"),
    ExpiredError: (410, "Expired"),
    InvalidError: (422, "Invalid"),
    StoreUnavailableError: (503, "ServiceUnavailable"),
    BusUnavailableError: (503, "ServiceUnavailable"),
    ExecutorUnavailableError: (503, "ServiceUnavailable"),
}
