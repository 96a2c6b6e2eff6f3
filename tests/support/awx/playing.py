"""Runs a job's playbook for real, through ansible-runner as AWX does, with what its credentials inject."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import ansible_runner
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tests.support.awx.tables import Row, Tables

STATUS = {"successful": "successful", "failed": "failed", "canceled": "canceled", "timeout": "failed"}
TRUE = ("yes", "true", "1", True)


class Player:
    """`projects` holds a folder for each project, by its name; `collections` is what ANSIBLE_COLLECTIONS_PATH names.

    `host` is AWX's own address, which jobs are told.
    """

    def __init__(self, projects: dict[str, Path], collections: str) -> None:
        self._projects, self._collections = projects, collections
        self.host = ""
        self._stopped: set[int] = set()
        self._running: set[int] = set()

    def has(self, row: Row) -> bool:
        """Whether any project could hold its playbook."""
        return bool(row["playbook"]) and any((folder / row["playbook"]).is_file() for folder in self._projects.values())

    def stop(self, id: int) -> bool:
        """Asks a playbook to end; False when none runs for this job."""
        self._stopped.add(id)
        return id in self._running

    def stop_all(self) -> None:
        self._stopped |= self._running

    async def play(self, row: Row, tables: Tables) -> tuple[str, Row, list[Row]]:
        """Status, artifacts and events."""
        self._running.add(row["id"])
        try:
            return await asyncio.to_thread(self._play, row, tables)
        finally:
            self._running.discard(row["id"])

    def _play(self, row: Row, tables: Tables) -> tuple[str, Row, list[Row]]:
        folder = self._projects[tables.rows["projects"][row["project"]]["name"]]
        events: list[Row] = []
        with tempfile.TemporaryDirectory(prefix="fake-awx-") as private:
            done = ansible_runner.run(
                private_data_dir=private,
                playbook=str(folder / row["playbook"]),
                project_dir=str(folder),
                extravars={**unsafe(row["_variables"]), "awx_job_id": row["id"], "tower_job_id": row["id"]},
                envvars=self._environment(row, tables, Path(private)),
                limit=row["limit"] or None,
                tags=row["job_tags"] or None,
                verbosity=row["verbosity"] or None,
                event_handler=lambda event: bool(events.append(_event(event))),
                cancel_callback=lambda: row["id"] in self._stopped,
                quiet=True,
            )
        artifacts: Row = {}
        for event in events:
            if event["event"] == "playbook_on_stats":
                artifacts = event["event_data"].get("artifact_data") or {}
        return STATUS.get(done.status, "error"), artifacts, events

    def _environment(self, row: Row, tables: Tables, private: Path) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_AUTH_", "CONTROLLER_"))}
        clean["PATH"] = f"{Path(sys.executable).parent}:{clean.get('PATH', '')}"
        clean |= {"ANSIBLE_COLLECTIONS_PATH": self._collections, "ANSIBLE_LOCALHOST_WARNING": "false"}
        clean |= {"AWX_HOST": self.host, "JOB_ID": str(row["id"])}
        for id in tables.lists["jobs", row["id"], "credentials"]:
            credential = tables.rows["credentials"][id]
            type = tables.rows["credential_types"][credential["credential_type"]]
            clean |= injected(type, credential["inputs"], private)
        return clean


def unsafe(value: Any) -> Any:
    """What came with a launch is marked as text, as AWX does, so that it is never a template."""
    if isinstance(value, dict):
        return {name: unsafe(each) for name, each in value.items()}
    if isinstance(value, list):
        return [unsafe(each) for each in value]
    return {"__ansible_unsafe": value} if isinstance(value, str) else value


def injected(type: Row, inputs: Row, private: Path) -> dict[str, str]:
    """The environment that a credential gives a job, by AWX's rules.

    What is empty is not there, switches are False unless they are on, and each file is written below `env`, for its
    owner alone. A type with a plain `template` has its path as `tower.filename`, one with `template.NAME` for each.
    """
    switches = {field["id"]: False for field in type["inputs"].get("fields", ()) if field["type"] == "boolean"}
    values: dict[str, Any] = switches | {name: value for name, value in inputs.items() if value != ""}
    names: dict[str, str] = {}
    for label, template in type["injectors"].get("file", {}).items():
        (private / "env").mkdir(exist_ok=True)
        made, path = tempfile.mkstemp(dir=private / "env")
        with os.fdopen(made, "w") as file:
            file.write(_filled(template, values))
        names[label.partition(".")[2]] = path
    values["tower"] = {"filename": names.get("", names)}
    return {name: _filled(text, values) for name, text in type["injectors"].get("env", {}).items()}


def _filled(text: str, values: dict[str, Any]) -> str:
    return ImmutableSandboxedEnvironment().from_string(text).render(values)


def _event(event: Row) -> Row:
    data = event.get("event_data") or {}
    return {
        "event": event["event"],
        "stdout": event.get("stdout") or "",
        "event_data": data,
        "task": data.get("task") or "",
        "play": data.get("play") or "",
        "playbook": data.get("playbook") or "",
        "host_name": data.get("host") or "",
        "failed": event["event"] in ("runner_on_failed", "runner_on_unreachable"),
    }
