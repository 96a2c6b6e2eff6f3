"""Carries JobTemplateStages out: writes down what is to be launched, launches it once, follows it, lets go of it.

Used by the stage_run controller. No process waits meanwhile: the jobs of one AWX are followed together by the port's
adapter. A cancel may come at any moment, between a launch that was sent and its answer too; so the wish is kept with
the flight, and acted on as soon as there is a job.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kabanero.controllers.carrying import CarriedOut, carried_out
from kabanero.controllers.definitions import StagePlan
from kabanero.controllers.job_orders import LINK, fields_of, job_of, order_of, place_of
from kabanero.controllers.stage_patch import current, patched
from kabanero.controllers.stage_runs import ident_of, is_past
from kabanero.model.errors import InvalidError, JobRefusedError, KabaneroError, NotFoundError
from kabanero.model.kinds.job_template import JobConnection
from kabanero.model.resource import Resource
from kabanero.ports import Clock, JobOrder, JobPlace, Jobs, JobTicket, Progress, Store, WorkResult, WorkStatus

log = logging.getLogger(__name__)
CANCELLED = WorkResult(WorkStatus.CANCELLED, "Cancelled", "cancelled before its job was launched")
Began = Callable[[], None]


@dataclass(slots=True)
class _Flight:
    """One attempt that is under way. `known`: whether there is a job has been settled."""

    uid: str
    attempt: int
    cancelled: bool
    message: str = ""
    place: JobPlace | None = None
    ticket: JobTicket | None = None
    known: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, progress: Progress) -> None:
        """Keeps the latest line for people."""
        if progress.message != self.message:
            self.message = progress.message
            self.news.set()

    def wanted(self) -> bool:
        return not self.cancelled


class JobStages:
    """`show_every` (seconds) bounds how often the progress of one stage is written."""

    def __init__(self, store: Store, clock: Clock, jobs: Jobs, *, show_every: float = 2.0) -> None:
        self._store, self._clock, self._jobs, self._show_every = store, clock, jobs, show_every
        self._flights: dict[str, _Flight] = {}

    async def carry_out(self, stage_run: Resource, plan: StagePlan | None, timeout: float, began: Began) -> CarriedOut:
        """Launches or takes up this attempt's job and returns when it has ended.

        `plan` may be left out once the job is known.
        """
        metadata, attempt = stage_run["metadata"], stage_run["status"]["attempt"]
        flight = _Flight(metadata["uid"], attempt, bool(stage_run["spec"].get("cancel")))
        self._flights[ident_of(stage_run)] = flight
        showing = asyncio.get_running_loop().create_task(self._show(stage_run, flight))
        try:
            return carried_out(stage_run, await self._fly(stage_run, plan, timeout, flight, began))
        except InvalidError as error:
            return carried_out(stage_run, WorkResult(WorkStatus.ERRORED, "StageInvalid", str(error)))
        except JobRefusedError as error:
            return carried_out(stage_run, WorkResult(WorkStatus.ERRORED, error.reason, str(error)))
        finally:
            flight.known.set()
            del self._flights[ident_of(stage_run)]
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _fly(
        self, stage_run: Resource, plan: StagePlan | None, timeout: float, flight: _Flight, began: Began
    ) -> WorkResult:
        written = job_of(stage_run) or job_of(await current(self._store, stage_run))
        job, ticket = written or (None, None)
        is_new = ticket is None or ticket.id is None
        if job and not is_new:
            connection = job.connection
        else:
            assert plan, "a launch needs its stage"
            connection = JobConnection.model_validate(plan.stage["spec"]["connection"])
            order = order_of(stage_run, plan, timeout)
            ticket = await self._launched(stage_run, order, connection, ticket, flight, began)
        if ticket is None:
            return CANCELLED
        place = flight.place = place_of(stage_run["metadata"]["namespace"], connection)
        flight.ticket = ticket
        flight.known.set()
        if is_new:
            await self._write_down(stage_run, connection, ticket, place)
        if flight.cancelled:
            await self._jobs.cancel(place, ticket)
        result = await self._jobs.ended(place, ticket, flight.report)
        return replace(result, links={LINK: ticket.link, **result.links})

    async def _write_down(
        self, stage_run: Resource, connection: JobConnection, ticket: JobTicket, place: JobPlace
    ) -> None:
        try:
            await patched(self._store, stage_run, fields_of(connection, ticket))
        except NotFoundError:  # Deleted while the launch was under way: nobody else knows of this job.
            await self._jobs.cancel(place, ticket)
            raise

    async def _launched(
        self,
        stage_run: Resource,
        order: JobOrder,
        connection: JobConnection,
        ticket: JobTicket | None,
        flight: _Flight,
        began: Began,
    ) -> JobTicket | None:
        """The job that `ticket` announces, or one that is announced first; None where nothing is to be followed."""
        if ticket:
            if flight.cancelled:
                return await self._jobs.find(order, ticket)
        else:
            ticket = await self._jobs.prepare(order, flight.report)
            # Before anything is launched: a runner that dies after this looks for the job.
            now = await patched(self._store, stage_run, fields_of(connection, ticket))
            if is_past(now, flight.attempt):
                return None
        began()
        return await self._jobs.launch(order, ticket, flight.report, flight.wanted)

    # --- letting go ---

    async def stop(self, stage_run: Resource) -> bool:
        """Has this attempt's job cancelled; True when its end will come by itself."""
        if flight := self._flights.get(ident_of(stage_run)):
            await self._stop(flight)
            return True
        written = job_of(stage_run)
        if written and written[1].id is not None:
            await self._jobs.cancel(place_of(stage_run["metadata"]["namespace"], written[0].connection), written[1])
        return written is not None

    async def let_go(self, ident: str) -> None:
        """Has a job cancelled that nobody waits for any more, once it is known whether there is one."""
        if flight := self._flights.get(ident):
            flight.cancelled = True
            await flight.known.wait()
            await self._stop(flight)

    async def _stop(self, flight: _Flight) -> None:
        flight.cancelled = True
        if flight.place and flight.ticket and flight.ticket.id is not None:
            await self._jobs.cancel(flight.place, flight.ticket)

    def is_flying(self, ident: str) -> bool:
        """Whether this attempt is under way here."""
        return ident in self._flights

    def abandoned(self, stage_run: Resource) -> list[str]:
        """Idents of attempts that are under way, though the stage has ended without them or is further on."""
        mine = [each for each in self._flights.items() if each[1].uid == stage_run["metadata"]["uid"]]
        return [ident for ident, flight in mine if is_past(stage_run, flight.attempt)]

    # --- what people see meanwhile ---

    async def _show(self, stage_run: Resource, flight: _Flight) -> None:
        while True:
            await flight.news.wait()
            flight.news.clear()
            try:
                await patched(self._store, stage_run, {"progress": {"message": flight.message}})
            except KabaneroError as error:
                log.debug("Progress of %s was not written: %s", stage_run["metadata"]["name"], error)
            await self._clock.sleep(self._show_every)
