"""The outbox: carries the reducer's commands out. Every effect may be repeated; a repetition changes nothing.

The end of a stage is written into its StageRun last of all. Until then the StageRun says that its stage is under way,
so that after a crash its end is told again, and what was left undone is done: that write acknowledges the whole step.

Called by the strategy_run controller after the status that holds the commands is durable.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import orjson

from kabanero.controllers import stage_runs
from kabanero.controllers.control import control_event
from kabanero.controllers.headstart import Begin, head_start
from kabanero.engine.commands import CancelStage, Command, CreateStageRuns, PublishEvent, SettleStage, StartStage
from kabanero.engine.inputs import Input, StageEnded
from kabanero.model.errors import AlreadyExistsError, ConflictError, KabaneroError, NotFoundError
from kabanero.model.events import Event
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.kinds.runs import RunStatus, StagePhase
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.model.times import rfc3339
from kabanero.ports import Bus, Clock, Store, Write

log = logging.getLogger(__name__)
CONFLICTS = 8
EVENT_TYPE = "io.kabanero.strategy.event"
GONE = "its StageRun was deleted"
EXPECTED = (AlreadyExistsError, ConflictError, NotFoundError)
Made = Mapping[str, Resource]
"""StageRuns by the name of their stage."""
CancelWork = Callable[[str, str], Awaitable[None]]


class Outbox:
    """Turns commands of one run into writes and published events.

    `begin` is told of stages whose work may begin while the write that triggers them is under way.
    """

    begin: Begin | None = None

    def __init__(self, store: Store, bus: Bus, clock: Clock, instance: str, cancel_work: CancelWork) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._instance, self._cancel_work = instance, cancel_work

    async def make_stage_runs(self, run: Resource, status: RunStatus) -> Made | None:
        """Makes those of a run that begins. They only wait, so it may be done beside the write of its status.

        None: something was in the way, so that the run is not to be taken for one that begins.
        """
        results = await self._results(self._create(run, status))
        if any(isinstance(each, KabaneroError) for each in results):
            return None
        return {each["spec"]["stageName"]: each for each in results if not isinstance(each, KabaneroError)}

    async def carry_out(
        self, run: Resource, status: RunStatus, commands: Sequence[Command], *, fresh: Made | None = None
    ) -> None:
        """All commands, in order; raises TemporaryError when they have to be tried again.

        `fresh`: the run begins now and has no StageRuns but these, so that nothing need be looked up. Never for a
        repetition: it would overwrite what has happened to them since.
        """
        first, then, last = _in_turn(commands)
        await self._carry_out(run, status, first, fresh=fresh)
        await self._carry_out(run, status, then)
        events = [event for command in commands for event in self._events(run, status, command)]
        if events:
            await self._bus.publish(events)
        await self._carry_out(run, status, last)

    async def _carry_out(
        self, run: Resource, status: RunStatus, commands: Sequence[Command], *, fresh: Made | None = None
    ) -> None:
        with head_start(self.begin) as announce:
            for _ in range(CONFLICTS):
                if fresh is None:
                    await self._make_missing(run, status, commands)
                writes = [write for command in commands for write in await self._writes(run, status, command, fresh)]
                announce(writes)
                if await self._written(writes):
                    return
                fresh = None
            raise ConflictError(f"the stage runs of {run['metadata']['name']} keep changing")

    async def _written(self, writes: Sequence[Write]) -> bool:
        """Whether everything is in place; False: something was in the way, or has gone since, look again."""
        return not any(isinstance(result, KabaneroError) for result in await self._results(writes))

    async def _results(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        """What came of them. Raises what neither a repetition nor a removal explains."""
        results = await self._store.write_all(writes) if writes else ()
        for result in results:
            if isinstance(result, KabaneroError) and not isinstance(result, EXPECTED):
                raise result
        return results

    async def _writes(self, run: Resource, status: RunStatus, command: Command, fresh: Made | None) -> list[Write]:
        match command:
            case CreateStageRuns():
                wanted = self._create(run, status) if fresh is not None else ()
                return [each for each in wanted if each.resource["spec"]["stageName"] not in (fresh or {})]
            case StartStage():
                return await self._start(run, status, command, fresh)
            case SettleStage():
                return await self._settle(run, status, command, fresh)
            case CancelStage():
                return await self._cancel(run, status, command)
            case _:
                return []

    def _create(self, run: Resource, status: RunStatus) -> list[Write]:
        bindings = status.definition.spec.stage_bindings if status.definition else ()
        return [Write("create", stage_runs.new_stage_run(run, status, binding)) for binding in bindings]

    async def _make_missing(self, run: Resource, status: RunStatus, commands: Sequence[Command]) -> None:
        """A runner that died may have made some of them only. Once one was triggered, what is missing was deleted."""
        if not any(isinstance(command, CreateStageRuns) for command in commands):
            return
        wanted = self._create(run, status)
        found = [await self._stage_run(run, each.resource["spec"]["stageName"]) for each in wanted]
        if any(there and there.get("status") and stage_runs.is_of(there, run) for there in found):
            return
        there = await self._without_strangers(run, wanted)
        await self._written([each for each in wanted if each.resource["metadata"]["name"] not in there])

    async def _without_strangers(self, run: Resource, wanted: Sequence[Write]) -> set[str]:
        """Names of those that stay. What was made for a definition that changed before the status was written goes."""
        known = {each.resource["metadata"]["name"]: each.resource for each in wanted}
        namespace, stay = run["metadata"]["namespace"], set()
        selector = Selector(labels=(Requirement(stage_runs.LABEL_RUN, "=", (run["metadata"]["name"],)),))
        for each in (await self._store.list(STAGE_RUN.type, namespace=namespace, selector=selector)).items:
            name = each["metadata"]["name"]
            if name in known and stage_runs.is_made_as(each, known[name]):
                stay.add(name)
            else:
                with suppress(NotFoundError):  # Raised further, it would say that the run is gone.
                    await self._store.delete(Key(STAGE_RUN.type, namespace, name), uid=each["metadata"]["uid"])
        return stay

    async def _start(self, run: Resource, status: RunStatus, command: StartStage, fresh: Made | None) -> list[Write]:
        stage_run = await self._known(run, status, command.stage, fresh)
        if stage_run is None:
            await self._end_without_stage_run(run, status, command)
            return []
        if (stage_run.get("status") or {}).get("attempt", 0) >= command.attempt:
            return []
        return [Write("update_status", stage_runs.triggered(stage_run, command, self._now()))]

    async def _settle(self, run: Resource, status: RunStatus, command: SettleStage, fresh: Made | None) -> list[Write]:
        stage_run = await self._known(run, status, command.stage, fresh)
        if stage_run is None or stage_runs.is_settled(stage_run, command):
            return []
        return [Write("update_status", stage_runs.settled(stage_run, command, self._now()))]

    async def _cancel(self, run: Resource, status: RunStatus, command: CancelStage) -> list[Write]:
        stage_run = await self._stage_run(run, command.stage)
        if stage_run is None:
            await self._end_without_stage_run(run, status, command)
            return []
        if stage_run["spec"].get("cancel") or stage_run.get("status", {}).get("attempt") != command.attempt:
            return []
        return [Write("update", {**stage_run, "spec": {**stage_run["spec"], "cancel": True}})]

    async def _end_without_stage_run(self, run: Resource, status: RunStatus, command: CancelStage | StartStage) -> None:
        """Its StageRun was deleted: end the work, and tell the run since nobody else will."""
        reason = command.reason if isinstance(command, CancelStage) else ""
        await self._cancel_work(stage_runs.ident_for(run, command.stage, command.attempt), reason or GONE)
        end = StageEnded(command.stage, command.attempt, StagePhase.CANCELLED, "StageRunDeleted", reason or GONE)
        await self.tell(run, status.context_id, f"{command.stage}/{command.attempt}/deleted", end)

    async def tell(self, run: Resource, context: str, id: str, what: Input) -> None:
        """Makes an input for this run durable. `id` is unique in the run for what happened."""
        metadata, now = run["metadata"], self._clock.now()
        names = (self._instance, metadata["namespace"], metadata["name"], context)
        await self._bus.publish([control_event(*names, id, what, now, uid=metadata["uid"])])

    async def _known(self, run: Resource, status: RunStatus, stage: str, fresh: Made | None) -> Resource | None:
        """The StageRun as stored, or, when it is made in the same batch, as it will be."""
        if fresh is None or status.definition is None:
            return await self._stage_run(run, stage)
        if stage in fresh:
            return fresh[stage]
        binding = next(each for each in status.definition.spec.stage_bindings if each.stage_name == stage)
        return stage_runs.new_stage_run(run, status, binding)

    async def _stage_run(self, run: Resource, stage: str) -> Resource | None:
        try:
            return await self._store.get(stage_runs.stage_run_key(run, stage), recent=True)
        except NotFoundError:
            return None

    def _events(self, run: Resource, status: RunStatus, command: Command) -> list[Event]:
        if not isinstance(command, PublishEvent):
            return []
        return [emitted(self._instance, run, status, command, self._clock.now())]

    def _now(self) -> str:
        return rfc3339(self._clock.now())


def _in_turn(commands: Sequence[Command]) -> tuple[list[Command], list[Command], list[Command]]:
    """What may be written together: a stage that starts can be cancelled once that is written, and ends come last."""
    starting = {command.stage for command in commands if isinstance(command, StartStage)}
    then: list[Command] = [each for each in commands if isinstance(each, CancelStage) and each.stage in starting]
    last = [each for each in commands if _acknowledges(each)]
    return [each for each in commands if each not in then and each not in last], then, last


def _acknowledges(command: Command) -> bool:
    """Whether it ends a StageRun that was under way; one that never was tells of nothing again."""
    return isinstance(command, SettleStage) and command.phase is not StagePhase.SKIPPED


def emitted(instance: str, run: Resource, status: RunStatus, command: PublishEvent, now: datetime) -> Event:
    """What a stage emits, as it goes over the bus: its attributes, and whose they are."""
    metadata, strategy = run["metadata"], run["spec"]["strategy"]
    source = f"/{instance}/runs/{metadata['namespace']}/{metadata['name']}/{metadata['uid']}"
    known = {each.id: each.event or f"{source}#{each.id}" for each in status.events}
    data = {
        **command.attributes,
        "namespace": metadata["namespace"],
        "strategy": strategy,
        "strategyRun": metadata["name"],
        "contextID": status.context_id,
    }
    return Event(
        id=command.id,
        source=source,
        type=EVENT_TYPE,
        topic=command.topic,
        path=f"/{instance}/strategy/{strategy}/{status.context_id}",
        time=now,
        payload=orjson.dumps(data),
        context=status.context_id,
        causes=tuple(known.get(cause, cause) for cause in command.causes),
    )
