"""The older form of the ConfigMap that filters Kubernetes events, and the trigger file of a source repository."""

from __future__ import annotations

from dataclasses import dataclass

from kabanero.model.compat.repairs import Repairs
from kabanero.model.compat.vocabulary import FILTER_KEYS, FILTER_NAME
from kabanero.model.nearmiss import near_miss
from kabanero.model.yamltree import Listing, Node, Scalar, Table

_EVENTS = ("Push", "PullRequest")
_RULE_FIELDS = ("event", "allowedBranches", "disallowedBranches", "resourcesDirectory")


@dataclass(frozen=True, slots=True)
class TriggerFileRule:
    """One entry of a repository's `kabanero-strategy.yaml`: on this event, the resources of this folder are applied."""

    event: str
    resources_directory: str
    allowed_branches: tuple[str, ...] = ("*",)
    disallowed_branches: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True)
class TriggerFile:
    """A repository's `kabanero-strategy.yaml`: its rules, or the version of the strategy that is kept elsewhere."""

    rules: tuple[TriggerFileRule, ...] = ()
    strategy_version: str = ""


def trigger_file(root: Node, repairs: Repairs) -> TriggerFile | None:
    """The trigger file that this document is, or None when it is none."""
    if isinstance(root, Table) and {pair.key.text for pair in root.pairs} == {"strategy-version"}:
        return TriggerFile(strategy_version=root.text("strategy-version"))
    if not isinstance(root, Listing) or not root.items:
        return None
    tables = [item for item in root.items if isinstance(item, Table) and item.text("event")]
    if len(tables) < len(root.items):
        return None
    return TriggerFile(tuple(_rule(table, repairs) for table in tables))


def _rule(table: Table, repairs: Repairs) -> TriggerFileRule:
    repairs.tidy(table, _RULE_FIELDS)
    event = table.get("event")
    if isinstance(event, Scalar) and (meant := near_miss(event.text, _EVENTS)) and meant != event.text:
        repairs.rewrite(event, meant, f"possible are {', '.join(_EVENTS)}")
    return TriggerFileRule(
        event=table.text("event"),
        resources_directory=table.text("resourcesDirectory"),
        allowed_branches=_texts(table.get("allowedBranches")) or ("*",),
        disallowed_branches=_texts(table.get("disallowedBranches")),
        line=table.line,
    )


def _texts(node: Node | None) -> tuple[str, ...]:
    items = node.items if isinstance(node, Listing) else [node]
    return tuple(item.text for item in items if isinstance(item, Scalar))


def normalise_config_map(document: Table, repairs: Repairs) -> None:
    """A ConfigMap of our group with its data in a spec becomes one of the core group, lists one entry a line."""
    version, spec = document.get("apiVersion"), document.get("spec")
    if not isinstance(version, Scalar) or version.text == "v1":
        return
    repairs.rewrite(version, "v1", "ConfigMap is a kind of the core group")
    data = spec.get("data") if isinstance(spec, Table) else None
    if isinstance(data, Table) and document.get("data") is None:
        document.pop("spec")
        document.put("data", data)
        repairs.add(data.line, "spec.data -> data", "a ConfigMap has no spec")
        _normalise_filter(document, data, repairs)


def _normalise_filter(document: Table, data: Table, repairs: Repairs) -> None:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Table) else None
    if not isinstance(name, Scalar) or not near_miss(name.text, [FILTER_NAME]):
        return
    if name.text != FILTER_NAME:
        repairs.rewrite(name, FILTER_NAME, "that is the name of the filter that is looked for")
    repairs.tidy(data, FILTER_KEYS)
    for pair in data.pairs:
        if isinstance(pair.value, Listing):
            text = "\n".join(_texts(pair.value))
            pair.value = Scalar(text, pair.value.line, False)
            repairs.add(pair.key.line, f"{pair.key.text}: a list -> one entry a line", "a ConfigMap holds text only")
