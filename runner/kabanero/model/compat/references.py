"""Settles what documents of one load mean by each other: stages by kind and name, first events by their spelling.

Last step of the compatibility loader. Only documents that were repaired before are touched, and only where one meaning
is possible: what a strategy does is never decided here, that is the verifier's to report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kabanero.model.compat.fields import repair_name
from kabanero.model.compat.repairs import Repairs
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.names import legal_name
from kabanero.model.nearmiss import fold, near_miss
from kabanero.model.yamltree import Listing, Node, Scalar, Table


@dataclass(frozen=True, slots=True)
class Loading:
    """One document of the load with what was repaired in it."""

    table: Table
    repairs: Repairs

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.table.text("kind")

    @property
    def name(self) -> str:
        """Its name, as far as it has one."""
        metadata = self.table.get("metadata")
        return metadata.text("name") if isinstance(metadata, Table) else ""

    @property
    def spec(self) -> Table:
        """Its spec, empty where there is none."""
        spec = self.table.get("spec")
        return spec if isinstance(spec, Table) else Table([], self.table.line)


def resolve(documents: Sequence[Loading]) -> None:
    """Settles references between the documents, within their trees."""
    stages = [(each.kind, each.name) for each in documents if _is_stage(each)]
    for document in documents:
        if document.repairs:
            for reference in _stage_references(document):
                _resolve_stage(reference, stages, document.repairs)
    for document in documents:
        if document.kind == "StrategyDefinition" and document.repairs:
            _respell_awaited(document, list(_emitted_for(document, documents)))


def _is_stage(document: Loading) -> bool:
    kind = BY_KIND.get(document.kind)
    return kind.is_stage if kind else document.spec.get("resources") is not None


def _stage_references(document: Loading) -> Iterator[Table]:
    holders = [document.spec, *_tables(document.spec.get("stageBindings"))]
    for holder in holders:
        reference = holder.get("stageRef")
        if isinstance(reference, Table):
            yield reference


def _resolve_stage(reference: Table, stages: Sequence[tuple[str, str]], repairs: Repairs) -> None:
    kind, name = reference.get("kind"), reference.get("name")
    if not isinstance(kind, Scalar) or not isinstance(name, Scalar):
        return
    _resolve_kind(kind, name, stages, repairs)
    if (kind.text, name.text) in stages:
        return
    same_kind = [stage for stage_kind, stage in stages if stage_kind == kind.text]
    legal = legal_name(name.text)
    if legal not in same_kind and len(same_kind) == 1:
        repairs.rewrite(name, same_kind[0], f"the only {kind.text} here has this name", "stageRef.name")
    elif legal in same_kind:
        repairs.rewrite(name, legal, f"the {kind.text} here has this name", "stageRef.name")
    else:
        repair_name(reference, "name", repairs, "stageRef.")


def _resolve_kind(kind: Scalar, name: Scalar, stages: Sequence[tuple[str, str]], repairs: Repairs) -> None:
    known = {each.type.kind for each in BY_KIND.values() if each.is_stage} | {kind for kind, _ in stages}
    if kind.text in known:
        return
    named = {stage_kind for stage_kind, stage in stages if stage == legal_name(name.text)}
    meant = near_miss(kind.text, sorted(known))
    if meant is None and len(named) == 1:
        meant = named.pop()
    if meant:
        repairs.rewrite(kind, meant, "no stage kind of that name is known, but this one is", "stageRef.kind")


def _emitted_for(strategy: Loading, documents: Sequence[Loading]) -> Iterator[str]:
    """Names of the events that the strategy, its triggers and its runs emit."""
    for binding in _tables(strategy.spec.get("stageBindings")):
        yield from (event.text("name") for event in _tables(binding.get("emit")))
    for document in documents:
        if document.spec.text("strategy") != strategy.name:
            continue
        for holder in (document.spec, *_tables(document.spec.get("events"))):
            emit = holder.get("emit")
            if isinstance(emit, Table):
                yield emit.text("name")


def _respell_awaited(strategy: Loading, emitted: Sequence[str]) -> None:
    for name in _awaited(strategy):
        spellings = {each for each in emitted if fold(each) == fold(name.text)}
        if name.text not in spellings and len(spellings) == 1:
            strategy.repairs.rewrite(name, spellings.pop(), "the event is emitted in this spelling")


def _awaited(strategy: Loading) -> Iterator[Scalar]:
    for binding in _tables(strategy.spec.get("stageBindings")):
        for trigger in _tables(binding.get("triggers")):
            for entry in (trigger, *_tables(trigger.get("anyOf"))):
                match = entry.get("match")
                name = match.get("name") if isinstance(match, Table) else None
                if isinstance(name, Scalar):
                    yield name


def _tables(node: Node | None) -> list[Table]:
    return [item for item in node.items if isinstance(item, Table)] if isinstance(node, Listing) else []
