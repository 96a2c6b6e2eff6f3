"""PipelineRuns for tests of anything that Tekton does: to make them, and to see how they ended."""

from __future__ import annotations

import uuid
from typing import Any

from tests.testbed.cluster import Cluster
from tests.testbed.processes import wait_until
from tests.testbed.tekton import SHELL_IMAGE


def task(name: str, script: str = "true", *, after: tuple[str, ...] = (), **metadata: Any) -> dict[str, Any]:
    """A pipeline's task of one step with one result, `digest`; `metadata` is for annotations such as `outcome`'s."""
    step = {"name": "work", "image": SHELL_IMAGE, "script": f"#!/bin/sh\n{script}\n"}
    spec = {"metadata": metadata, "results": [{"name": "digest"}], "steps": [step]}
    return {"name": name, "taskSpec": spec} | ({"runAfter": list(after)} if after else {})


def pipeline_run(*tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A PipelineRun with a name of its own; `more` is more of its pipelineSpec."""
    metadata = {"name": f"run-{uuid.uuid4().hex[:8]}", "namespace": "default"}
    spec = {"pipelineSpec": {"tasks": list(tasks)} | more}
    return {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": metadata, "spec": spec}


def ended(cluster: Cluster, run: dict[str, Any], seconds: float = 60) -> Any:
    """The PipelineRun once Tekton says how it ended; raises TimeoutError."""
    name, namespace = run["metadata"]["name"], run["metadata"]["namespace"]

    def has_ended() -> bool:
        return succeeded(cluster.get("pipelinerun", name, namespace)) != "Unknown"

    wait_until(has_ended, f"the end of PipelineRun {name}", seconds)
    return cluster.get("pipelinerun", name, namespace)


def succeeded(run: Any) -> str:
    """The status of its condition Succeeded: "True", "False", or "Unknown" while it is not ended."""
    conditions = run.get("status", {}).get("conditions", [])
    return next((each["status"] for each in conditions if each["type"] == "Succeeded"), "Unknown")


def task_run(cluster: Cluster, run: dict[str, Any], task: str) -> Any:
    """The TaskRun of a task of a PipelineRun."""
    labels = f"tekton.dev/pipelineRun={run['metadata']['name']},tekton.dev/pipelineTask={task}"
    [found] = cluster.list("taskruns", run["metadata"]["namespace"], selector=labels)
    return found
