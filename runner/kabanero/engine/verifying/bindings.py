"""Stages that aren't there, and variables bound to resources that aren't there, are of another type or left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kabanero.engine.verifying.finding import ERROR, WARNING, Finding
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.kinds.strategy import ResourceBinding, StageBinding, StrategySpec
from kabanero.model.nearmiss import did_you_mean, fold, near_miss
from kabanero.model.resource import Resource

UNKNOWN_KIND = "unknown-kind"
MISSING_STAGE = "missing-stage"
UNKNOWN_VARIABLE = "unknown-variable"
UNKNOWN_RESOURCE = "unknown-resource"
UNBOUND_INPUT = "unbound-input"
TYPE_MISMATCH = "type-mismatch"
BOUND_TWICE = "bound-twice"
SIDES = ("input", "output")
BUILT_IN = tuple(name for name, kind in BY_KIND.items() if kind.is_stage)
_SAME = {"docker": "image"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is beside the strategy: stages by kind and name, StageKinds by the kind that they declare.

    `complete`: what is not here is nowhere; else it may be on the server. `kinds` None: nobody looked for StageKinds.
    """

    stages: Mapping[tuple[str, str], Resource]
    kinds: Mapping[str, Resource] | None
    complete: bool = True

    def kind(self, name: str) -> Resource | None:
        """The StageKind that declares a kind."""
        return (self.kinds or {}).get(name)


def stages_and_bindings(spec: StrategySpec, around: Surroundings) -> Iterator[Finding]:
    """All that is wrong between the stage bindings and the stages that they name."""
    variables = {each.name: str(each.type) for each in spec.strategy_variables}
    for index, binding in enumerate(spec.stage_bindings):
        place = f"spec.stageBindings[{index}]"
        yield from _variables(binding, place, variables)
        ref = binding.stage_ref
        stage = around.stages.get((ref.kind, ref.name))
        if stage is None:
            yield _missing(binding, place, around)
        else:
            if around.kinds is not None and ref.kind not in (*BUILT_IN, *around.kinds):
                yield _unknown_kind(binding, place, around)
            yield from _Bound(binding, place, variables, _declared(stage, around.kind(ref.kind))).findings()


def _unknown_kind(binding: StageBinding, place: str, around: Surroundings) -> Finding:
    kind, severity = binding.stage_ref.kind, ERROR if around.complete else WARNING
    meant = near_miss(kind, [*BUILT_IN, *(around.kinds or ())])
    reason = f"no kind of stage {kind} is known" + ("" if around.complete else " in these files")
    fix = f"did you mean {meant}?" if meant else "declare it with a StageKind"
    return Finding(severity, UNKNOWN_KIND, f"{place}.stageRef.kind", reason, fix, binding.stage_name)


def _missing(binding: StageBinding, place: str, around: Surroundings) -> Finding:
    ref, severity = binding.stage_ref, ERROR if around.complete else WARNING
    if ref.kind not in (*BUILT_IN, *(around.kinds or ())):
        return _unknown_kind(binding, place, around)
    same = [name for kind, name in around.stages if kind == ref.kind]
    others = [kind for kind, name in around.stages if name == ref.name]
    meant = near_miss(ref.name, same)
    fix = f"did you mean {meant}?" if meant else f"{ref.name} is of kind {others[0]}" if others else "apply it as well"
    reason = f"there is no {ref.kind} {ref.name}" + ("" if around.complete else " in these files")
    return Finding(severity, MISSING_STAGE, f"{place}.stageRef.name", reason, fix, binding.stage_name)


def _variables(binding: StageBinding, place: str, variables: Collection[str]) -> Iterator[Finding]:
    for side, number, each in _each(binding):
        if each.strategy_variable not in variables:
            where = f"{place}.resourceBindings.{side}[{number}].strategyVariable"
            reason = f"the strategy has no variable {each.strategy_variable}"
            fix = did_you_mean(each.strategy_variable, variables) or "declare it in strategyVariables"
            yield Finding(ERROR, UNKNOWN_VARIABLE, where, reason, fix, binding.stage_name)


