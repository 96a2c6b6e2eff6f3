"""How much work the verifier has with strategies of many stages."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import pytest
from kabanero.engine.verify import verify

from tests.unit.engine.strategies import STAGES, Json, definition, stage


def calls(strategy: Json) -> int:
    """How many functions it takes to verify a strategy."""
    count = 0

    def profile(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        verify(strategy, STAGES)
    finally:
        sys.setprofile(before)
    return count


def chain(length: int, first: str = "Start") -> Json:
    names = [f"s{number:04}" for number in range(length)]
    links = [stage(name, f"{before} Success") for before, name in pairwise(names)]
    return definition(*reversed(links), stage(names[0], first))


def ladder(length: int) -> Json:
    """Pairs of stages, each waiting for both of the pair before."""
    bindings = [stage("a0", "Start"), stage("b0", "Start")]
    for number in range(1, length // 2):
        waits = (f"a{number - 1} Success", f"b{number - 1} Success")
        bindings += [stage(f"a{number}", *waits), stage(f"b{number}", *waits)]
    return definition(*bindings)


def broken(length: int) -> Json:
    """A chain that nothing starts."""
    strategy = chain(length)
    strategy["spec"]["stageBindings"][-1]["triggers"] = []
    return strategy


def misspelt(length: int) -> Json:
    """Stages that all wait for something that nothing emits."""
    return definition(stage("a", "Start"), *(stage(f"s{each}", f"nothing{each} Success") for each in range(length)))


def ring(length: int) -> Json:
    """Each stage waits for the next, and the first also for the start."""
    names = [f"s{number:04}" for number in range(length)]
    around = [*names[1:], names[0]]
    return definition(
        stage(names[0], f"{names[1]} Success | Start"),
        *(stage(name, f"{before} Success") for name, before in zip(names[1:], around[1:], strict=True)),
    )


@pytest.mark.parametrize("shape", [chain, ladder, broken, misspelt, ring])
def test_the_work_grows_with_the_strategy_and_not_with_its_square(shape: Any) -> None:
    verify(shape(4), STAGES)
    assert calls(shape(600)) < 2.4 * calls(shape(300))


def test_a_chain_of_thousands_of_stages_is_no_problem() -> None:
    assert verify(chain(3000), STAGES) == []


def test_every_stage_behind_a_long_dead_chain_is_named_and_no_path_is_endless() -> None:
    findings = verify(broken(300), STAGES)
    assert len([each for each in findings if each.code == "unreachable"]) == 300
    assert max(len(each.trail) for each in findings) <= 13
