"""Names that have to tell things apart and don't: of stages, of their StageRuns, of variables."""

from __future__ import annotations

from collections.abc import Iterator

from kabanero.engine.context import stage_run_name
from kabanero.engine.verifying.finding import ERROR, Finding
from kabanero.model.kinds.strategy import StrategySpec

DUPLICATE_STAGE = "duplicate-stage"
DUPLICATE_VARIABLE = "duplicate-variable"
_RUN = "run"


def names(spec: StrategySpec) -> Iterator[Finding]:
    """Two stages, or two variables, of one name."""
    seen: dict[str, tuple[int, str]] = {}
    for index, binding in enumerate(spec.stage_bindings):
        name = binding.stage_name
        first, other = seen.setdefault(stage_run_name(_RUN, name), (index, name))
        if first != index:
            yield _two_stages(index, name, first, other)
    variables: dict[str, int] = {}
    for index, variable in enumerate(spec.strategy_variables):
        first = variables.setdefault(variable.name, index)
        if first != index:
            reason = f"there are two variables of the name {variable.name}; the other is strategyVariables[{first}]"
            place = f"spec.strategyVariables[{index}].name"
            yield Finding(ERROR, DUPLICATE_VARIABLE, place, reason, "give one of them another name")


def _two_stages(index: int, name: str, first: int, other: str) -> Finding:
    reason = f"there are two stages of the name {name}; the other is stageBindings[{first}]"
    if name != other:
        reason = f"stages {other} and {name} can't be told apart: their StageRuns would have one name"
    place = f"spec.stageBindings[{index}].stageName"
    return Finding(ERROR, DUPLICATE_STAGE, place, reason, "give one of them another name", name)