def _each(binding: StageBinding) -> Iterator[tuple[str, int, ResourceBinding]]:
    for side in SIDES:
        for number, each in enumerate(getattr(binding.resource_bindings, side)):
            yield side, number, each


def _declared(stage: Resource, kind: Resource | None) -> dict[str, dict[str, Any]]:
    """The stage's resources by side and name: those of its kind, and its own."""
    found: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
    for resource in (kind, stage):
        resources = (resource or {}).get("spec", {}).get("resources") or {}
        for side in SIDES:
            found[side] |= {each["name"]: each for each in resources.get(side) or () if "name" in each}
    return found


@dataclass(frozen=True, slots=True)
class _Bound:
    """One stage binding held against what its stage declares."""

    binding: StageBinding
    place: str
    variables: Mapping[str, str]
    declared: Mapping[str, Mapping[str, Any]]

    def findings(self) -> Iterator[Finding]:
        # A stage that declares nothing takes whatever it is given.
        if any(self.declared.values()):
            seen: set[tuple[str, str]] = set()
            for side, number, each in _each(self.binding):
                where = f"{self.place}.resourceBindings.{side}[{number}]"
                yield from self._resource(side, each, where)
                if (side, each.stage_variable) in seen:
                    yield self._twice(each, where)
                seen.add((side, each.stage_variable))
            yield from self._unbound()

    def _resource(self, side: str, each: ResourceBinding, where: str) -> Iterator[Finding]:
        resource = self.declared[side].get(each.stage_variable)
        if resource is None:
            yield self._unknown(side, each, where)
        elif each.strategy_variable in self.variables:
            wanted, given = str(resource.get("type") or "string"), self.variables[each.strategy_variable]
            if _kind_of(wanted) != _kind_of(given):
                reason = f"{each.stage_variable} is of type {wanted}, but variable {each.strategy_variable} is {given}"
                fix = f"bind a variable of type {wanted}, or declare {each.strategy_variable} as {wanted}"
                yield self._finding(TYPE_MISMATCH, where, reason, fix)

    def _unknown(self, side: str, each: ResourceBinding, where: str) -> Finding:
        ref, other = self.binding.stage_ref, SIDES[side == SIDES[0]]
        fix = did_you_mean(each.stage_variable, self.declared[side])
        if each.stage_variable in self.declared[other]:
            fix = f"it is an {other}: bind it under resourceBindings.{other}"
        reason = f"{ref.kind} {ref.name} has no {side} {each.stage_variable}"
        return self._finding(UNKNOWN_RESOURCE, f"{where}.stageVariable", reason, fix or f"it has no {side} at all")

    def _twice(self, each: ResourceBinding, where: str) -> Finding:
        reason = f"{each.stage_variable} is bound twice, and only the last binding counts"
        return self._finding(BOUND_TWICE, f"{where}.stageVariable", reason, "remove one of the two")

    def _unbound(self) -> Iterator[Finding]:
        ref, bound = self.binding.stage_ref, {each.stage_variable for each in self.binding.resource_bindings.input}
        for name, resource in self.declared["input"].items():
            if name not in bound and not resource.get("optional"):
                wanted = str(resource.get("type") or "string")
                fitting = [each for each, type in self.variables.items() if _kind_of(type) == _kind_of(wanted)]
                choice = f", such as {fitting[0]}," if fitting else f" of type {wanted}"
                reason = f"{ref.kind} {ref.name} needs input {name}, and no variable is bound to it"
                fix = f"bind a variable{choice} under resourceBindings.input, or make the input optional"
                where = f"{self.place}.resourceBindings" if any(_each(self.binding)) else self.place
                yield self._finding(UNBOUND_INPUT, where, reason, fix)

    def _finding(self, code: str, place: str, reason: str, fix: str) -> Finding:
        return Finding(ERROR, code, place, reason, fix, self.binding.stage_name)


def _kind_of(type: str) -> str:
    """One name for each type: `docker` and `image` are the same, and case counts for nothing."""
    return _SAME.get(fold(type), fold(type))
