"""What is wrong with a trigger's rules on topic KubernetesAPI: words that its events don't have. Pure.

Called by `verify` for files, and by the controller that owns StrategyTrigger.status.
"""

from __future__ import annotations

from collections.abc import Iterator

from kabanero.engine.verifying.finding import ERROR, WARNING, Finding
from kabanero.engine.verifying.rules import Rule, named_in, said_of
from kabanero.model.kubernetes_events import (
    ATTRIBUTES,
    CREATE,
    DELETE,
    EVENT_NAMES,
    EVENT_TYPES,
    MODIFY,
    OF_RUNS,
    PIPELINE_ATTRIBUTES,
    PIPELINE_CHANGED,
)
from kabanero.model.matching import GLOB
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.resource import Resource
from kabanero.model.topics import Topic

UNKNOWN_ATTRIBUTE = "unknown-attribute"
UNKNOWN_EVENT = "unknown-event"
NO_KIND = "no-kind"
SECRET_CONTENT = "secret-content"
STARTS_ITSELF = "starts-itself"
_MEANT = {
    **dict.fromkeys(("created", "added", "add", "new"), CREATE),
    **dict.fromkeys(("modified", "update", "updated", "change", "changed", "patch"), MODIFY),
    **dict.fromkeys(("deleted", "remove", "removed", "destroy"), DELETE),
}
_BODIES = ("resource", "oldResource")


def kubernetes_findings(trigger: Resource) -> Iterator[Finding]:
    """All findings about the rules of one trigger that hear Kubernetes events."""
    for index, rule in enumerate(trigger["spec"].get("events") or ()):
        if rule.get("topic") == Topic.KUBERNETES_API:
            place = f"spec.events[{index}]"
            yield from _attributes(rule, place)
            yield from _event_names(rule, place)
            yield from _kinds(rule, place)


def _about_pipelines(rule: Rule) -> bool:
    return bool((rule.get("match") or {}).get("eventName") == PIPELINE_CHANGED)


def _attributes(rule: Rule, place: str) -> Iterator[Finding]:
    known = PIPELINE_ATTRIBUTES if _about_pipelines(rule) else ATTRIBUTES
    for where, path in named_in(rule, place):
        name = path.split(".")[0].split("[")[0]
        if name not in known:
            of = PIPELINE_CHANGED if _about_pipelines(rule) else Topic.KUBERNETES_API
            fix = did_you_mean(name, known)
            if _about_pipelines(rule) and name == "kind":
                fix = f"remove it: {PIPELINE_CHANGED} is always about a Pipeline, whose name is name"
            yield Finding(ERROR, UNKNOWN_ATTRIBUTE, where, f"{of} events have no attribute {name}", fix)


def _event_names(rule: Rule, place: str) -> Iterator[Finding]:
    for attribute, possible in (("eventType", EVENT_TYPES), ("eventName", EVENT_NAMES)):
        for said in said_of(rule, attribute):
            if said not in possible and not GLOB.search(said):
                matched = attribute in (rule.get("match") or {})
                where = f"{place}.match.{attribute}" if matched else f"{place}.filter"
                meant = _MEANT.get(said.lower()) or near_miss(said, possible)
                fix = f"did you mean {meant}?" if meant else f"possible: {', '.join(possible)}"
                yield Finding(ERROR, UNKNOWN_EVENT, where, f"no event has {attribute} {said}", fix)


def _kinds(rule: Rule, place: str) -> Iterator[Finding]:
    if _about_pipelines(rule):
        return
    kinds = said_of(rule, "kind")
    if not kinds:
        fix = "add kind to match, or a filter with allowed kinds"
        yield Finding(ERROR, NO_KIND, place, "the rule names no kind, so nothing is watched for it", fix)
    if "Secret" in kinds and any(path.split(".")[0] in _BODIES for _, path in named_in(rule, place)):
        reason = "events about Secrets have neither resource nor oldResource"
        yield Finding(ERROR, SECRET_CONTENT, place, reason, "go by eventType, namespace and name")
    for kind in kinds:
        if kind in OF_RUNS[:2] and not {"name", "namespace"} & set(rule.get("match") or ()):
            reason = f"every run changes a {kind}, so the runs that this starts may start further ones without end"
            yield Finding(WARNING, STARTS_ITSELF, place, reason, "narrow it down by namespace or name")
