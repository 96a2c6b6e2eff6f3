"""Names that people abbreviate, and times before now."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from kabanero.cli.errors import MissingError, UsageError
from kabanero.cli.replay import moment
from kabanero.cli.runs import unabbreviated

RUNS = ["main-7f3a", "main-81bc", "nightly-7f3a", "svc"]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"), [("main-7", "main-7f3a"), ("night", "nightly-7f3a"), ("81bc", "main-81bc"), ("SVC", "svc")]
)
def test_a_beginning_or_an_end_is_enough_where_it_is_unique(said: str, meant: str) -> None:
    assert unabbreviated(said, RUNS, "run") == meant


def test_a_full_name_is_meant_even_when_others_begin_with_it() -> None:
    assert unabbreviated("svc", ["svc", "svc-2"], "run") == "svc"


def test_where_several_are_meant_they_are_listed() -> None:
    with pytest.raises(UsageError, match="any of 2 runs") as caught:
        unabbreviated("7f3a", RUNS, "run")
    assert caught.value.hints == ("main-7f3a, nightly-7f3a",)


def test_where_none_is_meant_the_near_one_is_offered() -> None:
    with pytest.raises(MissingError) as caught:
        unabbreviated("main-7f4b", RUNS, "run")
    assert caught.value.hints == ("did you mean main-7f3a?",)


def test_nothing_abbreviates_nothing() -> None:
    with pytest.raises(MissingError):
        unabbreviated("", RUNS, "run")


@pytest.mark.parametrize(
    ("text", "then"),
    [("30m", "2026-05-01T11:30"), ("1d", "2026-04-30T12:00"), ("2026-05-01T10:00Z", "2026-05-01T10:00")],
)
def test_a_time_is_a_span_before_now_or_a_time(text: str, then: str) -> None:
    assert moment(text, NOW) == datetime.fromisoformat(then + "+00:00")


@pytest.mark.parametrize("text", ["soon", "m", "12", "-3h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no time"):
        moment(text, NOW)
