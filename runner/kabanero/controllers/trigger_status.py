"""Says in the status of each StrategyTrigger whether it can match events, and if not, what is in the way.

It follows the triggers and the names of the strategies, and hands the triggers on to the source of Kubernetes events,
which answers what it may not or can't watch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from kabanero.controllers.following import follow
from kabanero.controllers.verdicts import ready_condition
from kabanero.engine.triggers import TriggerIndex
from kabanero.engine.verifying.finding import ERROR
from kabanero.engine.verifying.kubernetes_rules import kubernetes_findings
from kabanero.model.errors import ConflictError, InvalidError, KabaneroError, NotFoundError
from kabanero.model.kinds.registry import STRATEGY_DEFINITION, STRATEGY_TRIGGER
from kabanero.model.nearmiss import near_miss
from kabanero.model.resource import Resource
from kabanero.ports import Change, Clock, Store
from kabanero.sources.kubernetes import KubernetesEvents
from kabanero.sources.kubernetes_refusals import Refusal

log = logging.getLogger(__name__)
READY, INVALID, STRATEGY_MISSING, SUSPENDED = "Listening", "Invalid", "StrategyMissing", "Suspended"
RETRY_SECONDS = 5.0
Place = tuple[str, str]


class TriggerStatus:
    """Owns StrategyTrigger.status."""

    def __init__(self, store: Store, clock: Clock, events: KubernetesEvents) -> None:
        self._store, self._clock, self._events = store, clock, events
        self._triggers: dict[Place, Resource] = {}
        self._strategies: set[Place] = set()
        self._listed = {"triggers": asyncio.Event(), "strategies": asyncio.Event()}
        self._due: set[Place] = set()
        self._some = asyncio.Event()
        self._mistakes: dict[Place, tuple[Any, list[str]]] = {}
        events.news = self._asking_due

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_triggers())
            group.create_task(self._follow_strategies())
            group.create_task(self._write())

    async def _follow_triggers(self) -> None:
        async for change in follow(self._store, self._clock, STRATEGY_TRIGGER.type, known=self._triggers):
            if change.change is Change.BOOKMARK:
                self._events.listed()
                self._listed["triggers"].set()
            elif change.change is Change.DELETED:
                self._forget(_place(change.resource))
            else:
                self._triggers[_place(change.resource)] = change.resource
                self._events.put(change.resource)
                self._make_due(_place(change.resource))

    def _forget(self, place: Place) -> None:
        self._triggers.pop(place, None)
        self._mistakes.pop(place, None)
        self._events.drop(*place)

    async def _follow_strategies(self) -> None:
        async for change in follow(self._store, self._clock, STRATEGY_DEFINITION.type, known=self._strategies):
            if change.change is Change.BOOKMARK:
                self._listed["strategies"].set()
                self._all_due()
                continue
            place = _place(change.resource)
            if (change.change is not Change.DELETED) == (place in self._strategies):
                continue
            (self._strategies.discard if change.change is Change.DELETED else self._strategies.add)(place)
            for each in [each for each, trigger in self._triggers.items() if each[0] == place[0]]:
                self._make_due(each)

    def _make_due(self, place: Place) -> None:
        self._due.add(place)
        self._some.set()

    def _all_due(self) -> None:
        self._due.update(self._triggers)
        self._some.set()

    def _asking_due(self) -> None:
        self._due.update(self._events.asking())
        self._some.set()

    # --- writing ---

    async def _write(self) -> None:
        for each in self._listed.values():
            await each.wait()
        while True:
            await self._some.wait()
            self._some.clear()
            places, self._due = self._due, set()
            failed = [place for place in sorted(places) if not await self._tell(place)]
            if failed:
                await self._clock.sleep(RETRY_SECONDS)
                for place in failed:
                    self._make_due(place)

    async def _tell(self, place: Place) -> bool:
        """Whether it was told. What changed meanwhile comes again by itself."""
        await asyncio.sleep(0)  # Of ten thousand triggers nearly none has something new to say.
        trigger = self._triggers.get(place)
        told = self._with_status(trigger) if trigger else None
        try:
            if told is not None:
                await self._store.update(told, status=True)
        except (ConflictError, NotFoundError):
            log.debug("StrategyTrigger %s/%s changed meanwhile", *place)
        except KabaneroError as error:
            log.warning("The status of StrategyTrigger %s/%s can't be told: %s", *place, error)
            return False
        return True

    def _with_status(self, trigger: Resource) -> Resource | None:
        """The trigger with its status; None when that is nothing new."""
        old, generation = trigger.get("status") or {}, trigger["metadata"].get("generation")
        found = self._finding(trigger)
        ready = found.reason == READY
        condition = ready_condition(trigger, ready, found.reason, found.message, self._clock.now())
        status = {"observedGeneration": generation, "conditions": [condition]}
        return None if status == old else {**trigger, "status": status}

    def _finding(self, trigger: Resource) -> Refusal:
        if mistakes := self._mistakes_of(trigger):
            return Refusal(INVALID, "; ".join(mistakes))
        (namespace, name), strategy = _place(trigger), trigger["spec"]["strategy"]
        if (namespace, strategy) not in self._strategies:
            return Refusal(STRATEGY_MISSING, self._missing(namespace, strategy))
        if refusals := self._events.refusals(namespace, name):
            message = "; ".join(dict.fromkeys(each.message for each in refusals))
            return Refusal(refusals[0].reason, message)
        if trigger["spec"].get("suspended"):
            return Refusal(SUSPENDED, "matches nothing until spec.suspended is false")
        return Refusal(READY, f"starts strategy {strategy}")

    def _mistakes_of(self, trigger: Resource) -> list[str]:
        """Found once for each generation."""
        place, now = _place(trigger), (trigger["metadata"].get("uid"), trigger["metadata"].get("generation"))
        known, found = self._mistakes.get(place, (None, []))
        if known != now:
            found = list(_mistakes(trigger))
            self._mistakes[place] = now, found
        return found

    def _missing(self, namespace: str, strategy: str) -> str:
        meant = near_miss(strategy, [name for space, name in self._strategies if space == namespace])
        fix = f"did you mean {meant}?" if meant else "apply it"
        return f"there is no StrategyDefinition {strategy} in namespace {namespace} ({fix})"


def _mistakes(trigger: Resource) -> Iterator[str]:
    try:
        TriggerIndex().add(trigger)
    except (InvalidError, ValidationError) as error:
        yield str(error)
        return
    yield from (str(each) for each in kubernetes_findings(trigger) if each.severity == ERROR)


def _place(resource: Resource) -> Place:
    return resource["metadata"].get("namespace", ""), resource["metadata"]["name"]
