"""What holds for every strategy and everything that can be heard, in any order and any number of times."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as some
from kabanero.controllers.run_status import as_json, condensed
from kabanero.engine.inputs import (
    CancelRequested,
    EventArrived,
    Input,
    RetryRequested,
    StageCancelRequested,
    StageEnded,
    StageStarted,
)
from kabanero.engine.outbox import outbox_commands, without_outbox
from kabanero.engine.phases import ACTIVE, ENDED, RUN_TRANSITIONS, STAGE_TRANSITIONS
from kabanero.engine.reducer import reduce
from kabanero.model.kinds.runs import RunPhase, RunStatus, StagePhase, WaitsOn

from tests.unit.engine.worlds import (
    NOW,
    OUTSIDE,
    STAGES,
    Fortune,
    arrival,
    definitions,
    facts_of,
    fortunes,
    outcome,
    started,
    stored,
)

FEW = settings(max_examples=50, deadline=None)
ARRIVALS = some.lists(some.builds(arrival, some.sampled_from(OUTSIDE), some.integers(1, 2)), max_size=3)
NAMES = some.sampled_from([*STAGES, "nobody"])
ATTEMPTS = some.integers(-1, 4)
ANYTHING: some.SearchStrategy[Input] = some.one_of(
    some.builds(
        EventArrived,
        some.text(max_size=4),
        some.dictionaries(some.sampled_from(["name", "status", "topic"]), some.text(max_size=3)),
        some.just("2026-01-01T12:00:00Z"),
    ),
    some.builds(arrival, some.sampled_from(OUTSIDE)),
    some.builds(StageStarted, NAMES, ATTEMPTS, some.sampled_from(WaitsOn)),
    some.builds(
        StageEnded,
        NAMES,
        ATTEMPTS,
        some.sampled_from(StagePhase),
        outputs=some.dictionaries(some.sampled_from(["out-v0", "other"]), some.integers()),
        may_retry=some.booleans(),
    ),
    some.builds(StageEnded, NAMES, some.integers(1, 2), some.sampled_from(sorted(ENDED))),
    some.builds(CancelRequested, some.text(max_size=3), some.integers(0, 3)),
    some.builds(StageCancelRequested, NAMES, some.text(max_size=3), some.integers(0, 2)),
    some.builds(RetryRequested, NAMES, ATTEMPTS),
)
HEARD = some.lists(ANYTHING, max_size=25)


def heard(status: RunStatus, inputs: list[Input]) -> RunStatus:
    for each in inputs:
        status = reduce(status, each, NOW).status
    return status


@settings(max_examples=120, deadline=None)
@given(definitions(), fortunes(), ARRIVALS, some.data())
def test_facts_in_any_order_and_number_come_to_the_same_end(
    definition: dict[str, Any], fortune: Fortune, arrivals: list[EventArrived], data: some.DataObject
) -> None:
    first = started(definition).status
    end, facts = facts_of(first, fortune, arrivals)
    again = data.draw(some.lists(some.sampled_from(facts), max_size=6)) if facts else []
    other = data.draw(some.permutations([*facts, *again]))
    assert outcome(heard(first, other)) == outcome(end)


@FEW
@given(definitions(), fortunes(), ARRIVALS, some.data())
def test_after_a_cancel_the_order_of_what_is_still_told_does_not_matter(
    definition: dict[str, Any], fortune: Fortune, arrivals: list[EventArrived], data: some.DataObject
) -> None:
    first = started(definition).status
    _, facts = facts_of(first, fortune, arrivals)
    before = heard(first, facts[: data.draw(some.integers(0, len(facts)))])
    assume(before.completion_time is None)
    cancelled = reduce(before, CancelRequested("enough", 1), NOW).status
    ends: list[Input] = [fortune.end(stage.name, stage.attempt) for stage in cancelled.stages if stage.phase in ACTIVE]
    one = heard(cancelled, ends)
    other = heard(cancelled, data.draw(some.permutations([*ends, *ends, *arrivals, CancelRequested("enough", 1)])))
    assert outcome(other) == outcome(one)
    assert one.phase is RunPhase.CANCELLED


@FEW
@given(definitions(), fortunes(), ARRIVALS, some.data())
def test_after_a_retry_the_order_of_what_is_still_told_does_not_matter(
    definition: dict[str, Any], fortune: Fortune, arrivals: list[EventArrived], data: some.DataObject
) -> None:
    end, _ = facts_of(started(definition).status, fortune, arrivals)
    stage = data.draw(some.sampled_from([each for each in end.stages if each.phase is not StagePhase.SKIPPED]))
    retry = RetryRequested(stage.name, stage.attempt + 1)
    reopened = reduce(end, retry, NOW).status
    one, facts = facts_of(reopened, fortune, [])
    other = heard(reopened, data.draw(some.permutations([*facts, *facts, retry])))
    assert outcome(other) == outcome(one)


@FEW
@given(definitions(), HEARD)
def test_nothing_that_can_be_heard_in_any_state_makes_the_reducer_fail(
    definition: dict[str, Any], inputs: list[Input]
) -> None:
    status = started(definition).status
    for each in inputs:
        step = reduce(status, each, NOW)
        for _, command in outbox_commands(step.status):
            assert command is not None
        status = step.status


@FEW
@given(definitions(), HEARD)
def test_what_is_heard_twice_in_a_row_is_no_step(definition: dict[str, Any], inputs: list[Input]) -> None:
    status = started(definition).status
    for each in inputs:
        status = reduce(status, each, NOW).status
        twice = reduce(status, each, NOW)
        assert twice.status is status
        assert twice.commands == ()


@FEW
@given(definitions(), HEARD)
def test_phases_move_only_as_the_tables_allow(definition: dict[str, Any], inputs: list[Input]) -> None:
    status = started(definition).status
    for each in inputs:
        new = reduce(status, each, NOW).status
        assert _reachable(RUN_TRANSITIONS, status.phase, new.phase)
        for before, after in zip(status.stages, new.stages, strict=True):
            assert before.name == after.name
            assert before.attempt <= after.attempt
            assert _reachable(STAGE_TRANSITIONS, before.phase, after.phase)
        status = new


def _reachable(table: Any, before: Any, after: Any) -> bool:
    """One step of the engine may take several transitions (triggered, and its early end taken in)."""
    seen, todo = {before}, [before]
    while todo:
        for phase in table[todo.pop()]:
            if phase not in seen:
                seen.add(phase)
                todo.append(phase)
    return after in seen


@FEW
@given(definitions(), HEARD)
def test_an_ended_run_stays_as_it_is_until_somebody_wants_a_stage_again(
    definition: dict[str, Any], inputs: list[Input]
) -> None:
    status = started(definition).status
    for each in inputs:
        step = reduce(status, each, NOW)
        if status.completion_time and not isinstance(each, RetryRequested):
            assert step.status is status
        status = step.status
        idle = not any(stage.phase in ACTIVE for stage in status.stages)
        assert bool(status.completion_time) == (status.phase not in (RunPhase.PENDING, RunPhase.RUNNING))
        if status.completion_time:
            assert idle
            assert all(stage.phase in ENDED for stage in status.stages)


@FEW
@given(definitions(), HEARD)
def test_a_status_that_was_stored_in_between_goes_on_as_if_it_had_not(
    definition: dict[str, Any], inputs: list[Input]
) -> None:
    kept = read = started(definition).status
    for each in inputs:
        one, other = reduce(kept, each, NOW), reduce(stored(read), each, NOW)
        assert stored(one.status) == stored(other.status)
        assert (one.commands == ()) == (other.commands == ())
        kept, read = one.status, other.status


@FEW
@given(definitions(), HEARD, some.data())
def test_clearing_the_outbox_between_steps_changes_nothing_but_the_outbox(
    definition: dict[str, Any], inputs: list[Input], data: some.DataObject
) -> None:
    kept = cleared = started(definition).status
    for each in inputs:
        done = {entry.id for entry in cleared.outbox}
        cleared = without_outbox(cleared, done) if data.draw(some.booleans()) else cleared
        kept, cleared = reduce(kept, each, NOW).status, reduce(cleared, each, NOW).status
        assert as_json(condensed(kept)) == as_json(condensed(cleared))


@FEW
@given(definitions(), HEARD)
def test_every_command_lies_in_the_outbox_and_comes_back_out_as_it_was(
    definition: dict[str, Any], inputs: list[Input]
) -> None:
    status = started(definition).status
    for each in inputs:
        step = reduce(status, each, NOW)
        found = [command for _, command in outbox_commands(stored(step.status))]
        last = {str(entry.id): entry for entry in step.status.outbox}
        assert len(last) == len(step.status.outbox)
        assert all(command in found or _replaced(command, step.commands) for command in step.commands)
        status = step.status


def _replaced(command: Any, commands: tuple[Any, ...]) -> bool:
    """A later command of the same step about the same effect takes its place."""
    later = commands[commands.index(command) + 1 :]
    return any(type(each) is type(command) and getattr(each, "stage", 0) == command.stage for each in later)
