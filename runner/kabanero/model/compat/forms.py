"""The old forms of events: lists of `{attribute, value}` pairs become maps. For triggers, emitted and first events."""

from __future__ import annotations

from collections.abc import Sequence

from kabanero.model.compat.repairs import Repairs
from kabanero.model.compat.vocabulary import ATTRIBUTE_FORM
from kabanero.model.yamltree import Listing, Node, Pair, Scalar, Table

_TOGETHER = "one event is known by all its attributes together"


def normalise_triggers(spec: Table, repairs: Repairs) -> None:
    """`triggers` of a stage: pairs, or `trigger` with pairs below, become entries with `match`."""
    node = spec.get("triggers")
    if node is None or not _has_old_form(node, "trigger", repairs):
        return
    entries: list[Node] = []
    for group in _groups(_entries(node), "trigger"):
        if _is_canonical(group[0]):
            entries.extend(group)
            continue
        match = _merged(group, repairs)
        entries.append(Table([Pair(Scalar("match", match.line), match)], match.line))
        repairs.add(match.line, f"a trigger's attributes -> match: {_shown(match)}", _TOGETHER)
    spec.put("triggers", Listing(entries, node.line))


def normalise_emit(spec: Table, repairs: Repairs) -> None:
    """`emit` of a stage: pairs, or `event` with pairs below, become a list of maps."""
    node = spec.get("emit")
    if node is None or not _has_old_form(node, "event", repairs):
        return
    events: list[Node] = []
    for group in _groups(_entries(node), "event"):
        event = _merged(group, repairs)
        events.append(event)
        repairs.add(event.line, f"an emitted event's attributes -> {_shown(event)}", _TOGETHER)
    spec.put("emit", Listing(events, node.line))


def normalise_first_event(spec: Table, repairs: Repairs) -> None:
    """`emit` of a run or a trigger: one map, `{name: Start_build}`."""
    node = spec.get("emit")
    if isinstance(node, Scalar) or node is None:
        return
    if not isinstance(node, Listing) and not _has_old_form(node, "event", repairs):
        return
    _has_old_form(node, "event", repairs)
    event = _merged(_entries(node), repairs)
    spec.put("emit", event)
    repairs.add(event.line, f"emit -> {_shown(event)}", "a run starts with one event, written as a map")


def _entries(node: Node) -> list[Table]:
    items = node.items if isinstance(node, Listing) else [node]
    return [item for item in items if isinstance(item, Table)]


def _has_old_form(node: Node, wrapper: str, repairs: Repairs) -> bool:
    """Whether the entries are attribute/value pairs, or hold them below `wrapper`; corrects their spelling."""
    entries = _entries(node)
    for entry in entries:
        if not _is_canonical(entry) and entry.get("name") is None:
            repairs.tidy(entry, (*ATTRIBUTE_FORM, wrapper))
    return any(entry.get(wrapper) is not None or _is_pair(entry) for entry in entries)


def _is_canonical(entry: Table) -> bool:
    return entry.get("match") is not None or entry.get("anyOf") is not None


def _is_pair(entry: Table) -> bool:
    return bool(entry.text("attribute")) and entry.get("value") is not None


def _groups(entries: Sequence[Table], wrapper: str) -> list[list[Table]]:
    """Entries that make up one event: what stands below one wrapper, and pairs that follow each other."""
    groups: list[list[Table]] = []
    loose = False
    for entry in entries:
        below = entry.get(wrapper)
        if below is not None:
            groups.append(_entries(below) or [entry])
        elif loose and not _is_canonical(entry):
            groups[-1].append(entry)
        else:
            groups.append([entry])
        loose = below is None and not _is_canonical(entry)
    return groups


def _merged(group: Sequence[Table], repairs: Repairs) -> Table:
    """One map of all attributes: of pairs, and of maps that are in the canonical form already."""
    merged = Table([], group[0].line if group else 1)
    for entry in group:
        if entry.get("name") is None:
            repairs.tidy(entry, ATTRIBUTE_FORM)
        if _is_pair(entry):
            key = entry.text("attribute")
            merged.pairs.append(Pair(Scalar(key, entry.line), entry.get("value") or Scalar("", entry.line)))
        else:
            merged.pairs.extend(entry.pairs)
    return merged


def _shown(table: Table) -> str:
    inner = ", ".join(f"{pair.key.text}: {_brief(pair.value)}" for pair in table.pairs)
    return f"{{{inner}}}"


def _brief(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else "..."
