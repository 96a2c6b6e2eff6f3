"""`/runner/v1/runs/NAMESPACE/NAME/explain`: why a run and its stages stand where they stand.

For clients that have no engine, such as the collection; the CLI finds out the same from the resources by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kabanero.api.access import User
from kabanero.api.http import Reply, Request, json_response
from kabanero.api.status import as_api_error, failure, method_not_allowed, no_such_path
from kabanero.engine.explain import as_json, explain
from kabanero.engine.explanation import RunNote
from kabanero.model.errors import KabaneroError
from kabanero.model.kinds.registry import STAGE_RUN, STRATEGY_RUN
from kabanero.model.kinds.runs import RunStatus, StageRunStatus
from kabanero.model.nearmiss import did_you_mean
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import Store

RUNS_PREFIX = "/runner/v1/runs"


@dataclass(slots=True)
class RunnerRuns:
    """Answers for runs; `?stage=NAME` for one stage of it."""

    store: Store

    async def __call__(self, request: Request, _: User) -> Reply:
        """One request. Raises ApiError."""
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed(request.method)
        namespace, name = asked(request.path)
        run = await self._run(Key(STRATEGY_RUN.type, namespace, name))
        note = _explained(run, await self._stage_runs(namespace, name))
        stage = request.query.get("stage", "")
        about = {"run": name, "strategy": run["spec"].get("strategy", "")}
        return json_response({**about, **(_stage(note, name, stage) if stage else as_json(note))})

    async def _run(self, key: Key) -> Resource:
        try:
            return await self.store.get(key)
        except KabaneroError as error:
            raise as_api_error(error, key) from error

    async def _stage_runs(self, namespace: str, run: str) -> Iterable[Resource]:
        selector = Selector(fields=(Requirement("spec.strategyRun", "=", (run,)),))
        return (await self.store.list(STAGE_RUN.type, namespace=namespace, selector=selector)).items


def asked(path: str) -> tuple[str, str]:
    """Namespace and name of the run that a path is about. Raises ApiError 404 for another path."""
    parts = path.removeprefix(RUNS_PREFIX).strip("/").split("/")
    if len(parts) != 3 or parts[2] != "explain" or not all(parts):
        raise no_such_path()
    return parts[0], parts[1]


def _explained(run: Resource, stage_runs: Iterable[Resource]) -> RunNote:
    """Where a StageRun can't be read, written by another controller, it says nothing."""
    try:
        status = RunStatus.model_validate(run.get("status") or {})
    except ValidationError as error:
        text = f"the status of run {run['metadata']['name']} can't be read: {error.errors()[0]['msg']}"
        raise failure(500, "InternalError", text) from error
    return explain(status, dict(_work(stage_runs)))


def _work(stage_runs: Iterable[Resource]) -> Iterable[tuple[str, StageRunStatus]]:
    for found in stage_runs:
        try:
            yield str(found["spec"]["stageName"]), StageRunStatus.model_validate(found.get("status") or {})
        except ValidationError:
            continue


def _stage(note: RunNote, run: str, name: str) -> dict[str, Any]:
    names = [stage.name for stage in note.stages]
    if name not in names:
        near = did_you_mean(name, names) or f"the run {note.why}"
        raise failure(404, "NotFound", f"run {run} has no stage {name!r:.60}: {near}", {"name": name, "kind": "stages"})
    return as_json(next(stage for stage in note.stages if stage.name == name))
