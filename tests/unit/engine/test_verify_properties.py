"""The verifier and the engine agree: what it calls sound runs to the end, what it calls unreachable never runs."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as some
from kabanero.engine.inputs import EventArrived, StageEnded
from kabanero.engine.phases import ACTIVE, EVENT_STATUS
from kabanero.engine.pinning import pin
from kabanero.engine.reducer import begin, reduce
from kabanero.engine.verify import unreachable, verify
from kabanero.engine.verifying.starts import first_events
from kabanero.model.kinds.runs import StagePhase, StrategyRunSpec

from tests.unit.engine.strategies import NOW, STAGES, Json, definition, play, stage

NAMES = ("a", "b", "c", "d", "e")
MANY = settings(max_examples=300, deadline=None)
STATUS = some.sampled_from(["", "Success", "Success", "Failed", "TimedOut", "Good"])


def waits(names: tuple[str, ...], status: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    """One entry: one event, or one of two."""
    one = some.builds(lambda name, word: f"{name} {word}".strip(), some.sampled_from(names), status)
    return some.one_of(one, one, some.builds("{} | {}".format, one, one))


@some.composite
def hopeful(draw: some.DrawFn) -> Json:
    """Strategies whose stages want others to succeed; many have a mistake."""
    bindings = []
    for index, name in enumerate(NAMES[: draw(some.integers(1, 5))]):
        likely = waits((*NAMES[:index], "Start"), some.just("")) if index else some.just("Start")
        strange = waits((*NAMES, "z"), some.just(""))
        entries = draw(some.lists(likely, min_size=1, max_size=3))
        if draw(some.integers(0, 9)) == 5:
            entries = draw(some.lists(strange, max_size=2))
        succeeded = [" | ".join(_succeeded(each) for each in entry.split(" | ")) for entry in entries]
        bindings.append(stage(name, *succeeded))
    return definition(*draw(some.permutations(bindings)))


def _succeeded(text: str) -> str:
    return text if text == "Start" else f"{text} Success"


@some.composite
def any_strategy(draw: some.DrawFn) -> Json:
    """Strategies with joins of all sorts of ends, fixed words, circles, two starts and an external event."""
    names = (*NAMES, "Start", "Night", "Rush")
    bindings = []
    for name in NAMES[: draw(some.integers(2, 5))]:
        entries = draw(some.lists(waits(names, STATUS), min_size=1, max_size=3))
        emit = [{"name": name, "status": draw(some.sampled_from(["$stage_status", "$stage_status", "Good"]))}]
        extra = draw(some.sampled_from([[], [], [{"name": "a", "status": "${variables.x}"}], [{"name": "b"}]]))
        bindings.append(stage(name, *dict.fromkeys(entries), emit=emit + extra))
    return definition(*bindings, externalEvents=["Rush"], strategyVariables=[{"name": "x", "default": "Good"}])


@MANY
@given(hopeful())
def test_a_strategy_without_findings_skips_no_stage_when_all_succeed(strategy: Json) -> None:
    findings = verify(strategy, STAGES)
    sound = not findings
    event(f"sound: {sound}")
    assume(sound)
    status = play(strategy)
    assert [each.phase for each in status.stages] == [StagePhase.SUCCEEDED] * len(status.stages)


@MANY
@given(any_strategy(), some.data())
def test_a_stage_that_is_called_unreachable_never_runs_in_any_order(strategy: Json, data: Any) -> None:
    never = unreachable(strategy, STAGES)
    event(f"unreachable: {len(never)}")
    assume(never)
    spec = pin("main", strategy, STAGES)
    first = data.draw(some.sampled_from([*first_events(spec.spec), {"name": "nothing"}]))
    status = begin(StrategyRunSpec(strategy="main", emit=first), "run", spec, "context", NOW).status
    sent = 0
    while active := [each for each in status.stages if each.phase in ACTIVE]:
        if sent < 2 and data.draw(some.booleans()):
            sent += 1
            word = data.draw(some.sampled_from(["Success", "Good", "Failed"]))
            arrived = EventArrived(f"sent/{sent}", {"name": "Rush", "status": word}, "2026-01-01T12:00:00Z")
            status = reduce(status, arrived, NOW).status
            continue
        one = data.draw(some.sampled_from(active))
        phase = data.draw(some.sampled_from(list(EVENT_STATUS)))
        status = reduce(status, StageEnded(one.name, one.attempt, phase), NOW).status
    ran = {each.name for each in status.stages if each.attempt}
    assert not ran & set(never)


@MANY
@given(any_strategy())
def test_every_stage_that_is_called_unreachable_is_in_a_finding(strategy: Json) -> None:
    errors = [each for each in verify(strategy, STAGES) if each.severity == "error"]
    told = {each.stage for each in errors}
    told |= {name for each in errors if each.code == "cycle" for step in each.trail for name in step.names}
    assert set(unreachable(strategy, STAGES)) <= told
