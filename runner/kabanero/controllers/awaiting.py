"""From an object that a stage waits for to the stage's end: progress meanwhile, outputs and the cause of a failure.

Used by the stage_run controller when a playbook ended with `waiting_for`, and to stop the object when nobody waits for
it any more. What is known of Tekton is in `model.tekton`; other kinds have an end and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from kabanero.controllers.definitions import StageUnknownError, stage_of
from kabanero.controllers.failure_detail import FailureDetail, LogTail, no_log
from kabanero.controllers.object_end import ObjectEnd
from kabanero.controllers.object_watch import Attempt, ObjectWatch
from kabanero.controllers.stage_patch import patched
from kabanero.controllers.stage_runs import is_past
from kabanero.controllers.stopping import Stopping
from kabanero.engine.inputs import StageEnded
from kabanero.model import tekton
from kabanero.model.errors import KabaneroError, TemporaryError
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Key, Resource
from kabanero.model.tekton_results import outputs
from kabanero.ports import Clock, Store

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0


class Awaiting:
    """`show_after` and `show_every` (seconds) bound how often the progress of one stage is written."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        log_tail: LogTail = no_log,
        *,
        show_after: float = 2.0,
        show_every: float = 5.0,
    ) -> None:
        self._store, self._clock = store, clock
        self._show_after, self._show_every = show_after, show_every
        self._objects = ObjectWatch(store, clock)
        self._detail = FailureDetail(store, log_tail)
        self._stopping = Stopping(store, clock)
        self._held: dict[Attempt, Key] = {}

    async def ended(self, stage_run: Resource, stage: Resource | None = None) -> StageEnded:
        """Returns when the object has ended. `stage` is the stage's resource; looked up when it is left out."""
        namespace, waiting_for = stage_run["metadata"]["namespace"], stage_run["status"]["waitingFor"]
        attempt, shown = _attempt_of(stage_run), _Shown()
        showing = asyncio.get_running_loop().create_task(self._show(stage_run, shown))
        if key := await self._objects.key_of(namespace, waiting_for):
            self._held[attempt] = key
        try:
            seen = await self._objects.ended(namespace, waiting_for, shown.take, made_for=attempt)
        finally:
            self._held.pop(attempt, None)
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        return await self._told(stage_run, stage, seen)

    async def close(self) -> None:
        """Ends all watches; what is waited for is waited for again at the next start."""
        await self._objects.close()

    async def _told(self, stage_run: Resource, stage: Resource | None, seen: ObjectEnd) -> StageEnded:
        made: Mapping[str, Any] = {}
        message = seen.message
        if tekton.is_run(seen.resource.get("apiVersion", ""), seen.resource.get("kind", "")):
            made = outputs(seen.resource, await self._stage_spec(stage_run, stage))
            if seen.phase not in (StagePhase.SUCCEEDED, StagePhase.CANCELLED):
                failure = await self._detail.of(seen.resource)
                message = failure.message
                await self._note(stage_run, {"links": failure.links})
        return StageEnded(
            stage_run["spec"]["stageName"],
            stage_run["status"]["attempt"],
            seen.phase,
            seen.reason,
            message,
            {**(stage_run["status"].get("outputs") or {}), **made},
        )

    async def _stage_spec(self, stage_run: Resource, stage: Resource | None) -> Mapping[str, Any]:
        while stage is None:
            try:
                stage = await stage_of(self._store, stage_run["metadata"]["namespace"], stage_run["spec"]["stageRef"])
            except StageUnknownError:
                return {}
            except TemporaryError as error:
                log.warning("Can't look up the stage of %s yet: %s", stage_run["metadata"]["name"], error)
                await self._clock.sleep(RETRY_SECONDS)
        spec: Mapping[str, Any] = stage["spec"]
        return spec

    # --- letting go ---

    async def stop(self, stage_run: Resource) -> bool:
        """Cancels the object that the stage waits for; True when its end will come by itself."""
        waiting_for = stage_run["status"].get("waitingFor") or {}
        key = await self._objects.key_of(stage_run["metadata"]["namespace"], waiting_for)
        return await self._stopping.stop(key) if key else False

    async def left_behind(self, stage_run: Resource) -> Mapping[str, Any] | None:
        """What a playbook made for this attempt before its machine died, as it would have named it in `waiting_for`."""
        keys = await self._stopping.made_for(stage_run["metadata"]["uid"], stage_run["status"]["attempt"])
        if not keys:
            return None
        type, namespace, name = keys[0].type, keys[0].namespace, keys[0].name
        return {"apiVersion": type.api_version, "kind": type.kind, "name": name, "namespace": namespace}

    async def stop_left_behind(self, stage_run: Resource) -> None:
        """Cancels what a playbook that was broken off has made for this attempt, if anything."""
        await self._stopping.stop_made_for(stage_run["metadata"]["uid"], stage_run["status"]["attempt"])

    def abandoned(self, stage_run: Resource) -> list[tuple[int, Key]]:
        """Attempts and objects that are still waited for, though the stage has ended without them or is further on."""
        own = stage_run["metadata"]["uid"]
        held = [(attempt, key) for (uid, attempt), key in self._held.items() if uid == own]
        return [each for each in held if is_past(stage_run, each[0])]

    async def let_go(self, key: Key) -> None:
        """Cancels an object that nobody waits for any more."""
        await self._stopping.stop(key)

    # --- what people see meanwhile ---

    async def _show(self, stage_run: Resource, shown: _Shown) -> None:
        await self._clock.sleep(self._show_after)
        while True:
            await shown.changed.wait()
            shown.changed.clear()
            await self._note(stage_run, {"progress": shown.fields})
            await self._clock.sleep(self._show_every)

    async def _note(self, stage_run: Resource, fields: Mapping[str, Any]) -> None:
        """Adds to the status of the same attempt; what can't be written is only missed by people."""
        try:
            await patched(self._store, stage_run, fields)
        except KabaneroError as error:
            log.debug("%s of %s was not written: %s", ", ".join(fields), stage_run["metadata"]["name"], error)


def _attempt_of(stage_run: Resource) -> Attempt:
    return stage_run["metadata"]["uid"], stage_run["status"]["attempt"]


class _Shown:
    """The latest progress of one object."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.fields: dict[str, Any] = {}

    def take(self, resource: Resource) -> None:
        count = tekton.progress(resource) if resource.get("kind") == tekton.PIPELINE_RUN else None
        if count is None:
            return
        message = f"{count.done} of {count.total} tasks are done"
        fields = {"task": count.task, "done": count.done, "percent": count.percent, "message": message}
        if fields != self.fields:
            self.fields = fields
            self.changed.set()
