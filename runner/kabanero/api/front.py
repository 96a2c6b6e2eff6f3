"""What every API of the runner does with a request: counts it, knows whose it is, answers errors as Status objects.

`resources` serves the whole resource API on top of it, `beside` what is left where an API server serves the resources.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kabanero.api.access import Tokens, User
from kabanero.api.http import (
    BodyLimits,
    ClientGoneError,
    Receive,
    Replies,
    Reply,
    Request,
    Scope,
    Send,
    error_response,
)
from kabanero.api.status import ApiError, as_api_error, bad_request, failure, forbidden, unauthorized
from kabanero.api.targets import Target
from kabanero.model.errors import KabaneroError

log = logging.getLogger(__name__)
Handler = Callable[[Request, User], Awaitable[Reply]]
SubresourceHandler = Callable[[Request, Target], Awaitable[Reply]]
Answered = Callable[[str, int, float], None]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def nobody_counts(method: str, code: int, seconds: float) -> None:
    """For an API whose requests are not counted."""


@dataclass(slots=True, kw_only=True)
class Front:
    """An ASGI application; subclasses say what is served.

    `subresources` answer GET by (plural, subresource), as `("stageruns", "log")`; `paths` answer whole path prefixes.
    `answered(method, code, seconds)` is called for each request.
    """

    tokens: Tokens
    limits: BodyLimits = BodyLimits()  # noqa: RUF009
    answered: Answered = nobody_counts
    subresources: dict[tuple[str, str], SubresourceHandler] = field(default_factory=dict)
    paths: dict[str, Handler] = field(default_factory=dict)
    replies: Replies = field(default_factory=Replies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began = time.perf_counter()
        try:
            reply = await self.answer(Request(scope, receive, self.limits))
        except ClientGoneError:
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.answered(method, reply.status, time.perf_counter() - began)
        await self.replies.send(reply, receive, send)

    async def answer(self, request: Request) -> Reply:
        """The answer to a request; never raises but for a client that has gone."""
        try:
            return await self._served(request, await self._user(request))
        except ApiError as error:
            return error_response(error)
        except KabaneroError as error:
            return error_response(as_api_error(error))
        except RecursionError:
            return error_response(bad_request("the body is nested too deeply"))
        except ClientGoneError:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return error_response(failure(500, "InternalError", "Internal error: see the runner's log"))

    async def _user(self, request: Request) -> User:
        """Whose request it is. Raises ApiError 401."""
        user = self.tokens.user(request.header(b"authorization"))
        if user is None:
            raise unauthorized()
        return user

    async def _served(self, request: Request, user: User) -> Reply:
        """The answer to a user. Raises ApiError, KabaneroError."""
        raise NotImplementedError

    def _path_handler(self, request: Request) -> Handler | None:
        return next((handler for prefix, handler in self.paths.items() if request.path.startswith(prefix)), None)


def not_allowed(user: User, verb: str, target: Target) -> ApiError:
    """403 with what the token's role does not have."""
    plural, group = target.type.plural, target.type.group
    text = f'{plural} is forbidden: User "{user.name}" cannot {verb} resource "{plural}" in API group "{group}"'
    return forbidden(f"{text}: the token has the role {user.role}", {"name": target.name, "kind": plural})
