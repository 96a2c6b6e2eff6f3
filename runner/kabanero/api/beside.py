"""The runner's API beside an API server that serves the resources: only what that one can't know.

Same paths as on the embedded store: `.../stageruns/NAME/log` and `/runner/v1/...`. Who has no token of the runner's own
shows one of the API server's, which then says who they are and what they may. Wired by `app`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from kabanero.api.access import Tokens, User
from kabanero.api.catalog import Catalog
from kabanero.api.front import Front, not_allowed
from kabanero.api.http import Reply, Request
from kabanero.api.runner_events import PREFIX
from kabanero.api.runner_runs import RUNS_PREFIX, asked
from kabanero.api.status import ApiError, failure, forbidden, method_not_allowed, unauthorized
from kabanero.api.targets import find_target
from kabanero.model.asking import Asker, Right
from kabanero.model.kinds.registry import QUEUED_EVENT, STRATEGY_RUN
from kabanero.model.resource import GROUP

TOKEN_HEADER = b"x-kabanero-token"
"""Where a token stands that came through the API server's proxy, which takes `Authorization` for itself."""


class Reviewer(Protocol):
    """The API server's word on tokens and rights."""

    async def who(self, token: str) -> Asker | None:
        """Whose token it is; None: nobody's."""

    async def may(self, asker: Asker, right: Right) -> bool:
        """Whether they may."""


@dataclass(slots=True)
class OwnPaths(Front):
    """Answers `subresources` and `paths`, and says of all else where it is. `namespace` is where events lie."""

    api_server: str
    reviewer: Reviewer
    namespace: str
    catalog: Catalog = field(default_factory=Catalog)

    async def _user(self, request: Request) -> User:
        """A user of the runner's own, or one of the API server's who may do just what this request asks for."""
        token = _token(request)
        if user := self.tokens.user(f"Bearer {token}"):
            return user
        asker = await self.reviewer.who(token) if token else None
        if asker is None:
            raise unauthorized()
        right = self._right(request)
        if right is None:
            raise self._elsewhere()
        if not await self.reviewer.may(asker, right):
            raise forbidden(f'User "{asker.name}" cannot {right}: give them a role with the rule {right.rule}')
        return User(asker.name)

    def _right(self, request: Request) -> Right | None:
        """What a request asks for, in words of RBAC; None: nothing that is served here."""
        target = find_target(request.path, self.catalog)
        if target and (target.type.plural, target.subresource) in self.subresources:
            return Right("get", GROUP, target.type.plural, target.subresource, target.namespace)
        if request.path.startswith(RUNS_PREFIX):
            return Right("get", GROUP, STRATEGY_RUN.type.plural, "", asked(request.path)[0])
        if request.path.startswith(PREFIX):
            changes = request.method not in ("GET", "HEAD")
            events = QUEUED_EVENT.type.plural
            return Right("patch" if changes else "list", GROUP, events, "status" if changes else "", self.namespace)
        return None

    async def _served(self, request: Request, user: User) -> Reply:
        target = find_target(request.path, self.catalog)
        if target and (subresource := self.subresources.get((target.type.plural, target.subresource))):
            if request.method not in ("GET", "HEAD"):
                raise method_not_allowed(request.method)
            if not user.may("get", target.type.plural):
                raise not_allowed(user, "get", target)
            return await subresource(request, target)
        if handler := self._path_handler(request):
            return await handler(request, user)
        raise self._elsewhere()

    def _elsewhere(self) -> ApiError:
        text = f"the server could not find the requested resource: resources are served by {self.api_server}"
        return failure(404, "NotFound", text)


def _token(request: Request) -> str:
    if through_proxy := request.header(TOKEN_HEADER).strip():
        return through_proxy
    scheme, _, token = request.header(b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(slots=True)
class BesideApi:
    """Stands where the embedded API stands on the embedded store; nothing to prepare and nothing to do."""

    api_server: str
    tokens: Tokens
    reviewer: Reviewer
    namespace: str
    app: OwnPaths = field(init=False)

    def __post_init__(self) -> None:
        self.app = OwnPaths(self.api_server, self.reviewer, self.namespace, tokens=self.tokens)

    async def prepare(self) -> None:
        """Nothing: namespaces and kinds are the API server's."""

    async def run(self) -> None:
        """Waits until cancelled."""
        await asyncio.Event().wait()

    def close(self) -> None:
        """Ends open streams, so that the server can close."""
        self.app.replies.end_streams()
