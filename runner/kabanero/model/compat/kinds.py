"""Brings one document of an older form into the canonical form of its kind, within its tree.

Second step of the compatibility loader; the third, `references`, looks across documents.
"""

from __future__ import annotations

from collections.abc import Callable

from kabanero.model.compat import runs, strategy, trigger
from kabanero.model.compat.config import normalise_config_map
from kabanero.model.compat.fields import repair_fields, repair_name, repair_own_name
from kabanero.model.compat.forms import normalise_emit, normalise_triggers
from kabanero.model.compat.repairs import Repairs
from kabanero.model.kinds.core import CORE_BY_KIND
from kabanero.model.kinds.meta import ObjectMeta
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.nearmiss import near_miss
from kabanero.model.resource import API_VERSION
from kabanero.model.shapes import Shape
from kabanero.model.validation import parts_of
from kabanero.model.yamltree import Listing, Scalar, Table

_ENVELOPE = ("apiVersion", "kind", "metadata", "spec", "status")
_FOREIGN = ("tekton.dev/",)


def normalise(document: Table, custom: frozenset[str], repairs: Repairs) -> None:
    """Brings a document into the canonical form, as far as that can be told from it alone.

    `custom` are kinds that StageKinds of the same load declare.
    """
    repairs.tidy(document, _ENVELOPE)
    _repair_kind(document, custom, repairs)
    kind = document.text("kind")
    if kind == "ConfigMap":
        normalise_config_map(document, repairs)
    if kind in BY_KIND:
        _repair_version(document, repairs)
        _spec_as_map(document, repairs)
        _NORMALISERS.get(kind, _stage if BY_KIND[kind].is_stage else _nothing)(document, repairs)
    _fields(document, kind, repairs)
    metadata = document.get("metadata")
    repair_own_name(metadata if isinstance(metadata, Table) else None, repairs)


def _nothing(_: Table, __: Repairs) -> None:
    """Other kinds have one form only."""


def _repair_kind(document: Table, custom: frozenset[str], repairs: Repairs) -> None:
    kind = document.get("kind")
    known = [*BY_KIND, *CORE_BY_KIND, *custom]
    if not isinstance(kind, Scalar) or kind.text in known:
        return
    if meant := near_miss(kind.text, known):
        repairs.rewrite(kind, meant, "no kind of that name is known, but this one is")


def _repair_version(document: Table, repairs: Repairs) -> None:
    version = document.get("apiVersion")
    if isinstance(version, Scalar) and version.text.startswith(_FOREIGN):
        repairs.rewrite(version, API_VERSION, f"{document.text('kind')} is a kind of {API_VERSION}")


def _spec_as_map(document: Table, repairs: Repairs) -> None:
    spec = document.get("spec")
    if not isinstance(spec, Listing):
        return
    tables = [item for item in spec.items if isinstance(item, Table)]
    if len(tables) < len(spec.items):
        return
    pairs = [pair for table in tables for pair in table.pairs]
    names = [pair.key.text for pair in pairs]
    if len(set(names)) == len(names):
        document.put("spec", Table(pairs, spec.line))
        repairs.add(
            spec.line, f"spec: a list of maps -> one map of {', '.join(names)}", "each field is there once only"
        )


def _stage(document: Table, repairs: Repairs) -> None:
    spec = document.get("spec")
    if not isinstance(spec, Table):
        return
    repairs.tidy(spec, Shape("object", model=BY_KIND[document.text("kind")].spec).fields)
    normalise_triggers(spec, repairs)
    normalise_emit(spec, repairs)
    repair_name(spec, "pipelineName", repairs)
    repair_name(spec, "pipelineNamespace", repairs)


def _fields(document: Table, kind: str, repairs: Repairs) -> None:
    shapes = {name: Shape("object", model=model) for name, model in (parts_of(kind) or {}).items()}
    shapes["metadata"] = Shape("object", model=ObjectMeta)
    for pair in document.pairs:
        if pair.key.text in shapes:
            repair_fields(pair.value, shapes[pair.key.text], repairs)


_NORMALISERS: dict[str, Callable[[Table, Repairs], None]] = {
    "StrategyDefinition": strategy.normalise_strategy,
    "StrategyTrigger": trigger.normalise_trigger,
    "StrategyRun": runs.normalise_run,
    "StageRun": runs.normalise_stage_run,
}
