"""All triggers, indexed: an event is held only against the rules that could match it, of ten thousand a handful.

Fed and asked by the trigger controller; `explain` answers `kabanero explain --event`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.events import Event
from kabanero.model.kinds.runs import RunCause, StrategyRunSpec
from kabanero.model.kinds.trigger import EventFilter, StrategyTriggerSpec, TriggerRule, VariableValue
from kabanero.model.kubernetes_events import SOURCE
from kabanero.model.matching import GLOB, CompiledFilter, attribute, compile_filter
from kabanero.model.nearmiss import near_miss
from kabanero.model.resource import Resource
from kabanero.model.substitution import as_text, substitute
from kabanero.model.topics import Topic

# Attributes that nearly all rules name with the same value tell least; they are used only when there is no other.
COMMON = ("eventName", "repositoryType", "eventType")
Place = tuple[str, str]
Bucket = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Matched:
    """One rule that an event matched."""

    namespace: str
    name: str
    uid: str
    rule_index: int
    rule: TriggerRule
    strategy: str


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """Why one rule did or did not match: an objection for each part that is in the way."""

    rule: int
    matched: bool
    objections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriggerExplanation:
    """The same for a whole trigger."""

    namespace: str
    name: str
    strategy: str
    matched: bool
    suspended: bool
    rules: tuple[RuleExplanation, ...]

    def as_json(self) -> dict[str, Any]:
        """As the API hands it out."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Rule:
    matched: Matched
    wanted: tuple[tuple[tuple[str, ...], str], ...]
    filters: tuple[CompiledFilter, ...]
    bucket: Bucket

    def matches(self, data: Mapping[str, Any]) -> bool:
        return all(_equal(data, parts, value) for parts, value in self.wanted) and all(
            each.passes(data) for each in self.filters
        )


@dataclass(frozen=True, slots=True)
class _Trigger:
    spec: StrategyTriggerSpec
    rules: tuple[_Rule, ...]


class TriggerIndex:
    """Finds the rules that an event matches, in microseconds."""

    def __init__(self) -> None:
        self._triggers: dict[Place, _Trigger] = {}
        self._buckets: dict[Bucket, dict[tuple[str, str, int], _Rule]] = {}
        self._attributes: dict[str, dict[str, int]] = defaultdict(dict)

    def add(self, trigger: Resource) -> None:
        """Takes a StrategyTrigger in. Raises InvalidError when it can't be read; then it is left out."""
        metadata = trigger["metadata"]
        compiled = _compiled(trigger)
        self.remove(metadata["namespace"], metadata["name"])
        self._triggers[metadata["namespace"], metadata["name"]] = compiled
        for rule in compiled.rules if not compiled.spec.suspended else ():
            self._file(rule)

    def remove(self, namespace: str, name: str) -> None:
        """Forgets a trigger, if it is there."""
        trigger = self._triggers.pop((namespace, name), None)
        for rule in trigger.rules if trigger and not trigger.spec.suspended else ():
            self._unfile(rule)

    def places(self) -> set[Place]:
        """Namespace and name of all triggers that are known."""
        return set(self._triggers)

    def match(self, event: Event) -> list[Matched]:
        """The rules that the event matches, in the order of namespace, name and rule."""
        attributes = self._attributes.get(event.topic)
        if not attributes:
            return []
        data = event.data
        found = [rule.matched for rule in self._candidates(event.topic, attributes, data) if rule.matches(data)]
        return sorted(found, key=lambda each: (each.namespace, each.name, each.rule_index))

    def explain(self, event: Event) -> list[TriggerExplanation]:
        """What each trigger makes of the event."""
        return [_explained(*place, trigger, event) for place, trigger in sorted(self._triggers.items())]

    def _candidates(self, topic: str, attributes: Mapping[str, int], data: Mapping[str, Any]) -> Iterator[_Rule]:
        for name in attributes:
            value = attribute(data, name.split(".")) if name else ""
            rules = self._buckets.get((topic, name, as_text(value)))
            if rules:
                yield from rules.values()

    def _file(self, rule: _Rule) -> None:
        topic, name, _ = rule.bucket
        self._buckets.setdefault(rule.bucket, {})[_place(rule)] = rule
        counts = self._attributes[topic]
        counts[name] = counts.get(name, 0) + 1

    def _unfile(self, rule: _Rule) -> None:
        topic, name, _ = rule.bucket
        rules = self._buckets[rule.bucket]
        del rules[_place(rule)]
        if not rules:
            del self._buckets[rule.bucket]
        counts = self._attributes[topic]
        counts[name] -= 1
        if not counts[name]:
            del counts[name]


def _place(rule: _Rule) -> tuple[str, str, int]:
    return rule.matched.namespace, rule.matched.name, rule.matched.rule_index


