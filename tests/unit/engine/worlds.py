"""Random strategies, and what happens in a run of one: the world's side of the engine's property tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as some
from kabanero.controllers.run_status import as_json
from kabanero.engine.inputs import EventArrived, Input, StageEnded, StageStarted
from kabanero.engine.phases import ACTIVE, EVENT_STATUS
from kabanero.engine.pinning import pin
from kabanero.engine.reducer import Step, begin, reduce
from kabanero.model.kinds.runs import RunStatus, StagePhase, StrategyRunSpec, WaitsOn

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
STAGES = ("A", "B", "C", "D", "E/1")
OUTSIDE = ("X", "Y")
VARIABLES = ("v0", "v1")
MOST_ATTEMPTS = 6


def matches(names: tuple[str, ...]) -> some.SearchStrategy[dict[str, str]]:
    """One match: by name, and usually by status."""
    status = some.sampled_from(["", "Success", "Success", "Failed", "Failed"])
    return some.builds(
        lambda name, status: {"name": name, "status": status} if status and name != "Start" else {"name": name},
        some.sampled_from(names),
        status,
    )


def entries(names: tuple[str, ...]) -> some.SearchStrategy[dict[str, Any]]:
    """A trigger entry: one event, or one of several."""
    one = matches(names).map(lambda match: {"match": match})
    several = some.lists(matches(names), min_size=2, max_size=3).map(
        lambda found: {"anyOf": [{"match": match} for match in found]}
    )
    return some.one_of(one, several)


def triggers(earlier: tuple[str, ...], names: tuple[str, ...]) -> some.SearchStrategy[list[dict[str, Any]]]:
    """Mostly what an earlier stage leads to, so that most stages run; sometimes a join, a cycle, or nothing at all."""
    likely = some.lists(entries(earlier), min_size=1, max_size=1)
    join = some.lists(entries(earlier), min_size=2, max_size=2)
    return some.one_of(likely, likely, likely, join, some.lists(entries(names), max_size=2))


def emissions(stage: str) -> some.SearchStrategy[list[dict[str, str]]]:
    """What a stage emits: usually its name with its status, sometimes another event or one on another topic."""
    own = {"name": stage, "status": "$stage_status"}
    more = some.sampled_from(
        [
            {"name": "A", "status": "Success"},
            {"name": f"also {stage}", "context": "${contextID}"},
            {"name": stage, "status": "$stage_status", "topic": "Integration_A"},
        ]
    )
    return some.lists(more, max_size=1).map(lambda extra: [own, *extra])


@some.composite
def definitions(draw: some.DrawFn) -> dict[str, Any]:
    """A StrategyDefinition: joins, alternatives, compensation, retries, outputs, outside events, cycles."""
    stages = STAGES[: draw(some.integers(1, len(STAGES)))]
    names = ("Start", *stages, *OUTSIDE)
    bindings = []
    for index, stage in enumerate(stages):
        outputs = draw(some.lists(some.sampled_from(VARIABLES), max_size=2, unique=True))
        first = [{"match": {"name": "Start"}}]
        bindings.append(
            {
                "stageName": stage,
                "stageRef": {"kind": "PlaybookStage", "name": "any"},
                "triggers": draw(triggers(("Start", *stages[:index]), names)) if index else first,
                "emit": draw(emissions(stage)),
                "retries": draw(some.sampled_from([0, 0, 0, 1, 2])),
                "resourceBindings": {
                    "input": [{"stageVariable": "seen", "strategyVariable": "v0"}],
                    "output": [{"stageVariable": f"out-{name}", "strategyVariable": name} for name in outputs],
                },
            }
        )
    variables = [{"name": name, "type": "string", "default": "before"} for name in VARIABLES]
    spec = {"strategyVariables": variables, "stageBindings": bindings, "externalEvents": list(OUTSIDE)}
    return {"metadata": {"name": "any", "generation": 1}, "spec": spec}


def started(definition: dict[str, Any], **spec: Any) -> Step:
    """The first step of a run of the definition."""
    given = {"strategy": "any", "emit": {"name": "Start"}, **spec}
    return begin(
        StrategyRunSpec.model_validate(given), "any-1", pin("any", definition, {}), "20260101120000000-1a2b3c4d5e", NOW
    )


def stored(status: RunStatus) -> RunStatus:
    """The status as it comes back from a store."""
    return RunStatus.model_validate(as_json(status))


ENDS = some.sampled_from([*[StagePhase.SUCCEEDED, StagePhase.FAILED] * 3, *EVENT_STATUS])


@dataclass(frozen=True)
class Fortune:
    """How each attempt of each stage ends; what is not named succeeds."""

    bad: dict[tuple[str, int], StagePhase]
    interrupted: frozenset[tuple[str, int]]

    def end(self, stage: str, attempt: int) -> StageEnded:
        """The one end of this attempt."""
        phase = self.bad.get((stage, attempt), StagePhase.SUCCEEDED)
        outputs = {f"out-{name}": f"{stage} {attempt} {name}" for name in VARIABLES}
        cut_off = (stage, attempt) in self.interrupted and attempt < MOST_ATTEMPTS
        if cut_off:
            return StageEnded(stage, attempt, StagePhase.ERRORED, "Interrupted", "machine died", {}, may_retry=True)
        return StageEnded(stage, attempt, phase, "Because", f"{stage} said {phase}", outputs)


@some.composite
def fortunes(draw: some.DrawFn) -> Fortune:
    """Any fortune."""
    attempts = some.tuples(some.sampled_from(STAGES), some.integers(1, 3))
    first = {(stage, 1): draw(ENDS) for stage in STAGES}
    return Fortune(
        first | draw(some.dictionaries(attempts, ENDS, max_size=4)), draw(some.frozensets(attempts, max_size=2))
    )


def arrival(name: str, number: int = 1) -> EventArrived:
    """A declared event from outside."""
    attributes = {"name": name, "status": "Success"}
    return EventArrived(f"/tests#{name}-{number}", attributes, "2026-01-01T12:00:00Z", f"/tests#{name}-{number}")


def facts_of(status: RunStatus, fortune: Fortune, arrivals: list[EventArrived]) -> tuple[RunStatus, list[Input]]:
    """Carries a run on until nothing is under way; returns how it came out and all that was told on the way."""
    told: list[Input] = []

    def tell(what: Input) -> None:
        nonlocal status
        told.append(what)
        status = reduce(status, what, NOW).status

    for event in arrivals:
        tell(event)
    while active := [stage for stage in status.stages if stage.phase in ACTIVE]:
        stage = active[-1]
        tell(StageStarted(stage.name, stage.attempt, WaitsOn.PLAYBOOK))
        tell(fortune.end(stage.name, stage.attempt))
    return status, told


def outcome(status: RunStatus) -> dict[str, Any]:
    """All that must not depend on the order in which facts were heard."""
    return {
        "phase": status.phase,
        "conditions": [(each.type, each.status, each.reason, each.message) for each in status.conditions],
        "summary": status.summary,
        "variables": status.variables,
        "stages": [
            (each.name, each.phase, each.attempt, each.interruptions, each.reason, each.waits_on, each.sets)
            for each in status.stages
        ],
        "events": {each.id: each.attributes for each in status.events if each.stage},
        "pending": status.pending_ends,
        "effects": {
            (entry.id, entry.command, str(entry.arguments.get("phase")), str(entry.arguments.get("attributes")))
            for entry in status.outbox
        },
    }
