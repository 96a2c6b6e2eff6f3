"""The older form of a StrategyTrigger: events wrapped in `trigger`, attributes as pairs, loose expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kabanero.model.compat.fields import repair_name
from kabanero.model.compat.forms import normalise_first_event
from kabanero.model.compat.repairs import Repairs
from kabanero.model.compat.vocabulary import EVENT_ATTRIBUTES, TRIGGER_FORM
from kabanero.model.kinds.trigger import StrategyTriggerSpec, TriggerRule
from kabanero.model.nearmiss import near_miss
from kabanero.model.shapes import fields_of
from kabanero.model.yamltree import Listing, Node, Pair, Scalar, Table

_EXPRESSION = re.compile(r"\{\$event\.([\w.]+)\}|\$\{event\.([\w.]+)\}|\$event\.([\w.]+)")
_REPOSITORY_TOPIC = "SourceRepository"


def normalise_trigger(document: Table, repairs: Repairs) -> None:
    """Brings a trigger into the canonical form."""
    spec = document.get("spec")
    if not isinstance(spec, Table):
        return
    repairs.tidy(spec, fields_of(StrategyTriggerSpec))
    repair_name(spec, "strategy", repairs)
    events = spec.get("events")
    if isinstance(events, Listing):
        events.items = [_unwrapped(item, repairs) for item in events.items]
        for rule in events.items:
            _normalise_rule(rule, repairs)


def _unwrapped(item: Node, repairs: Repairs) -> Node:
    repairs.tidy(item, (*fields_of(TriggerRule), *TRIGGER_FORM))
    wrapped = item.get("trigger") if isinstance(item, Table) else None
    if not isinstance(item, Table) or not isinstance(wrapped, Table):
        return item
    repairs.add(item.line, "trigger: its fields stand in the entry itself", "an entry of events is a trigger")
    others = [pair for pair in item.pairs if pair.key.text != "trigger"]
    return Table([*wrapped.pairs, *others], item.line)


def _normalise_rule(rule: Node, repairs: Repairs) -> None:
    if not isinstance(rule, Table):
        return
    repairs.tidy(rule, (*fields_of(TriggerRule), *TRIGGER_FORM))
    _attribute_to_match(rule, repairs)
    normalise_first_event(rule, repairs)
    if repairs and rule.text("topic") in ("", _REPOSITORY_TOPIC):
        for key, scalar in _scalars(rule.get("variableBindings")):
            _repair_expressions(key, scalar, repairs)


def _attribute_to_match(rule: Table, repairs: Repairs) -> None:
    if rule.get("attribute") is None or rule.get("value") is None or rule.get("match") is not None:
        return
    attribute, value = rule.pop("attribute"), rule.pop("value")
    assert attribute and value
    name = attribute.value.text if isinstance(attribute.value, Scalar) else ""
    on_repository = rule.text("topic") in ("", _REPOSITORY_TOPIC)
    known = "eventName" if name == "name" and on_repository else name
    match = Table([Pair(Scalar(known, attribute.key.line), value.value)], attribute.key.line)
    rule.pairs.insert(0, Pair(Scalar("match", attribute.key.line), match))
    shown = value.value.text if isinstance(value.value, Scalar) else "..."
    reason = "the name of a repository's event is in eventName" if known != name else "attributes are written as a map"
    repairs.add(attribute.key.line, f"attribute: {name}, value: {shown} -> match: {{{known}: {shown}}}", reason)


def _scalars(node: Node | None, key: str = "") -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Scalar):
        yield key, node
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _scalars(item, key)
    elif isinstance(node, Table):
        for pair in node.pairs:
            yield from _scalars(pair.value, pair.key.text)


def _repair_expressions(key: str, scalar: Scalar, repairs: Repairs) -> None:
    text = _EXPRESSION.sub(lambda found: f"${{event.{_attribute(key, found)}}}", scalar.text)
    if text != scalar.text:
        repairs.rewrite(
            scalar, text, f"attributes of the event are written ${{event.X}}: {', '.join(EVENT_ATTRIBUTES)}"
        )


def _attribute(key: str, found: re.Match[str]) -> str:
    """The attribute that was meant; one that nothing resembles is that of the field's own name, where there is one."""
    path = next(group for group in found.groups() if group)
    first, dot, rest = path.partition(".")
    meant = near_miss(first, EVENT_ATTRIBUTES) or (key if key in EVENT_ATTRIBUTES else first)
    return f"{meant}{dot}{rest}"
