"""Jobs from their launch to their end: by a script, by a real ansible-playbook, or held until the test ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support.awx.answers import RefusalError
from tests.support.awx.kinds import BY_PLURAL, Kind
from tests.support.awx.launching import Launching
from tests.support.awx.playing import Player
from tests.support.awx.scripts import FailedTask, Script
from tests.support.awx.tables import Row, Tables, now

ACTIVE = ("new", "pending", "waiting", "running")


class Jobs:
    """`scripts` by template name; a template without one runs its playbook where there is a player for it."""

    def __init__(self, tables: Tables, launching: Launching, player: Player | None) -> None:
        self._tables, self._launching, self._player = tables, launching, player
        self.scripts: dict[str, Script] = {}
        self.launches: list[int] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: dict[int, asyncio.Event] = {}

    def launch(self, kind: Kind, template: Row, taken: Row, **fields: Any) -> tuple[Kind, Row]:
        """The new job, which goes on by itself."""
        slices = taken.get("job_slice_count") or template.get("job_slice_count") or 1
        if kind.type == "job_template" and slices > 1:
            made = self._sliced(kind, template, taken, slices, fields)
        elif kind.type == "job_template":
            made = BY_PLURAL["jobs"], self._job(template, taken, fields)
        else:
            made = BY_PLURAL["workflow_jobs"], self._workflow_job(template, taken, fields)
        self.launches.append(made[1]["id"])
        return made

    def _job(self, template: Row, taken: Row, fields: Row) -> Row:
        merged, shown = self._launching.variables_of(template, taken)
        prompted = {name: value for name, value in taken.items() if name not in ("extra_vars", "credentials", "labels")}
        same = {name: template[name] for name in BY_PLURAL["jobs"].fields if name in template and name != "extra_vars"}
        row = self._tables.add(
            "jobs",
            **{**same, **prompted, **fields},
            extra_vars=shown,
            _variables=merged,
            job_template=template["id"],
            unified_job_template=template["id"],
        )
        self._tables.lists["jobs", row["id"], "credentials"] = list(
            taken.get("credentials") or self._tables.lists["job_templates", template["id"], "credentials"]
        )
        row["status"] = "pending"
        self._spawn(self._go(row, template))
        return row

    def _sliced(self, kind: Kind, template: Row, taken: Row, slices: int, fields: Row) -> tuple[Kind, Row]:
        _, shown = self._launching.variables_of(template, taken)
        row = self._tables.add(
            "workflow_jobs",
            name=template["name"],
            extra_vars=shown,
            is_sliced_job=True,
            job_template=template["id"],
            unified_job_template=template["id"],
            status="running",
            started=now(),
            **fields,
        )
        parts = []
        for number in range(1, slices + 1):
            job = self._job(template, {**taken, "job_slice_count": slices}, {"job_slice_number": number})
            self._node(row, job, template)
            parts.append(job)
        self._spawn(self._end_with(row, parts))
        return BY_PLURAL["workflow_jobs"], row

    def _workflow_job(self, template: Row, taken: Row, fields: Row) -> Row:
        merged, shown = self._launching.variables_of(template, taken)
        prompted = {name: value for name, value in taken.items() if name not in ("extra_vars", "labels")}
        row = self._tables.add(
            "workflow_jobs",
            name=template["name"],
            extra_vars=shown,
            workflow_job_template=template["id"],
            unified_job_template=template["id"],
            status="pending",
            **{**prompted, **fields},
        )
        nodes = [
            each
            for each in self._tables.rows["workflow_job_template_nodes"].values()
            if each["workflow_job_template"] == template["id"]
        ]
        self._spawn(self._walk(row, nodes, merged))
        return row

    async def _walk(self, row: Row, nodes: list[Row], merged: Row) -> None:
        """Node after node, in the order in which they were made; a failure ends the workflow."""
        row.update(status="running", started=now())
        parts: list[Row] = []
        for node in nodes:
            if row.get("_cancelled") or any(job["failed"] for job in parts):
                self._node(row, None, node)
                continue
            template = self._tables.rows["job_templates"][node["unified_job_template"]]
            allowed = merged if template["ask_variables_on_launch"] else {}
            handed = {name: value for job in parts for name, value in job["artifacts"].items()}
            job = self._job(template, {"extra_vars": {**allowed, **handed}}, {"launch_type": "workflow"})
            self._node(row, job, node)
            parts.append(job)
            await self._until(job)
        self._finish(row, _verdict(row, parts))

    async def _end_with(self, row: Row, parts: list[Row]) -> None:
        for job in parts:
            await self._until(job)
        self._finish(row, _verdict(row, parts))

    def _node(self, workflow: Row, job: Row | None, node: Row) -> None:
        self._tables.add(
            "workflow_job_nodes",
            workflow_job=workflow["id"],
            job=job["id"] if job else None,
            unified_job_template=node.get("unified_job_template", node["id"]),
            identifier=node.get("identifier", ""),
            do_not_run=job is None,
        )

    # --- going on ---

    async def _go(self, row: Row, template: Row) -> None:
        script = self.scripts.get(template["name"])
        await asyncio.sleep(0.01)
        if row["status"] not in ACTIVE:
            return
        row.update(status="running", started=now())
        if script is None and self._player and self._player.has(row):
            self.write(row, *await self._player.play(row, self._tables))
            return
        script = script or Script()
        if not script.hold:
            await asyncio.sleep(script.seconds)
            self.end(row["id"], script)

    def end(self, id: int, script: Script) -> None:
        """Ends a job as the script says, unless it has ended."""
        row = self._tables.rows["jobs"].get(id)
        if row is None or row["status"] not in ACTIVE:
            return
        row.update(job_explanation=script.explanation, result_traceback=script.traceback)
        self.write(row, script.status, script.artifacts, _events(script))

    def write(self, row: Row, status: str, artifacts: Row, events: list[Row]) -> None:
        """The end with all that it left behind."""
        line = 0
        for counter, event in enumerate(events, 1):
            lines = event.get("stdout", "").count("\r\n") + 1 if event.get("stdout") else 0
            known = {name: value for name, value in event.items() if name in BY_PLURAL["job_events"].fields}
            place = {"counter": counter, "start_line": line, "end_line": line + lines}
            self._tables.add("job_events", **{**known, "job": row["id"], **place})
            line += lines
        row["artifacts"] = artifacts
        self._finish(row, "canceled" if row.get("_cancelled") else status)
        row["event_processing_finished"] = True

    def _finish(self, row: Row, status: str) -> None:
        row.update(status=status, failed=status in ("failed", "error", "canceled"), finished=now(), modified=now())
        self._ended.pop(row["id"], asyncio.Event()).set()

    async def _until(self, row: Row) -> None:
        if row["status"] in ACTIVE:
            await self._ended.setdefault(row["id"], asyncio.Event()).wait()

    def cancel(self, kind: Kind, row: Row) -> None:
        """Raises RefusalError for a job that has ended."""
        if row["status"] not in ACTIVE:
            raise RefusalError(405, {"detail": 'Method "POST" not allowed.'})
        row["_cancelled"] = True
        if kind.type == "workflow_job":
            for node in list(self._tables.rows["workflow_job_nodes"].values()):
                job = self._tables.rows["jobs"].get(node["job"]) if node["workflow_job"] == row["id"] else None
                if job and job["status"] in ACTIVE:
                    self.cancel(BY_PLURAL["jobs"], job)
            return
        script = self.scripts.get(row["name"], Script())
        if not (self._player and self._player.stop(row["id"])) and not script.stubborn:
            self.write(row, "canceled", {}, [])

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        if self._player:
            self._player.stop_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stdout(self, id: int) -> str:
        """All that a job printed."""
        events = [each for each in self._tables.rows["job_events"].values() if each["job"] == id]
        return "\n".join(each["stdout"] for each in events if each["stdout"])


def _verdict(workflow: Row, parts: list[Row]) -> str:
    if workflow.get("_cancelled"):
        return "canceled"
    return "failed" if any(job["failed"] for job in parts) else "successful"


def _events(script: Script) -> list[Row]:
    head = [{"event": "playbook_on_start", "stdout": ""}]
    said = [{"event": "verbose", "stdout": line} for line in script.output]
    failed = [_failed(each) for each in script.failures]
    stats = {
        "event": "playbook_on_stats",
        "stdout": "PLAY RECAP ***",
        "event_data": {"artifact_data": script.artifacts},
    }
    return [*head, *said, *failed, stats]


def _failed(failure: FailedTask) -> Row:
    what = "unreachable" if failure.unreachable else "failed"
    data = {
        "task": failure.task,
        "host": failure.host,
        "res": {"msg": failure.message},
        "ignore_errors": failure.ignored or None,
    }
    return {
        "event": f"runner_on_{what}",
        "event_data": data,
        "failed": True,
        "task": failure.task,
        "host_name": failure.host,
        "stdout": f'fatal: [{failure.host}]: {what.upper()}! => {{"msg": "{failure.message}"}}',
    }


Cancelled = Callable[[], bool]
