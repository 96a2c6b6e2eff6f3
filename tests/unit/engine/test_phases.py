"""The tables of phases: complete, and what the documentation draws."""

from __future__ import annotations

from pathlib import Path

import pytest
from kabanero.engine.phases import ACTIVE, BAD, ENDED, EVENT_STATUS, RUN_TRANSITIONS, STAGE_TRANSITIONS, may_go, page
from kabanero.model.kinds.runs import RunPhase, StagePhase

ROOT = Path(__file__).parents[3]


def test_every_phase_stands_in_its_table() -> None:
    assert set(STAGE_TRANSITIONS) == set(StagePhase)
    assert set(RUN_TRANSITIONS) == set(RunPhase)


@pytest.mark.parametrize("end", sorted(ENDED))
def test_an_end_is_left_only_to_be_tried_again(end: StagePhase) -> None:
    again = StagePhase.WAITING if end is StagePhase.SKIPPED else StagePhase.TRIGGERED
    assert [after for after in StagePhase if may_go(end, after)] == [again]


def test_only_what_is_under_way_can_end() -> None:
    assert {before for before in StagePhase if may_go(before, StagePhase.FAILED)} == ACTIVE


def test_every_end_but_skipped_has_a_word_for_events() -> None:
    assert set(EVENT_STATUS) == ENDED - {StagePhase.SKIPPED}
    assert BAD | {StagePhase.SUCCEEDED, StagePhase.SKIPPED} == ENDED


def test_the_reference_page_is_drawn_from_the_tables() -> None:
    assert (ROOT / "docs" / "reference" / "phases.md").read_text() == page()
