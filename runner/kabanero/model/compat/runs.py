"""The older forms of StrategyRun and StageRun: variables by their name, status in the spec, states in other words."""

from __future__ import annotations

import re

from kabanero.model.compat.fields import repair_name
from kabanero.model.compat.forms import normalise_first_event
from kabanero.model.compat.repairs import Repairs
from kabanero.model.compat.strategy import stage_reference
from kabanero.model.compat.vocabulary import RUN_FORM, STAGE_PHASES, STAGE_RUN_FORM
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.kinds.runs import StageRunSpec, StrategyRunSpec
from kabanero.model.kinds.trigger import VariableValue
from kabanero.model.names import legal_name
from kabanero.model.nearmiss import fold, near_miss
from kabanero.model.shapes import fields_of
from kabanero.model.yamltree import Listing, Node, Pair, Scalar, Table

_RUN_SUFFIX = re.compile(r"[-_.]\d+$")


def normalise_run(document: Table, repairs: Repairs) -> None:
    """Brings a StrategyRun into the canonical form."""
    spec = document.get("spec")
    if not isinstance(spec, Table):
        return
    repairs.tidy(spec, (*fields_of(StrategyRunSpec), *RUN_FORM))
    repair_name(spec, "strategy", repairs)
    for pair in spec.pairs:
        if pair.key.text == "variableBindings" and spec.get("variables") is None:
            repairs.rename(pair, "variables", "a run gives values; what is bound is in the strategy")
    variables = spec.get("variables")
    if isinstance(variables, Listing):
        variables.items = [_variable(item, repairs) for item in variables.items]
    normalise_first_event(spec, repairs)
    _status_out_of_spec(document, spec, repairs)
    _normalise_run_status(document, repairs)


def normalise_stage_run(document: Table, repairs: Repairs) -> None:
    """Brings a StageRun into the canonical form, as far as it says enough."""
    spec = document.get("spec")
    if not isinstance(spec, Table):
        return
    repairs.tidy(spec, (*fields_of(StageRunSpec), *STAGE_RUN_FORM))
    for pair in spec.pairs:
        if pair.key.text == "stage" and spec.get("stageName") is None:
            repairs.rename(pair, "stageName", "that is the field's name")
    stage_reference(spec, repairs)
    _reference_by_name(spec, repairs)
    _strategy_by_run(spec, repairs)
    repair_name(spec, "strategyRun", repairs)
    repair_name(spec, "strategy", repairs)
    status = document.get("status")
    if isinstance(status, Table):
        _state_to_phase(status, repairs)


def _variable(item: Node, repairs: Repairs) -> Node:
    known = fields_of(VariableValue)
    if not isinstance(item, Table) or len(item.pairs) != 1 or item.pairs[0].key.text in known:
        return item
    pair = item.pairs[0]
    repairs.add(
        pair.key.line, f"{pair.key.text}: ... -> name: {pair.key.text}, value: ...", "each variable is an entry"
    )
    name = Scalar(pair.key.text, pair.key.line, False)
    entries = [Pair(Scalar("name", name.line), name), Pair(Scalar("value", name.line), pair.value)]
    return Table(entries, pair.key.line)


def _status_out_of_spec(document: Table, spec: Table, repairs: Repairs) -> None:
    status = spec.get("status")
    if isinstance(status, Table) and document.get("status") is None:
        spec.pop("status")
        document.put("status", status)
        repairs.add(status.line, "spec.status -> status", "the status stands beside the spec")


def _normalise_run_status(document: Table, repairs: Repairs) -> None:
    status = document.get("status")
    if not isinstance(status, Table):
        return
    _state_to_phase(status, repairs)
    metadata, stages = document.get("metadata"), status.get("stages")
    run = legal_name(metadata.text("name")) if isinstance(metadata, Table) else ""
    for stage in stages.items if isinstance(stages, Listing) else []:
        if isinstance(stage, Table) and stage.get("stageRun") is None:
            _planned_stage(stage, run, repairs)


def _planned_stage(stage: Table, run: str, repairs: Repairs) -> None:
    for pair in stage.pairs:
        if pair.key.text == "stage" and stage.get("name") is None:
            repairs.rename(pair, "name", "that is the field's name")
    _state_to_phase(stage, repairs)
    name = legal_name(f"{run}-{stage.text('name')}")
    stage.put("stageRun", Scalar(name, stage.line, False))
    repairs.add(stage.line, f"stageRun: {name} added", "each stage of a run names its StageRun")


def _state_to_phase(table: Table, repairs: Repairs) -> None:
    for pair in table.pairs:
        if pair.key.text not in ("state", "status") or not isinstance(pair.value, Scalar):
            continue
        meant = near_miss(fold(pair.value.text), STAGE_PHASES)
        if meant and table.get("phase") is None:
            repairs.rename(pair, "phase", "that is the field's name")
            if STAGE_PHASES[meant] != pair.value.text:
                repairs.rewrite(pair.value, STAGE_PHASES[meant], "phases have their own words")


def _reference_by_name(spec: Table, repairs: Repairs) -> None:
    """A stage without a kind whose name is that of a kind: `appsody_build` is an AppsodyBuild."""
    stage = spec.text("stageName")
    kinds = {fold(kind.type.kind): kind.type.kind for kind in BY_KIND.values() if kind.is_stage}
    if spec.get("stageRef") is not None or fold(stage) not in kinds:
        return
    line = spec.line
    kind, name = Scalar(kinds[fold(stage)], line, False), Scalar(stage, line, False)
    spec.put("stageRef", Table([Pair(Scalar("kind", line), kind), Pair(Scalar("name", line), name)], line))
    repairs.add(line, f"stageRef: {kind.text} {stage} added", "the stage is named like this kind")


def _strategy_by_run(spec: Table, repairs: Repairs) -> None:
    run = spec.text("strategyRun")
    context = spec.text("contextID")
    strategy = run.removesuffix(context).rstrip("-_.") if context and run.endswith(context) else ""
    strategy = strategy or _RUN_SUFFIX.sub("", run)
    if spec.get("strategy") is None and strategy and strategy != run:
        spec.put("strategy", Scalar(strategy, spec.line, False))
        repairs.add(spec.line, f"strategy: {strategy} added", f"the run {run} is named after it")
