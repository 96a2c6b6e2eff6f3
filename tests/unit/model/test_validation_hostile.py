"""Garbage gives problems, never an exception, and costs no more than its size."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.model.errors import Problem
from kabanero.model.kinds.core import CORE_BY_KIND
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.plain import MAX_DEPTH
from kabanero.model.shapes import Shape
from kabanero.model.validation import MOST_PROBLEMS, validate, without_unknown

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
GARBAGE = st.recursive(
    SCALARS | st.binary(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4),
    max_leaves=20,
)


def shaped(shape, depth=0):
    """Mostly what the shape wants, sometimes anything else: garbage that gets far in."""
    if depth > 4:
        return GARBAGE
    if shape.form == "object":
        fields = {name: shaped(inner, depth + 1) for name, inner in shape.fields.items()}
        return GARBAGE | st.fixed_dictionaries({}, optional=fields)
    if shape.form == "list":
        return GARBAGE | st.lists(shaped(shape.item, depth + 1), max_size=3)
    if shape.form == "map":
        return st.dictionaries(st.text(max_size=5), shaped(shape.item, depth + 1), max_size=3)
    return st.sampled_from(shape.choices) | SCALARS if shape.choices else SCALARS


def of_kind(kind):
    known = BY_KIND[kind]
    return st.fixed_dictionaries(
        {"kind": st.just(kind), "apiVersion": st.just("kabanero.io/v1alpha1") | SCALARS},
        optional={
            "metadata": GARBAGE | st.fixed_dictionaries({"name": st.text(max_size=9)}, optional={"labels": GARBAGE}),
            "spec": shaped(Shape("object", model=known.spec)),
            "status": GARBAGE,
        },
    )


@given(GARBAGE)
def test_garbage_gives_problems(garbage):
    found = validate(garbage)
    assert found
    assert all(isinstance(problem, Problem) and problem.reason for problem in found)


@given(st.sampled_from(sorted(BY_KIND)).flatmap(of_kind), st.booleans())
def test_garbage_in_a_known_kind_never_raises(resource, strict):
    assert isinstance(validate(resource, strict=strict), list)


def test_a_date_is_no_text():
    stage = {"kind": "PlaybookStage", "apiVersion": "kabanero.io/v1alpha1", "spec": {"playbook": "a.b.c"}}
    (problem,) = validate({**stage, "metadata": {"name": "a", "labels": {"since": date(2026, 1, 1)}}}, strict=False)
    assert problem.path == "metadata.labels.since"


@given(st.sampled_from(sorted(CORE_BY_KIND)), st.dictionaries(st.text(max_size=8), GARBAGE, max_size=4))
def test_garbage_in_a_core_kind_never_raises(kind, body):
    assert isinstance(validate({**body, "kind": kind, "apiVersion": "v1"}), list)


@given(st.sampled_from(sorted(BY_KIND)).flatmap(of_kind))
def test_pruning_garbage_never_raises(resource):
    assert isinstance(without_unknown(resource), dict)


def nested(levels):
    value = "end"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("levels", [1_000, 100_000])
def test_deep_nesting_is_a_problem_with_its_place(levels):
    run = {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StrategyRun",
        "metadata": {"name": "a"},
        "spec": {"strategy": "main", "variables": [{"name": "v", "value": nested(levels)}]},
    }
    (problem,) = validate(run)
    assert problem.path.startswith("spec.variables[0].value.a.a")
    assert problem.reason == f"is nested more than {MAX_DEPTH} levels deep"


def test_many_problems_are_counted_and_not_all_named():
    run = {"kind": "StrategyRun", "metadata": {"name": "a"}, "spec": {f"x{n}": 1 for n in range(20_000)}}
    found = validate(run)
    assert len(found) == MOST_PROBLEMS + 1
    assert "more problems" in found[-1].reason


def test_a_huge_word_is_shown_shortened():
    (problem,) = validate({"apiVersion": "v1", "kind": "K" * 1_000_000, "metadata": {"name": "a"}})
    assert len(str(problem)) < 500


@pytest.mark.parametrize("value", [2**70, b"x", {1: 2}, "\ud800", {1, 2}])
def test_what_json_cannot_carry_is_named_with_its_place(value):
    run = {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StrategyRun",
        "metadata": {"name": "a"},
        "spec": {"strategy": "main", "variables": [{"name": "v", "value": value}]},
    }
    (problem,) = validate(run)
    assert problem.path == "spec.variables[0].value"
