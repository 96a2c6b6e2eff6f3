"""A stage of Tekton's on a cluster: its StageRun, its playbook under ansible-playbook, and the wait for its end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import ansible_runner
from kabanero.controllers.awaiting import Awaiting
from kabanero.engine.inputs import StageEnded
from kabanero.executors.ansible.unsafe import unsafe
from kabanero.kubernetes.pod_logs import PodLogs
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import API_VERSION, Key, Resource
from kabanero.stores.kubernetes import KubernetesStore

from tests.cluster.store_world import CLOCK, opened
from tests.testbed.cluster import Cluster, outcome
from tests.testbed.tekton import SHELL_IMAGE

BIN = Path(sys.executable).parent
PLAYBOOK = "kabanero.events.stages.tekton_stage"
PATIENCE = 60.0
SOURCE = {"location": "https://github.com/user/hello", "branch": "main", "commit": "c0ffee"}


def pipeline(name: str, *tasks: dict[str, Any], **spec: Any) -> Resource:
    """A Pipeline."""
    about = {"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": name}}
    return about | {"spec": {"tasks": list(tasks), **spec}}


def step_task(name: str, script: str = "true", *, results: dict[str, str] | None = None, **how: Any) -> dict[str, Any]:
    """A task of one step `work`; on simulated pods it ends as `outcome` says."""
    spec: dict[str, Any] = {"steps": [{"name": "work", "image": SHELL_IMAGE, "script": f"#!/bin/sh\n{script}\n"}]}
    spec["metadata"] = {"annotations": outcome(results=results, **how)}
    spec["results"] = [{"name": each} for each in results or {}]
    return {"name": name, "taskSpec": spec}


SLOW = step_task("wait", "sleep 3600", duration="1h")


class StageWorld:
    """One namespace of a cluster. Pipelines are applied, stages begun and ended there."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path, collections: Path) -> None:
        self.cluster, self.namespace = cluster, namespace
        self._folder, self.collections = folder, collections

    def apply(self, *resources: Resource, namespace: str = "") -> None:
        """Applies resources in a namespace, by default the world's own."""
        for resource in resources:
            place = {"namespace": namespace or self.namespace}
            self.cluster.apply({**resource, "metadata": {**resource["metadata"], **place}})

    def play(self, begun: Begun, *flags: str, kubeconfig: Path | None = None) -> dict[str, Any]:
        """Plays the stage's playbook; what it reported."""
        (self._folder / "work").mkdir(exist_ok=True)
        file = self._folder / f"{uuid.uuid4().hex}.json"
        file.write_text(json.dumps(unsafe(begun.extra_vars())))
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "K8S_AUTH_KUBECONFIG": str(kubeconfig or self.cluster.kubeconfig),
        }
        done = ansible_runner.run(
            private_data_dir=str(self._folder / "work"),
            playbook=PLAYBOOK,
            cmdline=" ".join([f"-e @{file}", *flags]),
            envvars=environment,
            quiet=True,
        )
        begun.output = done.stdout.read()
        stats = [event for event in done.events if event["event"] == "playbook_on_stats"]
        assert stats, begun.output
        return dict(stats[0]["event_data"]["artifact_data"]["kabanero_stage_result"])

    def pipeline_runs(self, namespace: str = "") -> list[Any]:
        """Those of a namespace."""
        return self.cluster.list("pipelineruns", namespace or self.namespace)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[tuple[KubernetesStore, Awaiting]]:
        """The store, and what waits for objects in it, as the runner has them."""
        async with opened(self.cluster.kubeconfig) as (store, client):
            yield store, Awaiting(store, CLOCK, PodLogs(client).tail, show_after=0.1, show_every=0.2)

    async def begin(self, spec: dict[str, Any], *, inputs: Any = None, outputs: Any = None, **more: Any) -> Begun:
        """Makes the StageRun of a stage with this spec, triggered."""
        async with self.store() as (store, _):
            name = f"main-{uuid.uuid4().hex[:8]}-build"
            stage_run = await store.create(_stage_run(name, self.namespace))
            status = {"phase": "Triggered", "attempt": 1, "resources": {"input": inputs or {}, "output": outputs or {}}}
            stage_run = await store.update({**stage_run, "status": status}, status=True)
        return Begun(stage_run, spec, more)

    async def end(
        self, begun: Begun, report: dict[str, Any], meanwhile: Callable[[Awaiting, Resource], Any] | None = None
    ) -> StageEnded:
        """The stage's end, once the object that was reported has ended."""
        async with self.store() as (store, awaiting):
            status = {**begun.stage_run["status"], "phase": "Running", "waitingFor": report["waiting_for"]}
            stage_run = await store.update({**begun.stage_run, "status": status}, status=True)
            begun.stage_run = stage_run
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(awaiting.ended(stage_run, {"kind": "TektonStage", "spec": begun.spec}))
                if meanwhile:
                    await meanwhile(awaiting, stage_run)
            begun.stage_run = await store.get(Key(STAGE_RUN.type, self.namespace, stage_run["metadata"]["name"]))
            return waiting.result()


class Begun:
    """A stage that has begun: its StageRun, its spec, and further extra vars for its playbook."""

    def __init__(self, stage_run: Resource, spec: dict[str, Any], more: dict[str, Any]) -> None:
        self.stage_run, self.spec, self.more = stage_run, spec, more
        self.output = ""

    @property
    def name(self) -> str:
        """Of the StageRun."""
        return str(self.stage_run["metadata"]["name"])

    def extra_vars(self) -> dict[str, Any]:
        """As the runner gives them."""
        spec, metadata = self.stage_run["spec"], self.stage_run["metadata"]
        return {
            "contextID": spec["contextID"],
            "strategy": spec["strategy"],
            "strategy_run": spec["strategyRun"],
            "stage_name": spec["stageName"],
            "stage_run": metadata["name"],
            "stage_run_uid": metadata["uid"],
            "stage_attempt": self.stage_run["status"]["attempt"],
            "stage_timeout": 0,
            "kabanero_namespace": metadata["namespace"],
            "variables": {},
            "resources": self.stage_run["status"]["resources"],
            "parameters": {},
            "stage_spec": self.spec,
            **self.more,
        }


def _stage_run(name: str, namespace: str) -> Resource:
    spec = {
        "stageName": "Build it",
        "stageRef": {"kind": "TektonStage", "name": "build"},
        "contextID": "20261123083000000-1a2b3c4d5e",
        "strategy": "main",
        "strategyRun": "main-1",
    }
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "StageRun", "metadata": metadata, "spec": spec}
