"""Control events: how an input for a run's reducer travels over the bus, so that it is durable before it counts.

Made by the stage_run, strategy_event and strategy_run controllers, read by the strategy_run controller. They lie on a
topic of their own that triggers never see. The id is derived from what it tells, so a second copy is recognised.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import orjson

from kabanero.controllers.stage_runs import run_uid
from kabanero.engine.inputs import (
    CancelRequested,
    EventArrived,
    Input,
    RetryRequested,
    StageCancelRequested,
    StageEnded,
)
from kabanero.model.events import Event
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource

CONTROL_TOPIC = "kabanero.control"
_INPUTS = {
    kind.__name__: kind for kind in (EventArrived, StageEnded, CancelRequested, StageCancelRequested, RetryRequested)
}


def control_event(
    instance: str, namespace: str, run: str, context: str, id: str, what: Input, time: datetime, *, uid: str = ""
) -> Event:
    """Wraps an input for the run of that namespace and name. `id` is unique in the run for what happened.

    `uid` tells a run from an earlier one of the same name; empty where the sender doesn't know it.
    """
    body = {"namespace": namespace, "run": run, "uid": uid, "input": type(what).__name__, **dataclasses.asdict(what)}
    return Event(
        id=id,
        source=f"/{instance}/runs/{namespace}/{run}" + (f"/{uid}" if uid else ""),
        type=f"io.kabanero.control.{type(what).__name__}",
        topic=CONTROL_TOPIC,
        path=f"/{instance}/control/{namespace}/{run}",
        time=time,
        payload=orjson.dumps(body),
        context=context,
    )


def stage_event(instance: str, stage_run: Resource, id: str, what: Input, time: datetime) -> Event:
    """The same for an input that tells of a StageRun; `id` is unique for that StageRun."""
    spec, metadata = stage_run["spec"], stage_run["metadata"]
    return control_event(
        instance,
        metadata["namespace"],
        spec["strategyRun"],
        spec["contextID"],
        f"{metadata['uid']}/{id}",
        what,
        time,
        uid=run_uid(stage_run),
    )


def told_of(stage_run: Resource, what: Input) -> Told:
    """The same for who tells the run itself."""
    metadata = stage_run["metadata"]
    return Told(metadata["namespace"], stage_run["spec"]["strategyRun"], run_uid(stage_run), what)


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What a control event says, and of which run. `uid` is empty where the sender didn't know it."""

    namespace: str
    run: str
    uid: str
    what: Input


def read_control(event: Event) -> Told:
    """What a control event says."""
    body: dict[str, Any] = dict(event.data)
    namespace, run, uid, kind = body.pop("namespace"), body.pop("run"), body.pop("uid", ""), body.pop("input")
    if kind == StageEnded.__name__:
        body["phase"] = StagePhase(body["phase"])
    return Told(namespace, run, uid, _INPUTS[kind](**body))
