"""Derived names: the same for the same thing, different for different things, and fit for Kubernetes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some
from kabanero.engine.context import context_id, run_name, stage_run_name, work_ident

NOW = datetime(2026, 11, 23, 8, 14, 19, 123456, tzinfo=UTC)
RFC_1123 = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
TEXTS = some.text(max_size=300)


def fits(name: str) -> bool:
    return len(name) <= 253 and RFC_1123.fullmatch(name) is not None


def test_a_context_id_says_when_and_differs_by_identity() -> None:
    assert context_id(NOW, "a").startswith("20261123081419123-")
    assert context_id(NOW, "a") == context_id(NOW, "a") != context_id(NOW, "b")


@given(some.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 1, 1)), some.integers(1, 10**9))
def test_context_ids_sort_by_time(time: datetime, later: int) -> None:
    assert context_id(time, "z") < context_id(time + timedelta(milliseconds=later), "a")


@given(TEXTS, TEXTS)
def test_every_name_fits_kubernetes(run: str, stage: str) -> None:
    name = run_name(run, context_id(NOW, run))
    assert fits(name)
    assert fits(stage_run_name(name, stage))
    assert fits(work_ident(f"{stage_run_name(name, stage)}-1a2b3c4d", 12))


@given(TEXTS, TEXTS)
def test_stages_of_different_names_get_stage_runs_of_different_names(one: str, other: str) -> None:
    same = one.lower() == other.lower()
    assert same or stage_run_name("run-1", one) != stage_run_name("run-1", other)


@given(some.text("ab", min_size=180, max_size=260), some.text("ab", min_size=180, max_size=260))
def test_names_that_had_to_be_cut_stay_different(one: str, other: str) -> None:
    assert one == other or work_ident(one, 1) != work_ident(other, 1)


def test_a_plain_stage_name_is_left_readable() -> None:
    assert stage_run_name("main-1", "deploy") == "main-1-deploy"
