"""The port `Jobs` over AWX: one connection, with one poller, for each address and Secret."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from kabanero.executors.awx.answers import AwayError, RefusedError
from kabanero.executors.awx.connection import Connection, Tell
from kabanero.executors.awx.ending import Ending
from kabanero.executors.awx.launching import JOBS, Launching, Wanted
from kabanero.executors.awx.polling import JobGoneError, Poller
from kabanero.executors.awx.renewing import Secrets
from kabanero.executors.awx.settings import AwxSettings
from kabanero.model.errors import JobRefusedError
from kabanero.ports import (
    Clock,
    JobOrder,
    JobPlace,
    JobTicket,
    Progress,
    WorkResult,
    WorkStatus,
    always,
    ignore_progress,
)

log = logging.getLogger(__name__)
Report = Callable[[Progress], None]
OVER = (404, 405)
"""Answers to a cancel: there is no such job any more, or it has ended."""


class _Server:
    """All that is held of one AWX."""

    def __init__(self, place: JobPlace, secrets: Secrets, clock: Clock, settings: AwxSettings) -> None:
        self.connection = Connection(place, secrets, clock, settings)
        self.launching = Launching(self.connection, clock, settings)
        self.poller = Poller(self.connection, clock)
        self.ending = Ending(self.connection, clock, settings)

    async def close(self) -> None:
        await self.poller.close()
        await self.connection.close()


class AwxJobs:
    """`secrets` are those that stages name. Connections stay open until `close`."""

    def __init__(self, secrets: Secrets, clock: Clock, settings: AwxSettings | None = None) -> None:
        self._secrets, self._clock, self._settings = secrets, clock, settings or AwxSettings()
        self._servers: dict[JobPlace, _Server] = {}

    async def prepare(self, order: JobOrder, report: Report = ignore_progress) -> JobTicket:
        """Template, prompts, and the newest job before the launch."""
        return await self._server(order.place).launching.prepare(order, _teller(report))

    async def launch(
        self, order: JobOrder, ticket: JobTicket, report: Report = ignore_progress, wanted: Wanted = always
    ) -> JobTicket | None:
        """Once for each ticket."""
        return await self._server(order.place).launching.launch(order, ticket, _teller(report), wanted)

    async def find(self, order: JobOrder, ticket: JobTicket) -> JobTicket | None:
        """Among the template's newer jobs."""
        return await self._server(order.place).launching.find(order, ticket, _teller(ignore_progress))

    async def ended(self, place: JobPlace, ticket: JobTicket, report: Report = ignore_progress) -> WorkResult:
        """By the one poller of this AWX."""
        assert ticket.type and ticket.id is not None, "a job that was launched"
        server, tell = self._server(place), _teller(report)
        try:
            await server.poller.ended(ticket.type, ticket.id, place.poll, tell)
            return await server.ending.result(ticket.type, ticket.id, tell)
        except JobGoneError:
            message = f"{place.url} does not know job {ticket.id} any more: it was deleted there"
            return WorkResult(WorkStatus.ERRORED, "JobVanished", message)
        except RefusedError as error:
            return WorkResult(WorkStatus.ERRORED, "JobUnreadable", str(error))

    async def cancel(self, place: JobPlace, ticket: JobTicket) -> None:
        """Tries until AWX has taken it."""
        assert ticket.type and ticket.id is not None, "a job that was launched"
        path, pause = f"{JOBS[ticket.type]}/{ticket.id}/cancel/", self._settings.retry
        while True:
            try:
                await self._server(place).connection.request("POST", path, {})
                return
            except RefusedError as error:
                if error.status not in OVER:
                    log.warning("Job %s of %s can't be cancelled: %s", ticket.id, place.url, error)
                return
            except JobRefusedError as error:
                log.warning("Job %s of %s can't be cancelled: %s", ticket.id, place.url, error)
                return
            except AwayError as error:
                log.warning("Job %s of %s can't be cancelled yet: %s", ticket.id, place.url, error)
                await self._clock.sleep(max(pause, error.seconds))
                pause = min(pause * 2, self._settings.retry_most)

    async def close(self) -> None:
        """Gives tokens back that were made for us."""
        await asyncio.gather(*(server.close() for server in self._servers.values()), return_exceptions=True)

    def _server(self, place: JobPlace) -> _Server:
        key = replace(place, poll=0)
        if key not in self._servers:
            self._servers[key] = _Server(key, self._secrets, self._clock, self._settings)
        return self._servers[key]


def _teller(report: Report) -> Tell:
    return lambda text: report(Progress("", "progress", message=text))
