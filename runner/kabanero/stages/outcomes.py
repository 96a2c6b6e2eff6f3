"""How work ended, from what a stage's function returned or raised; and what is written of it. Pure.

Written into the StageRun's status by `attempt`; `waitsOn` stays until the run has taken the end in.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kabanero.model.kinds.runs import StagePhase
from kabanero.model.nearmiss import did_you_mean
from kabanero.model.resource import Resource
from kabanero.stages.claims import Claim
from kabanero.stages.errors import StageFailed

LONGEST_MESSAGE = 4000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an attempt. `reason` is one CamelCase word, `outputs` go by output resource."""

    phase: StagePhase
    reason: str = ""
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)


def errored(reason: str, message: str) -> Outcome:
    """The machinery failed, not the work."""
    return Outcome(StagePhase.ERRORED, reason, message)


def returned(result: Any, declared: Collection[str]) -> Outcome:
    """What a function's result means; `declared` are the outputs that the stage has, empty when it names none."""
    outputs = {} if result is None else result
    if not isinstance(outputs, Mapping):
        return errored("BadOutputs", f"the stage's function returned {type(result).__name__}, not a dict of outputs")
    if wrong := _wrong(outputs, declared):
        return errored("BadOutputs", wrong)
    return Outcome(StagePhase.SUCCEEDED, "Succeeded", "", dict(outputs))


def raised(error: BaseException, declared: Collection[str] = ()) -> Outcome:
    """What an exception of a function means."""
    if isinstance(error, StageFailed):
        outputs = {} if _wrong(error.outputs, declared) else error.outputs
        return Outcome(StagePhase.FAILED, error.reason, str(error)[-LONGEST_MESSAGE:], outputs)
    name = type(error).__name__
    return errored(name, f"{name}: {error}"[:LONGEST_MESSAGE] + _place(error))


def _wrong(outputs: Mapping[Any, Any], declared: Collection[str]) -> str:
    for name in outputs:
        if declared and name not in declared:
            return f"output {name!r} is none of the stage's ({did_you_mean(str(name), declared)})"
    try:
        json.dumps(outputs, allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"the outputs are no JSON: {error}"
    return ""


def _place(error: BaseException) -> str:
    """Where it was raised, as ` (build.py:17)`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


# --- what is written ---


def claimed(stage_run: Resource, claim: Claim) -> Resource:
    """The StageRun with its work begun, or taken up again, by the claim's holder."""
    status = {key: value for key, value in stage_run["status"].items() if key != "progress"}
    return {**stage_run, "status": {**status, "phase": StagePhase.RUNNING.value, "claim": _written(claim)}}


def renewed(stage_run: Resource, claim: Claim, told: Mapping[str, Any]) -> Resource:
    """The StageRun with a newer claim and what the work has told meanwhile: fields of the status."""
    return {**stage_run, "status": {**stage_run["status"], "claim": _written(claim), **told}}


def released(stage_run: Resource) -> Resource:
    """The StageRun as before it was claimed: another process, or the next start, carries it out."""
    status = {key: value for key, value in stage_run["status"].items() if key not in ("claim", "progress")}
    return {**stage_run, "status": {**status, "phase": StagePhase.TRIGGERED.value}}


def ended(stage_run: Resource, outcome: Outcome, now: str) -> Resource:
    """The StageRun with the end that the run will take in. `now` is RFC 3339."""
    status = {key: value for key, value in stage_run["status"].items() if key not in ("claim", "outputs")}
    status |= {"phase": outcome.phase.value, "reason": outcome.reason, "message": outcome.message}
    status |= {"completionTime": now} | ({"outputs": dict(outcome.outputs)} if outcome.outputs else {})
    return {**stage_run, "status": status}


def _written(claim: Claim) -> dict[str, Any]:
    return {"holder": claim.holder, "renewed": claim.renewed, "seconds": claim.seconds}
