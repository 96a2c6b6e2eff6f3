"""What starts a strategy, held against it: the variables that a trigger or a run gives, and its first event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kabanero.engine.beginning import starts_of
from kabanero.engine.emitting import fits
from kabanero.engine.verifying.finding import ERROR, WARNING, Finding, in_words
from kabanero.model.kinds.strategy import StrategySpec
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.resource import Resource

UNKNOWN_VARIABLE = "unknown-variable"
GIVEN_TWICE = "given-twice"
NOT_GIVEN = "variable-not-given"
STARTS_NOTHING = "starts-nothing"
START_UNCLEAR = "start-unclear"
UNKNOWN_PLACEHOLDER = "unknown-placeholder"
ROOTS = ("event", "contextID")
_ROOT = re.compile(r"\$\{\s*([^.\[\]{}$\s]+)")
Variables = Sequence[Mapping[str, Any]]


def emits_of(trigger: Resource) -> Iterator[dict[str, str]]:
    """Attributes of the first events that a trigger says."""
    for rule in trigger.get("spec", {}).get("events") or ():
        if rule.get("emit"):
            yield {name: str(value) for name, value in rule["emit"].items()}


def trigger_findings(trigger: Resource, spec: StrategySpec) -> Iterator[Finding]:
    """What is wrong with each entry of a StrategyTrigger."""
    for index, rule in enumerate(trigger["spec"]["events"]):
        place = f"spec.events[{index}]"
        given = rule.get("variableBindings") or ()
        yield from _variables(given, f"{place}.variableBindings", spec)
        yield from _placeholders(given, f"{place}.variableBindings")
        yield from _not_given(given, place, spec)
        yield from _first_event(rule.get("emit"), place, spec)


def run_findings(run: Resource, spec: StrategySpec) -> Iterator[Finding]:
    """What is wrong with a StrategyRun."""
    given = run["spec"].get("variables") or ()
    yield from _variables(given, "spec.variables", spec)
    yield from _not_given(given, "spec", spec)
    yield from _first_event(run["spec"].get("emit"), "spec", spec)


def _variables(given: Variables, place: str, spec: StrategySpec) -> Iterator[Finding]:
    known, seen = [each.name for each in spec.strategy_variables], set()
    for index, each in enumerate(given):
        name, where = each["name"], f"{place}[{index}].name"
        if name not in known:
            fix = did_you_mean(name, known) or "declare it in the strategy's strategyVariables"
            yield Finding(ERROR, UNKNOWN_VARIABLE, where, f"the strategy has no variable {name}", fix)
        elif name in seen:
            reason = f"{name} is given twice, and only the last value counts"
            yield Finding(ERROR, GIVEN_TWICE, where, reason, "remove one of the two")
        seen.add(name)


def _placeholders(given: Variables, place: str) -> Iterator[Finding]:
    """`${evnt.branch}`: what is neither event nor contextID is a setting, so only near misses are told."""
    for index, each in enumerate(given):
        for field, value in each.items():
            for root in _ROOT.findall(value) if isinstance(value, str) else ():
                meant = near_miss(root, ROOTS)
                if meant and meant != root:
                    where, fix = f"{place}[{index}].{field}", f"did you mean {meant}?"
                    yield Finding(WARNING, UNKNOWN_PLACEHOLDER, where, f"${{{root}}} is no part of an event", fix)


def _not_given(given: Variables, place: str, spec: StrategySpec) -> Iterator[Finding]:
    """Required variables without a value, and others that a stage reads and nothing ever sets."""
    names = {each["name"] for each in given}
    stages = spec.stage_bindings
    outputs = {each.strategy_variable for stage in stages for each in stage.resource_bindings.output}
    readers = {each.strategy_variable: stage.stage_name for stage in stages for each in stage.resource_bindings.input}
    for variable in spec.strategy_variables:
        name = variable.name
        if name in names or variable.default is not None:
            continue
        if variable.required:
            reason = f"variable {name} is required and gets no value, so the run is refused"
            yield Finding(ERROR, NOT_GIVEN, place, reason, "give it one, or a default in the strategy")
        elif name in readers and name not in outputs:
            reason = f"stage {readers[name]} reads variable {name}, and nothing gives it a value"
            yield Finding(WARNING, NOT_GIVEN, place, reason, "give it one, or a default in the strategy")


def _first_event(emit: Mapping[str, Any] | None, place: str, spec: StrategySpec) -> Iterator[Finding]:
    if emit:
        event = {name: str(value) for name, value in emit.items()}
        if not any(fits(wanted, event) for wanted in _awaited(spec)):
            reason = f"no stage waits for {in_words(event)}, so the run ends before anything has run"
            names = sorted(starts_of(spec)) or [each["name"] for each in _awaited(spec) if "name" in each]
            yield Finding(ERROR, STARTS_NOTHING, f"{place}.emit.name", reason, did_you_mean(event["name"], names))
    elif len(starts := _starts(spec)) != 1:
        found = "several events could start the strategy" if starts else "no event starts the strategy by itself"
        fix = f"name one in emit: {', '.join(starts)}" if starts else "name in emit the event to begin with"
        yield Finding(ERROR, START_UNCLEAR, place, f"{found}, so the run is refused", fix)


def _awaited(spec: StrategySpec) -> list[dict[str, str]]:
    return [each for stage in spec.stage_bindings for trigger in stage.triggers for each in trigger.alternatives]


def _starts(spec: StrategySpec) -> list[str]:
    """Events with which a run begins that names none, as the engine chooses them."""
    first = {
        each["name"]
        for stage in spec.stage_bindings
        if stage.stage_name == spec.first_stage
        for trigger in stage.triggers
        for each in trigger.alternatives
        if "name" in each
    }
    return sorted(first) or sorted(starts_of(spec))
