"""Launches that are made once: what was sent and never answered is looked for before it is sent again.

AWX has no name that a caller may give a job, and can't be searched by a job's variables. But ids only grow: so the jobs
of the template that are newer than the launch are read, and compared by the variables that only ours has.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kabanero.executors.awx.answers import AwayError, RefusedError
from kabanero.executors.awx.connection import Connection, Tell
from kabanero.executors.awx.settings import AwxSettings
from kabanero.executors.awx.templates import PLURALS, Template, Templates
from kabanero.model.errors import JobRefusedError
from kabanero.ports import Clock, JobOrder, JobTicket

log = logging.getLogger(__name__)
JOBS = {"job": "jobs", "workflow_job": "workflow_jobs"}
PAGE = 200
Wanted = Callable[[], bool]
LOOKS = 12
"""How often a lost launch is looked for, at least, before it is sent again."""


class Launching:
    """At one AWX."""

    def __init__(self, connection: Connection, clock: Clock, settings: AwxSettings) -> None:
        self._connection, self._clock, self._settings = connection, clock, settings
        self._templates = Templates(connection, settings)
        self._new: dict[str, Template] = {}

    async def prepare(self, order: JobOrder, tell: Tell) -> JobTicket:
        """Nothing is launched. Raises JobRefusedError."""
        template = await self._templates.template(order, tell)
        newest = {"unified_job_template": template.id, "order_by": "-id", "page_size": 1}
        page = await self._connection.get("unified_jobs/", tell, newest)
        after = page["results"][0]["id"] if page["results"] else 0
        self._new[_key(order)] = template
        return JobTicket(template.type, template.id, after, self._clock.now())  # type: ignore[arg-type]

    async def launch(self, order: JobOrder, ticket: JobTicket, tell: Tell, wanted: Wanted) -> JobTicket | None:
        """Raises JobRefusedError."""
        template = self._new.pop(_key(order), None)
        if template is None:  # Not prepared by this very process: it may have been sent.
            if found := await self.find(order, ticket, tell):
                return found
            template = await self._templates.template(order, tell)
        return await self._send(order, ticket, template, tell, wanted)

    async def _send(
        self, order: JobOrder, ticket: JobTicket, template: Template, tell: Tell, wanted: Wanted
    ) -> JobTicket | None:
        path, pause = f"{PLURALS[template.type]}/{ticket.template}/launch/", self._settings.retry
        while wanted():
            try:
                answer = await self._connection.request("POST", path, template.body)
                return await self._checked(ticket, answer)
            except RefusedError as error:
                raise JobRefusedError("LaunchRefused", str(error)) from None
            except AwayError as error:
                tell(str(error))
                self._patient(error, ticket)
                if error.sent and (found := await self._found_after(order, ticket, error, tell)):
                    return found
                await self._clock.sleep(max(pause, error.seconds))
                pause = min(pause * 2, self._settings.retry_most)
        return None

    def _patient(self, error: AwayError, ticket: JobTicket) -> None:
        patience = timedelta(seconds=self._settings.login_patience)
        if error.reason and self._clock.now() > ticket.requested + patience:
            raise JobRefusedError(error.reason, str(error)) from None

    async def find(self, order: JobOrder, ticket: JobTicket, tell: Tell) -> JobTicket | None:
        """None once a launch that was under way at `requested` can't become a job any more."""
        until = ticket.requested + timedelta(seconds=self._settings.settle)
        while True:
            if found := await self._look(order, ticket, tell):
                return found
            if self._clock.now() >= until:
                return None
            await self._clock.sleep(self._settings.settle / LOOKS)

    async def _found_after(self, order: JobOrder, ticket: JobTicket, error: AwayError, tell: Tell) -> JobTicket | None:
        if error.answered:
            return await self._look(order, ticket, tell)
        log.warning("The answer to a launch was lost (%s); looking for its job before it is sent again", error)
        return await self.find(order, replace(ticket, requested=self._clock.now()), tell)

    async def _look(self, order: JobOrder, ticket: JobTicket, tell: Tell) -> JobTicket | None:
        query = {"unified_job_template": ticket.template, "id__gt": ticket.after, "order_by": "id", "page_size": PAGE}
        while True:
            page = await self._connection.get("unified_jobs/", tell, query)
            for job in page["results"]:
                if job["type"] in JOBS and _is_marked(await self._variables(job, tell), order.marks):
                    return self._with_job(ticket, job)
            if not page["next"]:
                return None
            query = {**query, "id__gt": page["results"][-1]["id"]}

    async def _variables(self, job: Mapping[str, Any], tell: Tell) -> Any:
        """Newer versions leave them out of lists."""
        if "extra_vars" in job:
            return job["extra_vars"]
        try:
            return (await self._connection.get(f"{JOBS[job['type']]}/{job['id']}/", tell)).get("extra_vars")
        except RefusedError:
            return None

    async def _checked(self, ticket: JobTicket, answer: Mapping[str, Any]) -> JobTicket:
        made = self._with_job(ticket, answer)
        ignored = answer.get("ignored_fields") or {}
        if not ignored:
            return made
        # The template was changed between our look at it and the launch: a job without its limit must not go on.
        try:
            await self._connection.request("POST", f"{JOBS[answer['type']]}/{made.id}/cancel/", {})
        except (AwayError, RefusedError) as error:
            log.warning("Job %s, which ignored %s, was not cancelled: %s", made.id, ", ".join(ignored), error)
        message = f"AWX ignored {', '.join(ignored)} of the launch; job {made.id} was cancelled"
        raise JobRefusedError("PromptMissing", message)

    def _with_job(self, ticket: JobTicket, job: Mapping[str, Any]) -> JobTicket:
        link = page_of(self._connection.place.url, self._connection.place.api_path, job["type"], job["id"])
        return replace(ticket, type=job["type"], id=job["id"], link=link)


def page_of(url: str, api_path: str, type: str, id: int) -> str:
    """A job's page for people."""
    kind = "workflow" if type == "workflow_job" else "playbook"
    where = "execution" if api_path.startswith("/api/controller") else "#"
    return f"{url.rstrip('/')}/{where}/jobs/{kind}/{id}/output"


def _key(order: JobOrder) -> str:
    return json.dumps(dict(order.marks), sort_keys=True)


def _is_marked(variables: Any, marks: Mapping[str, Any]) -> bool:
    if isinstance(variables, str):
        try:
            variables = json.loads(variables)
        except ValueError:
            return False
    return isinstance(variables, Mapping) and all(variables.get(name) == value for name, value in marks.items())
