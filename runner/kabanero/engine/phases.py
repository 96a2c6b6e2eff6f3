"""The phases of a stage run and of a run, each as one table; the reducer obeys it and the docs draw it.

`python -m kabanero.engine.phases` prints the page docs/reference/phases.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from kabanero.model.kinds.runs import RunPhase, StagePhase
from kabanero.model.outcomes import OUTCOMES

_S = StagePhase
Way = tuple[str, str]
_ENDS = (_S.SUCCEEDED, _S.FAILED, _S.ERRORED, _S.CANCELLED, _S.TIMED_OUT)

STAGE_TRANSITIONS: Mapping[StagePhase, Mapping[StagePhase, str]] = {
    _S.WAITING: {_S.TRIGGERED: "its triggers are met", _S.SKIPPED: "the run ended without it"},
    _S.TRIGGERED: {
        _S.RUNNING: "its work has begun",
        _S.TRIGGERED: "the next attempt",
        **dict.fromkeys(_ENDS, "its work has ended"),
    },
    _S.RUNNING: {_S.TRIGGERED: "the next attempt", **dict.fromkeys(_ENDS, "its work has ended")},
    **{end: {_S.TRIGGERED: "somebody wants it again"} for end in _ENDS},
    _S.SKIPPED: {_S.WAITING: "the run goes on"},
}

RUN_TRANSITIONS: Mapping[RunPhase, Mapping[RunPhase, str]] = {
    RunPhase.PENDING: {RunPhase.RUNNING: "it begins", RunPhase.ERRORED: "it can't begin"},
    RunPhase.RUNNING: {
        RunPhase.SUCCEEDED: "every failure was compensated",
        RunPhase.FAILED: "a stage failed",
        RunPhase.CANCELLED: "somebody cancelled it",
    },
    RunPhase.SUCCEEDED: {RunPhase.RUNNING: "a stage runs again"},
    RunPhase.FAILED: {RunPhase.RUNNING: "a stage runs again"},
    RunPhase.CANCELLED: {RunPhase.RUNNING: "a stage runs again"},
    RunPhase.ERRORED: {},
}

ENDED = frozenset((*_ENDS, _S.SKIPPED))
ACTIVE = frozenset((_S.TRIGGERED, _S.RUNNING))
BAD = frozenset((_S.FAILED, _S.ERRORED, _S.CANCELLED, _S.TIMED_OUT))

EVENT_STATUS: Mapping[StagePhase, str] = dict(zip(_ENDS, OUTCOMES, strict=True))


def may_go(before: StagePhase, after: StagePhase) -> bool:
    """Whether a stage may go from one phase to another."""
    return after in STAGE_TRANSITIONS[before]


def page() -> str:
    """The reference page with both diagrams."""
    return (
        "# Phases\n\nDrawn from the tables in `runner/kabanero/engine/phases.py`.\n\n"
        f"## Stage runs\n\n{_diagram(STAGE_TRANSITIONS)}\n## Strategy runs\n\n{_diagram(RUN_TRANSITIONS)}"
    )


def _diagram(
    transitions: Mapping[StagePhase, Mapping[StagePhase, str]] | Mapping[RunPhase, Mapping[RunPhase, str]],
) -> str:
    """Phases with the same ways in and out are drawn as one."""
    ways = [(before.value, after.value, why) for before, row in transitions.items() for after, why in row.items()]
    alike: dict[tuple[frozenset[Way], frozenset[Way]], list[str]] = {}
    for phase in dict.fromkeys(each.value for each in transitions):
        into = frozenset((before, why) for before, after, why in ways if after == phase)
        out = frozenset((after, why) for before, after, why in ways if before == phase)
        alike.setdefault((into, out), []).append(phase)
    drawn = {phase: same[0] if len(same) == 1 else "Ended" for same in alike.values() for phase in same}
    named = [f'    state "{", ".join(same)}" as Ended' for same in alike.values() if len(same) > 1]
    lines = dict.fromkeys(f"    {drawn[before]} --> {drawn[after]}: {why}" for before, after, why in ways)
    return "\n".join(["```mermaid", "stateDiagram-v2", *named, f"    [*] --> {ways[0][0]}", *lines, "```", ""])


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
