"""Finds out where a PipelineRun or TaskRun failed: the step, its exit code, the end of its log, and where to look on.

Used by `awaiting` once a run has ended badly. Nothing of it is needed for the stage's end, so trouble here costs only
detail.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kabanero.model import tekton
from kabanero.model.errors import KabaneroError
from kabanero.model.resource import Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import Store

log = logging.getLogger(__name__)
LOG_LINES = 20
LONGEST_LOG = 2000
LONGEST_MESSAGE = 4000
LogTail = Callable[[str, str, str, int], Awaitable[str]]
"""The last lines of a container's log: `(namespace, pod, container, lines)`. Raises KabaneroError."""
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class NoLogError(KabaneroError):
    """There is no log to read."""


async def no_log(namespace: str, pod: str, container: str, lines: int) -> str:
    """For a store behind which no pods are."""
    raise NoLogError("logs can't be read from here")


@dataclass(frozen=True, slots=True)
class Failure:
    """For people: what went wrong, and links by title."""

    message: str
    links: dict[str, str]


class FailureDetail:
    """Asks the store for TaskRuns, and for the log of the step that failed first."""

    def __init__(self, store: Store, log_tail: LogTail) -> None:
        self._store, self._log_tail = store, log_tail

    async def of(self, run: Resource) -> Failure:
        """What is known of a run that has ended badly; at most two requests."""
        end = tekton.verdict(run)
        said = end.message if end else ""
        steps = tekton.failed_steps(await self._task_runs(run))
        if not steps:
            return Failure(said, tekton.links(run))
        first, *others = steps
        more = f"; {len(others)} more failed: {', '.join(each.task for each in others)}" if others else ""
        parts = [part for part in (said, first.told() + more, await self._log_of(run, first)) if part]
        return Failure("\n".join(parts)[:LONGEST_MESSAGE], tekton.links(run, first))

    async def _task_runs(self, run: Resource) -> list[Resource]:
        if run["kind"] == tekton.TASK_RUN:
            return [run]
        if not (run.get("status") or {}).get("childReferences"):
            return []
        metadata = run["metadata"]
        try:
            type = await self._store.find_type(run["apiVersion"], tekton.TASK_RUN)
            if type is None:
                return []
            mine = Selector(labels=(Requirement(tekton.PIPELINE_RUN_LABEL, "=", (metadata["name"],)),))
            return (await self._store.list(type, namespace=metadata["namespace"], selector=mine)).items
        except KabaneroError as error:
            log.warning("Can't find out where PipelineRun %s failed: %s", metadata["name"], error)
            return []

    async def _log_of(self, run: Resource, step: tekton.FailedStep) -> str:
        if not (step.pod and step.container):
            return ""
        try:
            text = await self._log_tail(run["metadata"]["namespace"], step.pod, step.container, LOG_LINES)
        except KabaneroError as error:
            return f"(no log of {step.container} in pod {step.pod}: {error})"
        text = _UNPRINTABLE.sub("", text).strip()
        return f"the end of its log:\n{text[-LONGEST_LOG:]}" if text else "(its log is empty)"
