"""What Tekton's objects say: how a run ended, how far it is, what it made, and where it failed. Pure.

Used by the controllers that wait for PipelineRuns and TaskRuns. Source: Tekton Pipelines' documentation, "PipelineRuns"
and "TaskRuns"; a run has ended when `Succeeded` is True or False and it has a completionTime. Reasons are open-ended:
one that is not known here is judged by whether anything has run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource

GROUP = "tekton.dev/"
PIPELINE_RUN, TASK_RUN = "PipelineRun", "TaskRun"
CANCELLED_BY = {PIPELINE_RUN: "CancelledRunFinally", TASK_RUN: "TaskRunCancelled"}
"""What `spec.status` must say to cancel a run: the tasks in `finally` are still run."""
STOPPED_BY = (*CANCELLED_BY.values(), "Cancelled", "StoppedRunFinally")
"""Values of `spec.status` with which a run ends anyway."""
PIPELINE_RUN_LABEL = "tekton.dev/pipelineRun"

_CANCELLED = re.compile(r"(TaskRun)?(Cancelled|Stopped)")
_TIMED_OUT = ("PipelineRunTimeout", "TaskRunTimeout")
_NEVER_RAN = re.compile(
    r"Couldnt|Invalid|Missing|Mismatch|Validation|Resolution|ImagePull|PodCreation|CreateContainerConfig"
)
_COUNTS = re.compile(
    r"Tasks Completed: (\d+) \(Failed: \d+, Cancelled \d+\)(?:, Incomplete: (\d+))?(?:, Skipped: (\d+))?"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended, with Tekton's own reason and message."""

    phase: StagePhase
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class FailedStep:
    """Where a run failed. `step`, `container` and `exit_code` are empty (None) when no step has run."""

    task: str
    task_run: str
    reason: str
    message: str
    pod: str = ""
    step: str = ""
    container: str = ""
    exit_code: int | None = None

    def told(self) -> str:
        """A sentence for a person."""
        where = f"task {self.task} failed" + (f" in step {self.step}" if self.step else "")
        code = "" if self.exit_code is None else f" with exit code {self.exit_code}"
        return f"{where}{code} ({self.reason}): {self.message}"


@dataclass(frozen=True, slots=True)
class TaskCount:
    """How many of a PipelineRun's tasks have ended, of how many; `task` was begun last."""

    done: int
    total: int
    task: str

    @property
    def percent(self) -> int:
        """0-100."""
        return 100 * self.done // self.total if self.total else 0


def is_run(api_version: str, kind: str) -> bool:
    """Whether an object of this kind is one of Tekton's runs."""
    return api_version.startswith(GROUP) and kind in CANCELLED_BY


def verdict(run: Resource) -> Verdict | None:
    """How a PipelineRun or TaskRun ended; None while it goes on."""
    said = _succeeded(run)
    status = run.get("status") or {}
    if said.get("status") not in ("True", "False") or not status.get("completionTime"):
        return None
    reason, message = str(said.get("reason", "")), str(said.get("message", ""))
    if said["status"] == "True":
        return Verdict(StagePhase.SUCCEEDED, reason, message)
    return Verdict(_phase(reason, has_run=bool(status.get("childReferences") or status.get("steps"))), reason, message)


def _phase(reason: str, *, has_run: bool) -> StagePhase:
    if _CANCELLED.match(reason):
        return StagePhase.CANCELLED
    if reason in _TIMED_OUT:
        return StagePhase.TIMED_OUT
    return StagePhase.FAILED if has_run and not _NEVER_RAN.search(reason) else StagePhase.ERRORED


def _succeeded(run: Resource) -> Mapping[str, Any]:
    conditions: Sequence[Mapping[str, Any]] = (run.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == "Succeeded"), {})


def progress(pipeline_run: Resource) -> TaskCount | None:
    """How far a PipelineRun is, by the words of its condition; None when they tell no numbers."""
    found = _COUNTS.match(str(_succeeded(pipeline_run).get("message", "")))
    if not found:
        return None
    completed, incomplete, skipped = (int(number or 0) for number in found.groups())
    begun = (pipeline_run.get("status") or {}).get("childReferences") or [{}]
    return TaskCount(completed + skipped, completed + incomplete + skipped, begun[-1].get("pipelineTaskName", ""))


def failed_steps(task_runs: Sequence[Resource]) -> list[FailedStep]:
    """The TaskRuns that ended badly, the first to end first: what comes later is often its consequence."""
    failed = [each for each in task_runs if _succeeded(each).get("status") == "False"]
    own = [each for each in failed if not _CANCELLED.match(str(_succeeded(each).get("reason", "")))]
    return [_failed_step(each) for each in sorted(own or failed, key=_completed)]


def _completed(run: Resource) -> str:
    return str((run.get("status") or {}).get("completionTime") or "")


def _failed_step(task_run: Resource) -> FailedStep:
    metadata, status, said = task_run["metadata"], task_run.get("status") or {}, _succeeded(task_run)
    name = metadata["name"]
    task = (metadata.get("labels") or {}).get("tekton.dev/pipelineTask") or name
    steps: Sequence[Mapping[str, Any]] = status.get("steps") or ()
    step = next((each for each in steps if (each.get("terminated") or {}).get("exitCode")), {})
    return FailedStep(
        task,
        name,
        str(said.get("reason", "")),
        str(said.get("message", "")),
        str(status.get("podName") or ""),
        str(step.get("name", "")),
        str(step.get("container", "")),
        (step.get("terminated") or {}).get("exitCode"),
    )


def links(run: Resource, step: FailedStep | None = None) -> dict[str, str]:
    """Where to look, as paths for `kubectl get --raw`: the run, and of a failed step the TaskRun, pod and log."""
    metadata = run["metadata"]
    place = f"namespaces/{metadata['namespace']}"
    runs, pods = f"/apis/{run['apiVersion']}/{place}", f"/api/v1/{place}/pods"
    found = {run["kind"]: f"{runs}/{run['kind'].lower()}s/{metadata['name']}"}
    if step and step.task_run != metadata["name"]:
        found["TaskRun"] = f"{runs}/taskruns/{step.task_run}"
    if step and step.pod:
        found["Pod"] = f"{pods}/{step.pod}"
    if step and step.pod and step.container:
        found["Log"] = f"{pods}/{step.pod}/log?container={step.container}"
    return found
