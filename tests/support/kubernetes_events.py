"""The parts of a runner that hear of Kubernetes objects and start runs, over any store; and triggers for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from kabanero.controllers.trigger import TriggerController
from kabanero.controllers.trigger_status import TriggerStatus
from kabanero.engine.triggers import TriggerIndex
from kabanero.model.kinds.registry import STRATEGY_RUN, STRATEGY_TRIGGER
from kabanero.model.resource import Key, Resource
from kabanero.ports import Bus, Clock, EventQuery, Store, StoredEvent
from kabanero.sources.kubernetes import MEMORY_BYTES, KubernetesEvents

from tests.support.runner import resource
from tests.support.strategies import binding, match, playbook_stage

INSTANCE = "test"
TOPIC = "KubernetesAPI"
PATIENCE = 20.0


def trigger(name: str = "watch", *rules: dict[str, Any], strategy: str = "react", **spec: Any) -> Resource:
    """A StrategyTrigger whose rules are about Kubernetes objects."""
    events = [{"topic": TOPIC, "emit": {"name": "Start"}, **rule} for rule in rules]
    return resource("StrategyTrigger", name, {"strategy": strategy, "events": events, **spec})


def strategy(name: str = "react") -> list[Resource]:
    """A strategy of one stage, and the stage."""
    bindings = [binding("look", "PlaybookStage", [match("Start")])]
    definition = {
        "strategyVariables": [{"name": "what", "type": "string"}],
        "stageBindings": bindings,
    }
    return [playbook_stage("look"), resource("StrategyDefinition", name, definition)]


def config_map(name: str, namespace: str = "app1", **data: str) -> Resource:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@contextlib.asynccontextmanager
async def listening(
    store: Store,
    bus: Bus,
    clock: Clock,
    *,
    namespace: str = "kabanero",
    others: Sequence[Any] = (),
    memory: int = MEMORY_BYTES,
) -> AsyncIterator[KubernetesEvents]:
    """The source, and the controllers around it, until the block ends; then nothing of it goes on."""
    events = KubernetesEvents(store, bus, clock, INSTANCE, namespace, memory)
    status = TriggerStatus(store, clock, events)
    triggers = TriggerController(store, bus, clock, TriggerIndex(), {})
    tasks = [asyncio.create_task(each.run()) for each in (events, status, triggers, *others)]
    try:
        yield events
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in done), done


async def until(found: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    """What it returns once that is something."""
    async with asyncio.timeout(seconds):
        while not (value := await found()):
            await asyncio.sleep(0.02)
    return value


async def ready(store: Store, reason: str = "Listening", name: str = "watch", namespace: str = "kabanero") -> Resource:
    """The trigger's condition once its reason is this one, for the generation that it has now."""

    async def condition() -> Resource | None:
        found = await store.get(Key(STRATEGY_TRIGGER.type, namespace, name))
        conditions = (found.get("status") or {}).get("conditions") or [{}]
        current = conditions[0].get("observedGeneration") == found["metadata"]["generation"]
        return conditions[0] if current and conditions[0].get("reason") == reason else None

    found: Resource = await until(condition)
    return found


async def told(bus: Bus, **wanted: Any) -> list[Resource]:
    """The data of all Kubernetes events on the bus, oldest first."""
    stored: Sequence[StoredEvent] = await bus.find(EventQuery(topic=TOPIC, limit=10_000))
    data = [each.event.data for each in reversed(stored)]
    return [each for each in data if all(each.get(name) == value for name, value in wanted.items())]


async def runs(store: Store) -> list[Resource]:
    """All StrategyRuns."""
    return (await store.list(STRATEGY_RUN.type)).items
