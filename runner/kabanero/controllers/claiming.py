"""Who carries a stage's playbook out where runners share a store: the one that wrote its name into the StageRun.

What an executor knows of its work lies on its own machine. So before a playbook begins, its runner claims the StageRun,
by a write that only one can win. Another runner never begins what is claimed; it waits until the claimant has ended it,
or is gone, and then the attempt was interrupted. Stages that may be begun twice (`onInterrupted: Retry`) need no claim.

`ClaimingCarrier` stands in the place of a `Carrier`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from kabanero.controllers.carrying import CarriedOut, Carrier
from kabanero.controllers.definitions import StagePlan, may_begin_twice
from kabanero.controllers.stage_runs import ENDED, ident_of
from kabanero.engine.inputs import StageEnded
from kabanero.model.errors import ConflictError, NotFoundError, TemporaryError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import StagePhase, WaitsOn
from kabanero.model.resource import Key, Resource
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


class ClaimingCarrier:
    """Carries out what is ours, and waits for what is others'."""

    def __init__(self, carrier: Carrier, store: Store, clock: Clock, replicas: Replicas) -> None:
        self._carrier, self._store, self._clock, self._replicas = carrier, store, clock, replicas
        self._mine: set[str] = set()

    async def carry_out(
        self, stage_run: Resource, plan: StagePlan, timeout: float, began: Callable[[], None]
    ) -> CarriedOut:
        """As `Carrier.carry_out`, once over all runners. Raises SettledError."""
        if may_begin_twice(plan.stage):
            return await self._carrier.carry_out(stage_run, plan, timeout, began)
        owner = await self._claimed(stage_run)
        if owner != self._replicas.identity:
            return await self._outlived(stage_run, owner)
        # Stays ours when we are cancelled here: the work goes on, and is taken up again.
        self._mine.add(ident_of(stage_run))
        end = await self._carrier.carry_out(stage_run, plan, timeout, began)
        self._mine.discard(ident_of(stage_run))
        return _told(end)

    async def cancel(self, ident: str, reason: str) -> None:
        """As `Carrier.cancel`, for work of this runner."""
        await self._carrier.cancel(ident, reason)

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
            if owner := (now.get("status") or {}).get("runner"):
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
        now = await self._store.get(Key(STAGE_RUN.type, metadata["namespace"], metadata["name"]), recent=True)
        status = now.get("status") or {}
        if status.get("attempt") != attempt or status.get("phase") in ENDED:
            raise SettledError(f"attempt {attempt} of {metadata['name']} has ended")
        return now

    async def _outlived(self, stage_run: Resource, owner: str) -> CarriedOut:
        log.info("StageRun %s is carried out by %s", stage_run["metadata"]["name"], owner)
        gone = asyncio.ensure_future(self._replicas.gone(owner))
        try:
            while not gone.done():
                await self._still_open(stage_run)
                pause = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
                await asyncio.wait({gone, pause}, return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()
        finally:
            gone.cancel()
        message = f"runner {owner}, which carried it out, is gone; nobody knows how far it came"
        spec, status = stage_run["spec"], stage_run["status"]
        return CarriedOut(StageEnded(spec["stageName"], status["attempt"], StagePhase.ERRORED, INTERRUPTED, message))

    async def _still_open(self, stage_run: Resource) -> None:
        try:
            await self._now(stage_run)
        except TemporaryError as error:
            log.debug("Can't look at %s: %s", stage_run["metadata"]["name"], error)


def _told(end: CarriedOut) -> CarriedOut:
    """Work that we gave up was interrupted; nobody asked for its end."""
    if end.ended.phase is StagePhase.CANCELLED and end.ended.message == GIVEN_UP:
        return CarriedOut(replace(end.ended, phase=StagePhase.ERRORED, reason=INTERRUPTED))
    return end
