"""Repairs that hold for every kind: misspelt fields and words, single values where a list belongs, illegal names."""

from __future__ import annotations

from kabanero.model.compat.repairs import Repairs
from kabanero.model.names import is_subdomain, legal_name
from kabanero.model.nearmiss import near_miss
from kabanero.model.shapes import Shape
from kabanero.model.yamltree import Listing, Node, Pair, Scalar, Table

_NAME_RULE = "names of Kubernetes resources are lower-case letters, digits, - and ."
_CONTEXT = "${contextID}"


def repair_fields(node: Node, shape: Shape, repairs: Repairs) -> None:
    """Corrects, wherever the shape knows better, fields, words and lists. Depth is bounded by the tree."""
    if isinstance(node, Table) and shape.form == "object":
        if not shape.is_open:
            repairs.tidy(node, shape.fields)
        for pair in node.pairs:
            _repair_value(pair, shape.fields.get(pair.key.text), repairs)
    elif isinstance(node, Table) and shape.item:
        for pair in node.pairs:
            repair_fields(pair.value, shape.item, repairs)
    elif isinstance(node, Listing) and shape.form == "list" and shape.item:
        for item in node.items:
            repair_fields(item, shape.item, repairs)
    elif isinstance(node, Scalar) and shape.choices:
        _repair_word(node, shape, repairs)


def _repair_value(pair: Pair, shape: Shape | None, repairs: Repairs) -> None:
    if shape is None:
        return
    value = pair.value
    if shape.form == "list" and not isinstance(value, Listing) and not (isinstance(value, Scalar) and value.is_null):
        pair.value = Listing([value], value.line)
        repairs.add(value.line, f"{pair.key.text} -> a list of one", "more than one is possible here")
    repair_fields(pair.value, shape, repairs)


def _repair_word(scalar: Scalar, shape: Shape, repairs: Repairs) -> None:
    meant = near_miss(scalar.text, shape.choices)
    if meant and meant != scalar.text:
        repairs.rewrite(scalar, meant, f"possible are {', '.join(shape.choices)}")


def repair_name(table: Table | None, key: str, repairs: Repairs, place: str = "") -> None:
    """Makes the name of a Kubernetes resource legal. `place` is shown before the key."""
    value = table.get(key) if table else None
    if not isinstance(value, Scalar) or is_subdomain(value.text) or "${" in value.text:
        return
    if legal := legal_name(value.text):
        repairs.rewrite(value, legal, _NAME_RULE, f"{place}{key}")


def repair_own_name(metadata: Table | None, repairs: Repairs) -> None:
    """Makes `metadata.name` legal; one that ends with the contextID becomes `generateName`."""
    name = metadata.get("name") if metadata else None
    if metadata is None or not isinstance(name, Scalar):
        return
    prefix = name.text.removesuffix(_CONTEXT)
    if prefix != name.text and "${" not in prefix and (legal := legal_name(prefix)):
        reason = "a stored name can't hold a variable; the server makes a unique one from this prefix"
        repairs.add(name.line, f"name: {name.text} -> generateName: {legal}-", reason)
        metadata.pairs = [
            Pair(Scalar("generateName", p.key.line), Scalar(f"{legal}-", name.line, False)) if p.value is name else p
            for p in metadata.pairs
        ]
        return
    repair_name(metadata, "name", repairs, "metadata.")
