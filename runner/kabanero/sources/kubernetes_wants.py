"""Which changes the triggers want to hear of, and what must be watched for that. Pure.

A rule says its kinds by `match` or by an `allowed` filter on the attribute `kind`; globs there mean all kinds of the
cluster but those that change with every run. Used by `kubernetes`, which watches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kabanero.model.kinds.trigger import StrategyTriggerSpec, TriggerRule
from kabanero.model.kubernetes_events import HEAD, OF_RUNS, PIPELINE_CHANGED
from kabanero.model.matching import GLOB, CompiledFilter, compile_filter
from kabanero.model.nearmiss import did_you_mean
from kabanero.model.resource import Resource, ResourceType
from kabanero.model.topics import Topic

TriggerId = tuple[str, str]
"""Namespace and name of a StrategyTrigger."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one watch is about: a kind, in one namespace or in all (empty)."""

    type: ResourceType
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.type.plural} {f'in namespace {self.namespace}' if self.namespace else 'in all namespaces'}"


@dataclass(frozen=True, slots=True)
class Want:
    """One rule of a trigger, as far as it can be judged before an event is made.

    `kinds` and `api_versions` are globs or names; `namespaces` those that it is about, empty: any.
    """

    trigger: TriggerId
    rule: int
    kinds: tuple[str, ...]
    api_versions: tuple[str, ...]
    namespaces: tuple[str, ...]
    equal: tuple[tuple[str, str], ...]
    filters: tuple[CompiledFilter, ...]
    pipelines: bool

    def hears(self, head: Mapping[str, str]) -> bool:
        """Whether an event with these attributes may be wanted."""
        return all(head.get(name) == value for name, value in self.equal) and all(
            each.passes(head) for each in self.filters
        )

    def hears_of(self, namespace: str, name: str) -> bool:
        """Whether any event about an object of this name may be wanted."""
        known = {"namespace": namespace, "name": name}
        return all(known.get(at, value) == value for at, value in self.equal) and all(
            each.passes(known) for each in self.filters if each.place in known
        )


def wants_of(trigger: Resource) -> list[Want]:
    """The rules of a trigger on topic KubernetesAPI. Raises InvalidError or ValidationError for one that is broken."""
    id = trigger["metadata"]["namespace"], trigger["metadata"]["name"]
    spec = StrategyTriggerSpec.model_validate(trigger["spec"])
    numbered = enumerate(spec.events)
    return [_want(id, index, rule) for index, rule in numbered if rule.topic == Topic.KUBERNETES_API]


def _want(trigger: TriggerId, index: int, rule: TriggerRule) -> Want:
    says_name = "eventName" in {*rule.match, *(each.attribute for each in rule.filter)}
    return Want(
        trigger,
        index,
        _globs(rule, "kind"),
        _globs(rule, "apiVersion"),
        tuple(each for each in _globs(rule, "namespace") if each) if _is_literal(rule, "namespace") else (),
        tuple((name, value) for name, value in rule.match.items() if name in HEAD),
        tuple(compile_filter(each) for each in rule.filter if each.attribute in HEAD),
        says_name and _may_be(rule, "eventName", PIPELINE_CHANGED),
    )


def _may_be(rule: TriggerRule, attribute: str, value: str) -> bool:
    filters = [compile_filter(each) for each in rule.filter if each.attribute == attribute]
    return rule.match.get(attribute, value) == value and all(each.passes({attribute: value}) for each in filters)


def _globs(rule: TriggerRule, attribute: str) -> tuple[str, ...]:
    """What an attribute may be: the one value of `match`, else what a filter allows; empty when nothing says it."""
    if attribute in rule.match:
        return (rule.match[attribute],)
    allowed = [each.allowed for each in rule.filter if each.attribute == attribute and each.allowed is not None]
    return allowed[0] if allowed else ()


def _is_literal(rule: TriggerRule, attribute: str) -> bool:
    return attribute in rule.match or not any(GLOB.search(each) for each in _globs(rule, attribute))


# --- kinds ---


@dataclass(frozen=True, slots=True)
class Unknown:
    """Kinds that a rule asks for and that can't be watched."""

    trigger: TriggerId
    message: str


def types_for(want: Want, types: Sequence[ResourceType]) -> list[ResourceType] | Unknown:
    """The kinds that a rule asks for, of those that the store holds."""
    place = f"spec.events[{want.rule}]"
    if not want.kinds:
        message = f"{place} names no kind: add kind to match, or a filter on the attribute kind"
        return Unknown(want.trigger, message)
    found: list[ResourceType] = []
    for kind in want.kinds:
        named = [each for each in types if _is_meant(each, kind, want)]
        if not named:
            return Unknown(want.trigger, f"{place}: {_unknown(kind, want, types)}")
        if not GLOB.search(kind) and len(named) > 1:
            choice = " or ".join(sorted(each.api_version for each in named))
            return Unknown(want.trigger, f"{place}: several kinds are called {kind}; add apiVersion: {choice}")
        found += named
    return list(dict.fromkeys(found))


def _is_meant(type: ResourceType, kind: str, want: Want) -> bool:
    head = {"kind": type.kind, "apiVersion": type.api_version}
    if not all(head.get(name, value) == value for name, value in want.equal):
        return False
    if not all(each.passes(head) for each in want.filters if each.place in head):
        return False
    return type.kind == kind or (bool(GLOB.search(kind)) and type.kind not in OF_RUNS and fnmatchcase(type.kind, kind))


def _unknown(kind: str, want: Want, types: Sequence[ResourceType]) -> str:
    of = f" of {' or '.join(want.api_versions)}" if want.api_versions else ""
    others = [each.api_version for each in types if each.kind == kind]
    fix = f"it is served as {' and '.join(others)}" if others else did_you_mean(kind, [each.kind for each in types])
    if not fix or fix.startswith("possible"):
        fix = "is its definition installed, and is this the cluster that has it (kabanero serve --store kubernetes)?"
    return f"no kind {kind}{of} is served here; {fix}"


def scopes_of(want: Want, types: Iterable[ResourceType]) -> Iterator[Scope]:
    """The watches that a rule needs: each namespace that it names, else all of the kind."""
    for type in types:
        if type.namespaced and want.namespaces:
            yield from (Scope(type, namespace) for namespace in want.namespaces)
        else:
            yield Scope(type)
