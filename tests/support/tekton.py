"""Tekton's kinds and runs as a store holds them, for tests in which nothing carries them out."""

from __future__ import annotations

from typing import Any

from kabanero.model.resource import Resource, ResourceType

ENDED = "2026-01-01T12:00:00Z"
PIPELINE_RUN = ResourceType("tekton.dev", "v1", "PipelineRun", "pipelineruns", "pipelinerun")
TASK_RUN = ResourceType("tekton.dev", "v1", "TaskRun", "taskruns", "taskrun")


def pipeline_run(name: str, namespace: str = "kabanero", *, uid: str = "", attempt: int = 1) -> Resource:
    """A PipelineRun as a stage's playbook makes it; without `uid` as somebody else would."""
    labels = {"kabanero.io/stage-run": name, "kabanero.io/stage-run-uid": uid, "kabanero.io/attempt": str(attempt)}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "namespace": namespace, "labels": labels if uid else {}},
        "spec": {"pipelineRef": {"name": "build"}},
    }


def task_run(pipeline_run: Resource, task: str, exit_code: int) -> Resource:
    """A TaskRun of it whose only step has ended."""
    owner = pipeline_run["metadata"]
    labels = {"tekton.dev/pipelineRun": owner["name"], "tekton.dev/pipelineTask": task}
    truth, reason = ("False", "StepFailed") if exit_code else ("True", "Succeeded")
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": f"{owner['name']}-{task}", "namespace": owner["namespace"], "labels": labels},
        "spec": {},
        "status": {
            "conditions": [condition(truth, reason, f"{task} exited")],
            "completionTime": ENDED,
            "podName": f"{owner['name']}-{task}-pod",
            "steps": [{"name": "make", "container": "step-make", "terminated": {"exitCode": exit_code}}],
        },
    }


def condition(truth: str, reason: str = "", message: str = "") -> dict[str, str]:
    """The `Succeeded` condition."""
    return {"type": "Succeeded", "status": truth, "reason": reason, "message": message}


def running(run: Resource, done: int, left: int) -> Resource:
    """The run while it goes on."""
    message = f"Tasks Completed: {done} (Failed: 0, Cancelled 0), Incomplete: {left}, Skipped: 0"
    children = [{"name": f"t{index}", "pipelineTaskName": f"t{index}"} for index in range(done + 1)]
    return {**run, "status": {"conditions": [condition("Unknown", "Running", message)], "childReferences": children}}


def ended(run: Resource, truth: str, reason: str, message: str = "", **results: Any) -> Resource:
    """The run when it has ended."""
    status = {
        "conditions": [condition(truth, reason, message)],
        "completionTime": ENDED,
        "childReferences": [{"name": "a", "pipelineTaskName": "a"}],
        "results": [{"name": name, "value": value} for name, value in results.items()],
    }
    return {**run, "status": status}
