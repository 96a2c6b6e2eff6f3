"""The older form of a StrategyDefinition: stages named by kind, bindings as lists, variables by part of their name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kabanero.model.compat.forms import normalise_emit, normalise_triggers
from kabanero.model.compat.repairs import Repairs
from kabanero.model.compat.vocabulary import BINDING_FORM
from kabanero.model.kinds.strategy import ResourceBinding, StageBinding, StrategySpec
from kabanero.model.nearmiss import near_miss
from kabanero.model.shapes import fields_of
from kabanero.model.yamltree import Listing, Node, Pair, Scalar, Table

_SIDES = {"inputBinding": "input", "outputBinding": "output"}


def normalise_strategy(document: Table, repairs: Repairs) -> None:
    """Brings a strategy into the canonical form; which stage a stageRef means is settled by `references`."""
    spec = document.get("spec")
    if not isinstance(spec, Table):
        return
    repairs.tidy(spec, fields_of(StrategySpec))
    renamed: dict[str, str] = {}
    for binding in _tables(spec.get("stageBindings")):
        _normalise_binding(binding, renamed, repairs)
    first = spec.get("firstStage")
    if isinstance(first, Scalar) and first.text in renamed:
        repairs.rewrite(first, renamed[first.text], "that is the stage's name in this strategy")
    if repairs:
        _repair_variables(spec, repairs)


def stage_reference(table: Table, repairs: Repairs) -> None:
    """`stageName` and `stageKind` become a `stageRef`, also where the stage has a name of its own beside it."""
    kind = table.pop("stageKind")
    if kind is None or table.get("stageRef") is not None:
        return
    name = table.get("stageName")
    text = name.text if isinstance(name, Scalar) else ""
    reference = Table([Pair(Scalar("kind", kind.key.line), kind.value)], kind.key.line)
    reference.pairs.append(
        Pair(Scalar("name", kind.key.line), Scalar(text, name.line if name else kind.key.line, False))
    )
    position = 1 if table.pairs and table.pairs[0].key.text == "stageName" else 0
    table.pairs.insert(position, Pair(Scalar("stageRef", kind.key.line), reference))
    repairs.add(kind.key.line, f"stageKind -> stageRef.kind, with the name {text}", "kind and name are one reference")


def _normalise_binding(binding: Table, renamed: dict[str, str], repairs: Repairs) -> None:
    repairs.tidy(binding, (*fields_of(StageBinding), *BINDING_FORM))
    stage_reference(binding, repairs)
    _own_name(binding, renamed, repairs)
    _normalise_sides(binding, repairs)
    normalise_triggers(binding, repairs)
    normalise_emit(binding, repairs)


def _own_name(binding: Table, renamed: dict[str, str], repairs: Repairs) -> None:
    own = binding.pop("stage-local-name") or binding.pop("name")
    stage = binding.get("stageName")
    if own is None or not isinstance(own.value, Scalar):
        return
    if isinstance(stage, Scalar):
        renamed[stage.text] = own.value.text
    binding.put("stageName", Scalar(own.value.text, own.key.line, own.value.plain))
    repairs.add(own.key.line, f"{own.key.text} -> stageName: {own.value.text}", "stageName is the name in the strategy")


def _normalise_sides(binding: Table, repairs: Repairs) -> None:
    node = binding.get("resourceBindings")
    if not isinstance(node, Listing):
        return
    sides = Table([], node.line)
    for entry in _tables(node):
        repairs.tidy(entry, (*_SIDES, *_SIDES.values()))
        for pair in entry.pairs:
            _add_side(sides, _SIDES.get(pair.key.text, pair.key.text), pair)
    binding.put("resourceBindings", sides)
    what = f"resourceBindings: a list -> a map of {' and '.join(pair.key.text for pair in sides.pairs)}"
    repairs.add(node.line, what, "each side is there once only")


def _add_side(sides: Table, side: str, pair: Pair) -> None:
    there = sides.get(side)
    if isinstance(there, Listing) and isinstance(pair.value, Listing):
        there.items.extend(pair.value.items)
    else:
        sides.pairs.append(Pair(Scalar(side, pair.key.line), pair.value))


def _repair_variables(spec: Table, repairs: Repairs) -> None:
    """Bindings to undeclared variables whose name is part of one declared variable's name."""
    declared = [table.text("name") for table in _tables(spec.get("strategyVariables"))]
    for binding in _tables(spec.get("stageBindings")):
        sides = binding.get("resourceBindings")
        for side in sides.pairs if isinstance(sides, Table) else []:
            for entry in _tables(side.value):
                repairs.tidy(entry, fields_of(ResourceBinding))
                _repair_variable(entry.get("strategyVariable"), declared, repairs)


def _repair_variable(variable: Node | None, declared: Sequence[str], repairs: Repairs) -> None:
    if not isinstance(variable, Scalar) or variable.text in declared:
        return
    if meant := _containing(variable.text, declared) or near_miss(variable.text, declared):
        repairs.rewrite(variable, meant, f"{variable.text} is not declared; {meant} is the closest variable")


def _containing(word: str, declared: Sequence[str]) -> str | None:
    """The one variable with this word among the words of its name; of several, the one with the fewest words."""
    words = {name: re.split(r"[_\-.]", name) for name in declared}
    found = sorted((name for name in declared if word in words[name]), key=lambda name: len(words[name]))
    alone = len(found) == 1 or (len(found) > 1 and len(words[found[0]]) < len(words[found[1]]))
    return found[0] if alone else None


def _tables(node: Node | None) -> list[Table]:
    return [item for item in node.items if isinstance(item, Table)] if isinstance(node, Listing) else []
