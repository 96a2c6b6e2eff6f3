"""Topic KubernetesAPI: watches what the triggers ask for, and puts on the bus what happens to it.

Works over any store: on the embedded one it hears of the kinds that are kept there, on Kubernetes of any kind of the
cluster. Triggers are handed in by the controller that follows them (`put`, `drop`, `listed`), which also asks for
`refusals`. Nothing is watched while no trigger asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kabanero.model.errors import InvalidError, KabaneroError, PermanentError, TemporaryError
from kabanero.model.events import Event
from kabanero.model.resource import Resource
from kabanero.ports import Bus, Clock, Store
from kabanero.sources.kubernetes_changes import Changed, event_of
from kabanero.sources.kubernetes_filter import FILTER_NAME
from kabanero.sources.kubernetes_filter_watch import FilterWatch
from kabanero.sources.kubernetes_marks import Marks
from kabanero.sources.kubernetes_objects import Budget, Seen
from kabanero.sources.kubernetes_pipelines import PIPELINE, PipelineIndex, is_tekton, pipeline_event
from kabanero.sources.kubernetes_plan import Plan, Served
from kabanero.sources.kubernetes_refusals import NOT_PERMITTED, REFUSED_SECONDS, RETRY_SECONDS, STARTING, Refusal
from kabanero.sources.kubernetes_wants import Scope, TriggerId, Want, wants_of
from kabanero.sources.kubernetes_watch import Hearing, ScopeWatch

log = logging.getLogger(__name__)
MEMORY_BYTES = 64 * 1024 * 1024
"""What may be remembered of all objects, so that a modification can be told with what was before."""
PUBLISHED_AT_ONCE = 100


@dataclass(slots=True)
class _Running:
    """A watch, its task, and the rules that it serves."""

    watch: ScopeWatch
    task: asyncio.Task[None]
    wants: tuple[Want, ...]


class KubernetesEvents:
    """`namespace` is the runner's own: there is the filter's ConfigMap, and there the marks are kept.

    `memory` is in bytes. `news` is called when `refusals` may answer anew.
    """

    def __init__(
        self, store: Store, bus: Bus, clock: Clock, instance: str, namespace: str, memory: int = MEMORY_BYTES
    ) -> None:
        self._store, self._bus, self._clock, self._instance = store, bus, clock, instance
        self._marks = Marks(store, clock, namespace, instance)
        self._filter = FilterWatch(store, clock, namespace, self._marks)
        self._budget, self._pipelines = Budget(memory), PipelineIndex()
        self._wants: dict[TriggerId, list[Want]] = {}
        self._served = Served(store, clock)
        self._plan, self._planned = Plan(), dict[TriggerId, list[Want]]()
        self._refused: dict[Scope, Refusal] = {}
        self._running: dict[Scope, _Running] = {}
        self._listed, self._replan = asyncio.Event(), asyncio.Event()
        self._filter.changed = self._say_news
        self.news: Callable[[], None] = lambda: None

    # --- triggers ---

    def put(self, trigger: Resource) -> None:
        """Takes a StrategyTrigger in, instead of what it was before. One that is broken wants nothing."""
        id = trigger["metadata"]["namespace"], trigger["metadata"]["name"]
        try:
            wants = wants_of(trigger)
        except (InvalidError, ValidationError):
            wants = []
        if wants != self._wants.get(id, []):
            self._wants[id] = wants
            self._replan.set()

    def drop(self, namespace: str, name: str) -> None:
        """Forgets a trigger."""
        if self._wants.pop((namespace, name), None):
            self._replan.set()

    def listed(self) -> None:
        """All triggers that are there were put in: from now on, what nobody wants can be forgotten."""
        self._listed.set()

    def asking(self) -> list[TriggerId]:
        """Triggers with rules about Kubernetes objects."""
        return [id for id, wants in self._wants.items() if wants]

    def refusals(self, namespace: str, name: str) -> list[Refusal]:
        """Why a trigger hears less than it asks for."""
        id = namespace, name
        if not self._wants.get(id):
            return []
        of_scopes = [refusal for scope, refusal in self._refused.items() if self._is_for(scope, id)]
        of_filter = [self._filter.refusal] if self._filter.refusal else []
        found = [*self._plan.unknown.get(id, ()), *of_filter, *of_scopes, *self._filtered_out(id)]
        return found or ([] if self._has_begun(id) else [STARTING])

    def _filtered_out(self, trigger: TriggerId) -> Iterator[Refusal]:
        for scope in self._plan.scopes_of(trigger):
            kind, namespaced = scope.type.kind, scope.type.namespaced
            whole = scope.namespace or not namespaced
            if whole and not self._filter.current.passes(kind, scope.namespace, namespaced=namespaced):
                yield Refusal(NOT_PERMITTED, f"the filter {FILTER_NAME} lets no event about {scope} pass")

    def _is_for(self, scope: Scope, trigger: TriggerId) -> bool:
        """Whether a trigger needs a watch; those on Tasks elsewhere are in no plan."""
        wants = self._plan.scopes.get(scope) or (self._running[scope].wants if scope in self._running else ())
        return any(want.trigger == trigger for want in wants)

    def _has_begun(self, trigger: TriggerId) -> bool:
        """Whether all that is watched for the trigger is known, so that every change from now on is heard."""
        serving = [
            self._running.get(each) or self._running.get(Scope(each.type)) for each in self._plan.scopes_of(trigger)
        ]
        planned = self._planned.get(trigger) == self._wants.get(trigger)
        return planned and all(each and each.watch.settled.is_set() for each in serving)

    def _say_news(self) -> None:
        self.news()

    # --- watches ---

    async def run(self) -> None:
        """Until cancelled."""
        await self._listed.wait()
        following: asyncio.Task[None] | None = None
        try:
            while True:
                self._replan.clear()
                if any(self._wants.values()):
                    following = following or asyncio.create_task(self._filter.run())
                    await self._follow_plan()
                elif self._running:
                    await self._follow_plan()
                await self._until_replan()
        finally:
            await _end([each.task for each in self._running.values()] + ([following] if following else []))
            self._running.clear()

    async def _until_replan(self) -> None:
        """Until something changes; kinds that are not there are looked for again after a time."""
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._replan.wait())]
        if self._plan.unknown:
            waits.append(asyncio.create_task(self._clock.sleep(REFUSED_SECONDS)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(waits)

    async def _follow_plan(self) -> None:
        of_triggers = dict(self._wants)
        try:
            self._plan = await self._served.plan([want for each in of_triggers.values() for want in each])
        except KabaneroError as error:
            log.warning("Which kinds there are can't be asked: %s", error)
            await self._clock.sleep(RETRY_SECONDS)
            self._replan.set()
            return
        self._planned, wanted = of_triggers, self._effective()
        for scope in [scope for scope in self._running if scope not in wanted]:
            await self._stop(scope)
        for scope, wants in wanted.items():
            await self._serve(scope, wants)
        if not self._plan.unknown:
            await self._marks.keep_only([*self._plan.scopes, *wanted])
        self.news()

    def _effective(self) -> dict[Scope, tuple[Want, ...]]:
        """What is really watched: a namespace alone only where not all of the kind are, or may not be."""
        wanted = dict(self._plan.scopes)
        for type, wants in self._plan.pipelines.items():
            for namespace in self._pipelines.namespaces() if type.kind != PIPELINE else ():
                wanted.setdefault(Scope(type, namespace), wants)
        for scope in list(wanted):
            wide = Scope(scope.type)
            if scope.namespace and wide in wanted and wide not in self._refused:
                wanted[wide] += wanted.pop(scope)
        return {scope: tuple(dict.fromkeys(wants)) for scope, wants in wanted.items()}

    async def _serve(self, scope: Scope, wants: tuple[Want, ...]) -> None:
        there = self._running.get(scope)
        if there and there.wants == wants:
            return
        begin_at = there.watch.version if there else ""
        if there:
            await self._stop(scope)
        hearing = Hearing(
            told=lambda changes: self._tell(changes, wants),
            begun=self._begun,
            refused=self._refuse,
            worth=lambda namespace, name: _is_worth(scope, wants, namespace, name),
        )
        watch = ScopeWatch(scope, self._store, self._clock, self._marks, hearing, self._budget, begin_at)
        self._running[scope] = _Running(watch, asyncio.create_task(self._run(watch)), wants)

    async def _run(self, watch: ScopeWatch) -> None:
        await self._filter.ready.wait()
        if watch.scope.type.kind != PIPELINE and is_tekton(watch.scope.type):
            for each in [each.watch for each in self._running.values()]:
                if is_tekton(each.scope.type) and each.scope.type.kind == PIPELINE:
                    await each.settled.wait()
        await watch.run()

    async def _stop(self, scope: Scope) -> None:
        await _end([self._running.pop(scope).task])
        self._refused.pop(scope, None)

    def _refuse(self, scope: Scope, refusal: Refusal | None) -> None:
        if self._refused.get(scope) != refusal:
            self._replan.set()
        if refusal:
            self._refused[scope] = refusal
        else:
            self._refused.pop(scope, None)
        self.news()

    # --- events ---

    def _begun(self, scope: Scope, states: Sequence[Seen]) -> None:
        if is_tekton(scope.type) and self._plan.pipelines:
            self._pipelines.begin(scope.type, scope.namespace, states)
            self._look_at_references()

    async def _tell(self, changes: Iterable[Changed], wants: Sequence[Want]) -> None:
        events: list[Event] = []
        for changed in changes:
            events += self._readable_events(changed, wants)
            if len(events) >= PUBLISHED_AT_ONCE:
                await self._publish(events)
                events = []
        await self._publish(events)

    def _readable_events(self, changed: Changed, wants: Sequence[Want]) -> list[Event]:
        """One object that nobody can make an event of must not hold up all others."""
        try:
            return self._events(changed, wants)
        except Exception:
            log.exception("No event could be made of %s %s", changed.type.kind, changed.now.name)
            return []

    def _events(self, changed: Changed, wants: Sequence[Want]) -> list[Event]:
        type, state, now = changed.type, changed.now, self._clock.now()
        of_pipelines = self._pipelines.take(changed) if is_tekton(type) and self._plan.pipelines else []
        self._look_at_references()
        if not self._filter.current.passes(type.kind, state.namespace, namespaced=type.namespaced):
            return []
        head = changed.head()
        found = [event_of(changed, self._instance, now)] if any(want.hears(head) for want in wants) else []
        for each in of_pipelines:
            passes = self._filter.current.passes(each.type.kind, each.pipeline.namespace, namespaced=True)
            if passes and any(want.pipelines and want.hears(each.head()) for want in wants):
                found.append(pipeline_event(each, self._instance, now))
        return found

    def _look_at_references(self) -> None:
        """Tasks in a namespace that is not watched yet may matter from now on."""
        for type in self._plan.pipelines:
            needed = [Scope(type, each) for each in self._pipelines.namespaces()] if type.kind != PIPELINE else []
            if Scope(type) not in self._running and any(each not in self._running for each in needed):
                self._replan.set()

    async def _publish(self, events: Sequence[Event]) -> None:
        """Returns when they are durable; nothing goes past an event that is not, but for one that can't be stored."""
        while events:
            try:
                await self._bus.publish(events)
                return
            except TemporaryError as error:
                log.warning("Events of Kubernetes objects wait: %s", error)
                await self._clock.sleep(RETRY_SECONDS)
            except PermanentError as error:
                if len(events) == 1:
                    log.error("An event is left out, since it can't be stored: %s", error)
                    return
                for each in events:
                    await self._publish([each])
                return


def _is_worth(scope: Scope, wants: Sequence[Want], namespace: str, name: str) -> bool:
    return is_tekton(scope.type) or any(want.hears_of(namespace, name) for want in wants)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
