"""What may change in a resource that is there: each rule once, in Python for the embedded API and in CEL for clusters.

`registry` gives kinds their rules, `schemas` writes them into CRDs, `api.rules` applies them. A cluster says the same
sentence as the embedded API, since both come from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kabanero.model.errors import Problem
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource

_DECIDABLE = (StagePhase.WAITING, StagePhase.TRIGGERED, StagePhase.RUNNING)
_NEW_RUN = "make a new run instead"
_BY_THE_RUN = "the runner sets it when it makes the run; for other work start another run"


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """One change that is refused. `broken(old, new)` and `cel`, which is true for what may be, say the same.

    `path` is the field that is named; in `reason`, `{phase}` is the phase in the status.
    """

    path: str
    cel: str
    broken: Callable[[Resource, Resource], bool]
    reason: str
    fix: str

    def problem(self, new: Resource) -> Problem:
        """What is said of a resource that breaks it."""
        return Problem(self.path, self.reason.format(phase=_at(new, "status.phase") or ""), self.fix)

    def as_validation(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations` of the whole object."""
        message = str(Problem("", self.reason, self.fix))
        text = {"message": message}
        if "{phase}" in message:
            before, after = (json.dumps(part) for part in message.split("{phase}"))
            text["messageExpression"] = f"{before} + self.status.phase + {after}"
            text["message"] = message.replace("the stage is {phase}", "the stage has ended")
        return {"rule": self.cel, **text, "fieldPath": f".{self.path}", "reason": "FieldValueInvalid"}


def fixed(name: str, empty: str, fix: str) -> ChangeRule:
    """A field of the spec that stays as it is. `empty` is what its absence is as good as, in CEL; or nothing."""
    path = f"spec.{name}"
    return ChangeRule(path, _stays(name, empty), lambda old, new: _at(old, path) != _at(new, path), _FIXED, fix)


_FIXED = "can't be changed"


def _stays(name: str, empty: str) -> str:
    if not empty:
        return (
            f"has(self.spec.{name}) == has(oldSelf.spec.{name}) && "
            f"(!has(self.spec.{name}) || self.spec.{name} == oldSelf.spec.{name})"
        )
    new, old = (f"(has({each}.spec.{name}) ? {each}.spec.{name} : {empty})" for each in ("self", "oldSelf"))
    return f"{new} == {old}"


def _at(resource: Any, path: str) -> Any:
    """The value at a path of names; None where it is absent or empty."""
    for name in path.split("."):
        resource = resource.get(name) if isinstance(resource, dict) else None
    return resource or None


def _attempt(resource: Resource) -> int:
    return int(_at(resource, "spec.attempt") or 1)


def _is_next(old: Resource, new: Resource) -> bool:
    return _attempt(new) > _attempt(old)


def _decision(resource: Resource) -> Any:
    return _at(resource, "spec.approval")


def _carried_on(old: Resource, new: Resource) -> bool:
    return _is_next(old, new) and _decision(old) is not None and _decision(old) == _decision(new)


def _revised(old: Resource, new: Resource) -> bool:
    return not _is_next(old, new) and _decision(old) is not None and _decision(old) != _decision(new)


def _late(old: Resource, new: Resource) -> bool:
    ended = (_at(old, "status.phase") or StagePhase.WAITING) not in _DECIDABLE
    return ended and not _is_next(old, new) and _decision(old) is None and _decision(new) is not None


_ATTEMPTS = "(has(self.spec.attempt) ? self.spec.attempt : 1) {} (has(oldSelf.spec.attempt) ? oldSelf.spec.attempt : 1)"
_NEXT, _SAME = _ATTEMPTS.format(">"), _ATTEMPTS.format("<=")
_OLD, _NEW = "has(oldSelf.spec.approval)", "has(self.spec.approval)"
_EQUAL = f"({_NEW} && self.spec.approval == oldSelf.spec.approval)"
_ENDED = f"has(self.status) && has(self.status.phase) && !(self.status.phase in {json.dumps(list(_DECIDABLE))})"

RUN_CHANGES = (
    fixed("strategy", "", _NEW_RUN),
    fixed("variables", "[]", _NEW_RUN),
    fixed("emit", "", _NEW_RUN),
    fixed("contextID", "''", _NEW_RUN),
    fixed("cause", "", _NEW_RUN),
)
"""What a run is made of never changes: its engine may have acted on it."""

STAGE_RUN_CHANGES = (
    fixed("stageName", "", _BY_THE_RUN),
    fixed("stageRef", "", _BY_THE_RUN),
    fixed("contextID", "", _BY_THE_RUN),
    fixed("strategy", "", _BY_THE_RUN),
    fixed("strategyRun", "", _BY_THE_RUN),
    fixed("timeout", "''", _BY_THE_RUN),
    ChangeRule(
        "spec.attempt",
        f"{_SAME} || !{_OLD} || !{_EQUAL}",
        _carried_on,
        "can't be raised while the decision about the last attempt is there",
        "remove spec.approval in the same change: the next attempt waits for a decision of its own",
    ),
    ChangeRule(
        "spec.approval",
        f"{_NEXT} || !{_OLD} || {_EQUAL}",
        _revised,
        "can't be changed once it is set",
        "the decision has been made; to run the stage again raise spec.attempt and remove spec.approval with it",
    ),
    ChangeRule(
        "spec.approval",
        f"{_NEXT} || {_OLD} || !{_NEW} || !({_ENDED})",
        _late,
        "comes too late: the stage is {phase}",
        "to run the stage again raise spec.attempt",
    ),
)
"""People decide, cancel and ask for another attempt. A decision is about one attempt: it stands, comes too late when
that has ended, and is not for another."""

EVENT_CHANGES = tuple(
    fixed(name, empty, "an event is sent once; make another StrategyEvent")
    for name, empty in (("topic", "''"), ("contextID", "''"), ("path", "''"), ("data", ""))
)
