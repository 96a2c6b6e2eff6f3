"""From what triggers want to what is watched, asking the store which kinds there are. Used by `kubernetes`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kabanero.model.kubernetes_events import TEKTON
from kabanero.model.matching import GLOB
from kabanero.model.resource import ResourceType
from kabanero.ports import Clock, Store
from kabanero.sources.kubernetes_pipelines import KINDS
from kabanero.sources.kubernetes_refusals import KIND_UNKNOWN, Refusal
from kabanero.sources.kubernetes_wants import Scope, TriggerId, Unknown, Want, scopes_of, types_for

KEPT = timedelta(seconds=60)
_VERSIONS = (f"{TEKTON}/v1", f"{TEKTON}/v1beta1")
_NO_PIPELINES = (
    "spec.events[{rule}]: no kind Pipeline of tekton.dev is served here; is Tekton installed, and is this the cluster "
    "that has it (kabanero serve --store kubernetes)?"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be watched for which rules, and the kinds that are not there.

    `pipelines` are Tekton's kinds with the rules that wait for PipelineChanged, empty when none does.
    """

    scopes: dict[Scope, tuple[Want, ...]] = field(default_factory=dict)
    unknown: dict[TriggerId, list[Refusal]] = field(default_factory=dict)
    pipelines: dict[ResourceType, tuple[Want, ...]] = field(default_factory=dict)

    def scopes_of(self, trigger: TriggerId) -> list[Scope]:
        """What is watched for a trigger."""
        return [scope for scope, wants in self.scopes.items() if any(want.trigger == trigger for want in wants)]

    def add(self, want: Want, types: Iterable[ResourceType]) -> None:
        """Takes in what a rule needs."""
        for scope in scopes_of(want, types):
            self.scopes[scope] = (*self.scopes.get(scope, ()), want)

    def miss(self, want: Want, message: str) -> None:
        """Takes in that a rule's kind is not there."""
        self.unknown.setdefault(want.trigger, []).append(Refusal(KIND_UNKNOWN, message))


class Served:
    """The kinds that the store serves, kept for a time: to ask for all costs a request for each API group."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._types: Sequence[ResourceType] = ()
        self._asked = datetime.min.replace(tzinfo=UTC)

    async def plan(self, wants: Sequence[Want]) -> Plan:
        """What to watch. Where a kind seems missing all are asked for again. Raises the store's errors."""
        if not any(map(_needs_all, wants)):
            return await make_plan(self._store, wants, ())
        if self._clock.now() - self._asked > KEPT:
            await self._ask()
        plan = await make_plan(self._store, wants, self._types)
        if plan.unknown:
            await self._ask()
            plan = await make_plan(self._store, wants, self._types)
        return plan

    async def _ask(self) -> None:
        self._types, self._asked = await self._store.all_types(), self._clock.now()


async def make_plan(store: Store, wants: Sequence[Want], served: Sequence[ResourceType]) -> Plan:
    """The plan, with these kinds known to be served. Raises the store's errors."""
    plan = Plan()
    tekton = await _tekton(store) if any(want.pipelines for want in wants) else []
    for want in wants:
        if want.pipelines:
            _add_pipelines(plan, want, tekton)
        if want.kinds or not want.pipelines:
            await _add(plan, want, store, served)
    return plan


def _needs_all(want: Want) -> bool:
    return bool(want.kinds) and not _is_exact(want)


def _is_exact(want: Want) -> bool:
    """Whether a rule names one kind and one apiVersion, so that nobody has to look through all."""
    named = (*want.kinds, *want.api_versions)
    return len(want.kinds) == len(want.api_versions) == 1 and not any(GLOB.search(each) for each in named)


async def _add(plan: Plan, want: Want, store: Store, served: Sequence[ResourceType]) -> None:
    if _is_exact(want):
        exact = await store.find_type(want.api_versions[0], want.kinds[0])
        served = [exact] if exact else served or list(await store.all_types())
    found = types_for(want, served)
    if isinstance(found, Unknown):
        plan.miss(want, found.message)
    else:
        plan.add(want, found)


def _add_pipelines(plan: Plan, want: Want, tekton: Sequence[ResourceType]) -> None:
    if not tekton:
        plan.miss(want, _NO_PIPELINES.format(rule=want.rule))
    plan.add(want, tekton)
    for type in tekton:
        plan.pipelines[type] = (*plan.pipelines.get(type, ()), want)


async def _tekton(store: Store) -> list[ResourceType]:
    """Pipeline and Task, in that order; empty where Tekton isn't there."""
    for version in _VERSIONS:
        found = [await store.find_type(version, kind) for kind in KINDS]
        if all(found):
            return [each for each in found if each]
    return []
