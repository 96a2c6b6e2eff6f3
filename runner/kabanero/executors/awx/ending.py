"""Reads what an ended job left behind: its report, and of a failed one the task, the host and the last output."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kabanero.executors.awx.answers import RefusedError
from kabanero.executors.awx.connection import Connection, Tell
from kabanero.executors.awx.launching import JOBS
from kabanero.executors.awx.outcome import failures, report_in, result_of, tail
from kabanero.executors.awx.polling import JobGoneError
from kabanero.executors.awx.settings import AwxSettings
from kabanero.ports import Clock, WorkResult

FAILED = "runner_on_failed,runner_on_unreachable"
LAST_EVENTS, FAILURES, NODES = 30, 20, 200


class Ending:
    """At one AWX."""

    def __init__(self, connection: Connection, clock: Clock, settings: AwxSettings) -> None:
        self._connection, self._clock, self._settings = connection, clock, settings

    async def result(self, type: str, id: int, tell: Tell) -> WorkResult:
        """Raises JobGoneError."""
        job = await self._job(type, id, tell)
        parts = await self._parts(id, tell) if type == "workflow_job" else [job]
        report = next((each for part in parts if (each := report_in(part.get("artifacts"))) is not None), None)
        detail = "" if job["status"] in ("successful", "canceled") else await self._detail(job, parts, tell)
        return result_of(job, report, detail)

    async def _job(self, type: str, id: int, tell: Tell) -> Mapping[str, Any]:
        """The job, once all that it printed has been written down."""
        until = self._clock.now() + timedelta(seconds=self._settings.events_patience)
        while True:
            try:
                job: Mapping[str, Any] = await self._connection.get(f"{JOBS[type]}/{id}/", tell)
            except RefusedError as error:
                if error.status != 404:
                    raise
                raise JobGoneError from None
            if job.get("event_processing_finished", True) or self._clock.now() >= until:
                return job
            await self._clock.sleep(self._settings.retry)

    async def _parts(self, id: int, tell: Tell) -> list[Mapping[str, Any]]:
        """The jobs of a workflow, the last to end first."""
        nodes = await self._connection.get(f"workflow_jobs/{id}/workflow_nodes/", tell, {"page_size": NODES})
        jobs = [(node.get("summary_fields") or {}).get("job") or {} for node in nodes["results"]]
        ids = [job["id"] for job in jobs if job.get("type", "job") == "job" and "id" in job]
        if not ids:
            return []
        query = {"id__in": ",".join(map(str, ids)), "order_by": "-finished", "page_size": NODES}
        page = await self._connection.get("jobs/", tell, query)
        return [each if "artifacts" in each else await self._job("job", each["id"], tell) for each in page["results"]]

    async def _detail(self, job: Mapping[str, Any], parts: list[Mapping[str, Any]], tell: Tell) -> str:
        broken = next((part for part in reversed(parts) if part.get("failed")), None)
        if broken is None:
            return ""
        events = f"jobs/{broken['id']}/job_events/"
        where = "" if broken["id"] == job["id"] else f"its job {broken['id']} ({broken.get('name', '')}) failed"
        try:
            bad = {"event__in": FAILED, "order_by": "counter", "page_size": FAILURES}
            last = {"order_by": "-counter", "page_size": LAST_EVENTS}
            said = failures((await self._connection.get(events, tell, bad))["results"])
            end = tail((await self._connection.get(events, tell, last))["results"])
        except RefusedError as error:
            return "\n".join(part for part in (where, f"(its events can't be read: {error})") if part)
        return "\n".join(part for part in (where, said, end) if part)