def _compiled(trigger: Resource) -> _Trigger:
    metadata = trigger["metadata"]
    try:
        spec = StrategyTriggerSpec.model_validate(trigger["spec"])
    except ValidationError as error:
        problems = [Problem(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
        raise InvalidError(f"StrategyTrigger {metadata['name']}", problems) from None
    rules = []
    for index, rule in enumerate(spec.events):
        names = (metadata["namespace"], metadata["name"], metadata.get("uid", ""))
        matched = Matched(*names, index, rule, spec.strategy)
        wanted = tuple((tuple(name.split(".")), value) for name, value in rule.match.items())
        filters = tuple(compile_filter(each) for each in rule.filter)
        rules.append(_Rule(matched, wanted, filters, _bucket(rule)))
    return _Trigger(spec, tuple(rules))


def _bucket(rule: TriggerRule) -> Bucket:
    """The one equality by which a rule is found: the most telling that it has."""
    literal = {each.attribute: each.allowed[0] for each in rule.filter if each.allowed and _is_literal(each)}
    equal = {name: value for name, value in (*literal.items(), *rule.match.items()) if name is not None}
    telling = [name for name in equal if name not in COMMON and name != "branch"]
    name = next(iter(telling or equal), "")
    return rule.topic, name, equal.get(name, "")


def _is_literal(each: EventFilter) -> bool:
    return (
        each.attribute is not None
        and each.allowed is not None
        and len(each.allowed) == 1
        and not GLOB.search(each.allowed[0])
    )


def _equal(data: Mapping[str, Any], parts: tuple[str, ...], value: str) -> bool:
    found = attribute(data, parts)
    return found is not None and as_text(found) == value


# --- explaining ---


def _explained(namespace: str, name: str, trigger: _Trigger, event: Event) -> TriggerExplanation:
    rules = tuple(_explained_rule(rule, event) for rule in trigger.rules)
    matched = any(rule.matched for rule in rules) and not trigger.spec.suspended
    return TriggerExplanation(namespace, name, trigger.spec.strategy, matched, trigger.spec.suspended, rules)


def _explained_rule(rule: _Rule, event: Event) -> RuleExplanation:
    objections = list(_objections(rule, event))
    return RuleExplanation(rule.matched.rule_index, not objections, tuple(objections))


def _objections(rule: _Rule, event: Event) -> Iterator[str]:
    if rule.matched.rule.topic != event.topic:
        yield f"topic is {event.topic}, wanted: {rule.matched.rule.topic}"
        return
    if not meant_for(event, rule.matched.namespace):
        yield f"the event is for namespace {event.data['namespace']}, the trigger is in {rule.matched.namespace}"
    for parts, value in rule.wanted:
        if not _equal(event.data, parts, value):
            yield _difference(event.data, parts, value)
    yield from filter(None, (each.objection(event.data) for each in rule.filters))


def _difference(data: Mapping[str, Any], parts: tuple[str, ...], wanted: str) -> str:
    found, name = attribute(data, parts), ".".join(parts)
    if found is not None:
        return f"{name} is {as_text(found)!r}, wanted: {wanted}"
    meant = near_miss(name, list(data))
    return f"the event has no {name}" + (f"; did you mean {meant}?" if meant else "")


# --- starting ---


def meant_for(event: Event, namespace: str) -> bool:
    """Whether an event may start runs in a namespace: one that came for a namespace stays in it.

    The namespace of a Kubernetes event is only what the event is about; what people send on that topic is not one.
    """
    own = event.data.get("namespace")
    is_kubernetes = event.topic == Topic.KUBERNETES_API and event.source.startswith(SOURCE)
    return not own or own == namespace or is_kubernetes


def run_for(matched: Matched, event: Event, settings: Mapping[str, str], context_id: str) -> StrategyRunSpec:
    """The run that a match starts. Raises InvalidError when a placeholder names nothing in the event."""
    values = {**settings, "event": event.data, "contextID": context_id}
    variables = tuple(
        _variable(each, values, f"spec.events[{matched.rule_index}].variableBindings[{index}]")
        for index, each in enumerate(matched.rule.variable_bindings)
    )
    cause = RunCause(trigger=matched.name, rule=matched.rule_index, event=event.identity)
    return StrategyRunSpec(
        strategy=matched.strategy, contextID=context_id, variables=variables, emit=matched.rule.emit, cause=cause
    )


def _variable(binding: VariableValue, values: Mapping[str, Any], where: str) -> VariableValue:
    fields = binding.model_dump(by_alias=True, exclude_none=True)
    name = fields.pop("name")
    filled = {key: substitute(value, values, f"{where}.{key}") for key, value in fields.items()}
    texts = {key: as_text(value) if key in ("location", "branch", "commit") else value for key, value in filled.items()}
    return VariableValue.model_validate({"name": name, **texts})
