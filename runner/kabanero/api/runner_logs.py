"""`.../stageruns/NAME/log`: what a stage's playbook printed, so far or as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from kabanero.api.http import TEXT, Reply, Request, Stream
from kabanero.api.reads import fetch
from kabanero.api.status import ApiError, failure
from kabanero.api.targets import Target
from kabanero.model.errors import NotFoundError
from kabanero.model.resource import Resource
from kabanero.ports import Executor, Store

# A log that isn't there is a 404; one that is only silent so far begins to stream after this time.
SILENCE_SECONDS = 0.5


@dataclass(slots=True)
class StageLogs:
    """Answers for logs of StageRuns. `ident` gives the name of a stage run's work."""

    store: Store
    executor: Executor
    ident: Callable[[Resource], str]

    async def __call__(self, request: Request, target: Target) -> Reply:
        """One request. Raises ApiError 404 when nothing was printed yet."""
        stage_run = await fetch(self.store, target)
        pieces = self.executor.log(self.ident(stage_run), follow=request.flag("follow"))
        first = asyncio.ensure_future(_next(pieces))
        await asyncio.wait({first}, timeout=SILENCE_SECONDS)
        if first.done() and (error := first.exception()):
            raise _no_log(target, stage_run) if isinstance(error, NotFoundError) else error
        return Stream(_rest(first, pieces), TEXT)


def _no_log(target: Target, stage_run: Resource) -> ApiError:
    phase = (stage_run.get("status") or {}).get("phase") or "Waiting"
    text = f"stage run {target.name} has no log: it is {phase} and no playbook of it has been started here"
    return failure(404, "NotFound", text, {"name": target.name, "kind": target.type.plural})


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _rest(first: asyncio.Future[bytes | None], pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    piece = await first
    while piece is not None:
        yield piece
        piece = await _next(pieces)
