"""Who carries a stage's playbook out where runners share a store: the one that wrote its name into the StageRun.

What an executor knows of its work lies on its own machine. So before a playbook begins, its runner claims the StageRun,
by a write that only one can win. Another runner never begins what is claimed; it waits until the claimant has ended it,
or is gone, and then the attempt was interrupted. Stages that may be begun twice (`onInterrupted: Retry`) need no claim.

`ClaimingCarrier` stands in the place of a `Carrier`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from kabanero.controllers.carrying import CarriedOut, Carrier
from kabanero.controllers.definitions import StagePlan, may_begin_twice
from kabanero.controllers.stage_patch import current
from kabanero.controllers.stage_runs import ident_of, is_past
from kabanero.engine.inputs import StageEnded
from kabanero.model.errors import ConflictError, NotFoundError, TemporaryError
from kabanero.model.kinds.runs import StagePhase, WaitsOn
from kabanero.model.resource import Resource
from kabanero.ports import Clock, Store

log = logging.getLogger(__name__)
CONFLICTS = 10
LOOK_SECONDS = 5.0
INTERRUPTED = "Interrupted"
GIVEN_UP = "the runner that carried it out had lost the API server, so that others might take it for gone"


class Replicas(Protocol):
    """The runners that share a store."""

    @property
    def identity(self) -> str:
        """Our own."""

    async def gone(self, identity: str) -> None:
        """Returns when that runner counts as gone."""


class SettledError(NotFoundError):
    """The attempt has ended already: there is nothing left to carry out."""


def owner_of(stage_run: Resource) -> str:
    """The runner that carries out this attempt's playbook; empty: none does."""
    status = stage_run.get("status") or {}
    at_work = status.get("phase") in (StagePhase.TRIGGERED, StagePhase.RUNNING)
    return str(status.get("runner") or "") if at_work and status.get("waitsOn") in (None, WaitsOn.PLAYBOOK) else ""


@dataclass(slots=True)
class _Claim:
    """Work of ours: whether somebody here waits for its end, and whether nobody asked that it end."""

    is_followed: bool = True
    is_wanted: bool = True


class ClaimingCarrier:
    """Carries out what is ours, and waits for what is others'."""

    def __init__(self, carrier: Carrier, store: Store, clock: Clock, replicas: Replicas) -> None:
        self._carrier, self._store, self._clock, self._replicas = carrier, store, clock, replicas
        self._mine: dict[str, _Claim] = {}

    async def carry_out(
        self, stage_run: Resource, plan: StagePlan, timeout: float, began: Callable[[], None]
    ) -> CarriedOut:
        """As `Carrier.carry_out`, once over all runners. Raises SettledError."""
        if may_begin_twice(plan.stage):
            return await self._carrier.carry_out(stage_run, plan, timeout, began)
        owner = await self._claimed(stage_run)
        if owner != self._replicas.identity:
            return await self._outlived(stage_run, owner)
        with self._followed(ident_of(stage_run)):
            return _told(await self._carrier.carry_out(stage_run, plan, timeout, began))

    async def cancel(self, ident: str, reason: str) -> None:
        """As `Carrier.cancel`, for work of this runner."""
        if claim := self._mine.get(ident):
            claim.is_wanted = False
        await self._carrier.cancel(ident, reason)
        self._drop_unwanted(ident)

    @contextmanager
    def _followed(self, ident: str) -> Iterator[None]:
        """Stays ours when we are cancelled here: the work goes on, and is taken up again, unless nobody wants it."""
        claim = self._mine[ident] = _Claim()
        try:
            yield
        except asyncio.CancelledError:
            claim.is_followed = False
            self._drop_unwanted(ident)
            raise
        except Exception:
            del self._mine[ident]
            raise
        del self._mine[ident]

    def _drop_unwanted(self, ident: str) -> None:
        claim = self._mine.get(ident)
        if claim and not (claim.is_wanted or claim.is_followed):
            del self._mine[ident]

    @property
    def is_busy(self) -> bool:
        """Whether work of ours is under way that nobody else may begin."""
        return bool(self._mine)

    async def give_up(self) -> None:
        """Ends what others may take for lost before they do."""
        await asyncio.gather(*(self._carrier.cancel(ident, GIVEN_UP) for ident in list(self._mine)))

    async def _claimed(self, stage_run: Resource) -> str:
        """Whose it is: ours, if nobody was before us."""
        for _ in range(CONFLICTS):
            now = await self._now(stage_run)
            if owner := now["status"].get("runner"):
                return str(owner)
            status = {**now["status"], "runner": self._replicas.identity}
            try:
                await self._store.update({**now, "status": status}, status=True)
                return self._replicas.identity
            except ConflictError:
                continue
        raise ConflictError(f"StageRun {stage_run['metadata']['name']} keeps changing")

    async def _now(self, stage_run: Resource) -> Resource:
        metadata, attempt = stage_run["metadata"], stage_run["status"]["attempt"]
        now = await current(self._store, stage_run)
        if is_past(now, attempt):
            raise SettledError(f"attempt {attempt} of {metadata['name']} has ended")
        return now

    async def _outlived(self, stage_run: Resource, owner: str) -> CarriedOut:
        log.info("StageRun %s is carried out by %s", stage_run["metadata"]["name"], owner)
        gone = asyncio.ensure_future(self._replicas.gone(owner))
        try:
            while not gone.done():
                await self._still_with(owner, stage_run)
                pause = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
                await asyncio.wait({gone, pause}, return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()
            await self._still_with(owner, stage_run)
        finally:
            gone.cancel()
        message = f"runner {owner}, which carried it out, is gone; nobody knows how far it came"
        spec, status = stage_run["spec"], stage_run["status"]
        return CarriedOut(StageEnded(spec["stageName"], status["attempt"], StagePhase.ERRORED, INTERRUPTED, message))

    async def _still_with(self, owner: str, stage_run: Resource) -> None:
        """Raises ConflictError where its playbook has ended and left the rest to others: an object is waited for."""
        name = stage_run["metadata"]["name"]
        try:
            now = await self._now(stage_run)
        except TemporaryError as error:
            log.debug("Can't look at %s: %s", name, error)
            return
        if owner_of(now) != owner:
            raise ConflictError(f"StageRun {name} is not with {owner} any more")


def _told(end: CarriedOut) -> CarriedOut:
    """Work that we gave up was interrupted; nobody asked for its end."""
    if end.ended.phase is StagePhase.CANCELLED and end.ended.message == GIVEN_UP:
        return CarriedOut(replace(end.ended, phase=StagePhase.ERRORED, reason=INTERRUPTED))
    return end
