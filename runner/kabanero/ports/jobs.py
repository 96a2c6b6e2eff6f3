"""The port of servers that carry jobs out: AWX. See the package for the rules that all ports share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from kabanero.ports.executor import Progress, WorkResult, ignore_progress


@dataclass(frozen=True, slots=True)
class JobPlace:
    """A server that carries jobs out, and the Secret (by namespace and name) that lets us in.

    `poll` is how often it is asked for its jobs, in seconds.
    """

    url: str
    namespace: str
    secret: str
    api_path: str = "/api/v2"
    verify_tls: bool = True
    ca_certificate: str = ""
    poll: float = 5.0


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A template to be launched once. `marks` are those of its variables that no other job has.

    `template` is a name or an id. `prompts` go by the server's own names; inventory, credentials and execution
    environment in them by name or id. `timeout` is in seconds, 0 for none.
    """

    place: JobPlace
    template: str
    marks: Mapping[str, Any]
    extra_vars: Mapping[str, Any]
    workflow: bool = False
    organization: str = ""
    prompts: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 0


@dataclass(frozen=True, slots=True)
class JobTicket:
    """What must be kept so that a launch is found again. Written down before it, and again with `id` after it.

    `after`: the template's newest job before the launch. `link`: the job's page for people.
    """

    template_type: Literal["job_template", "workflow_job_template"]
    template: int
    after: int
    requested: datetime
    type: Literal["job", "workflow_job"] | None = None
    id: int | None = None
    link: str = ""


def always() -> bool:
    """For callers that will not change their mind."""
    return True


class Jobs(Protocol):
    """Launches templates of job servers and follows what comes of them, whoever launched it before a restart.

    A server that is away or busy is waited for; `report` gets a line for people then. What can't be done without
    somebody changing something raises JobRefusedError.
    """

    async def prepare(self, order: JobOrder, report: Callable[[Progress], None] = ignore_progress) -> JobTicket:
        """Looks up what the order names. Nothing is launched."""

    async def launch(
        self,
        order: JobOrder,
        ticket: JobTicket,
        report: Callable[[Progress], None] = ignore_progress,
        wanted: Callable[[], bool] = always,
    ) -> JobTicket | None:
        """Launches it, unless that has been done for this ticket; the ticket with the job's id.

        None when it was not launched, since it was not `wanted` any more.
        """

    async def find(self, order: JobOrder, ticket: JobTicket) -> JobTicket | None:
        """The job that was launched for this ticket; None when there is none, and none can come any more."""

    async def ended(
        self, place: JobPlace, ticket: JobTicket, report: Callable[[Progress], None] = ignore_progress
    ) -> WorkResult:
        """Returns when the job has ended. Cancelling the awaiting task leaves the job running."""

    async def cancel(self, place: JobPlace, ticket: JobTicket) -> None:
        """Asks the job to end; `ended` tells when it has. One that is over or gone: nothing."""

    async def close(self) -> None:
        """Releases what is held; jobs go on."""
