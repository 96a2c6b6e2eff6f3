"""Short ways to write strategies for the verifier's tests, and a run of one in which every stage ends as it should."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kabanero.engine.inputs import StageEnded
from kabanero.engine.phases import ACTIVE
from kabanero.engine.pinning import pin
from kabanero.engine.reducer import begin, reduce
from kabanero.engine.verify import Finding, verify
from kabanero.model.kinds.runs import RunStatus, StagePhase, StrategyRunSpec

Json = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def event(text: str) -> dict[str, str]:
    """`Build Success` → name Build, status Success."""
    name, _, status = text.partition(" ")
    return {"name": name, "status": status} if status else {"name": name}


def entry(text: str) -> Json:
    """`Build Success`, or `Build Success | Rush` for anyOf."""
    matches = [{"match": event(each.strip())} for each in text.split("|")]
    return matches[0] if len(matches) == 1 else {"anyOf": matches}


def stage(name: str, *waits: str, emit: Any = None, ref: str = "any", **more: Any) -> Json:
    """A binding that waits for all of `waits` and emits its name with its status, or what is said."""
    emits = [{"name": name, "status": "$stage_status"}] if emit is None else emit
    return {
        "stageName": name,
        "stageRef": {"kind": "PlaybookStage", "name": ref},
        "triggers": [entry(each) for each in waits],
        "emit": emits,
        **more,
    }


def definition(*bindings: Json, **spec: Any) -> Json:
    """A StrategyDefinition."""
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StrategyDefinition",
        "metadata": {"name": "main", "namespace": "kabanero"},
        "spec": {"stageBindings": list(bindings), **spec},
    }


def playbook_stage(name: str = "any", **spec: Any) -> tuple[tuple[str, str], Json]:
    """A stage as the verifier gets it: by kind and name."""
    return ("PlaybookStage", name), {"spec": {"playbook": "any.yml", **spec}}


STAGES = dict([playbook_stage()])


def play(strategy: Json) -> RunStatus:
    """A run that names no first event, to its end; every stage succeeds."""
    status = begin(StrategyRunSpec(strategy="main"), "run", pin("main", strategy, STAGES), "context", NOW).status
    while active := [each for each in status.stages if each.phase in ACTIVE]:
        status = reduce(status, StageEnded(active[0].name, active[0].attempt, StagePhase.SUCCEEDED), NOW).status
    return status


def found(*bindings: Json, **spec: Any) -> list[Finding]:
    """What the verifier has to say about a strategy of these bindings."""
    return verify(definition(*bindings, **spec), STAGES)


def only(*bindings: Json, **spec: Any) -> Finding:
    """The one thing that it has to say."""
    (finding,) = found(*bindings, **spec)
    return finding
