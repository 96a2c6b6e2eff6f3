"""Cancels Tekton's runs, by what their own spec offers for that. Used by `awaiting`.

Only runs of Tekton are stopped: of other kinds nobody knows how, so they are left alone.
"""

from __future__ import annotations

import logging

from kabanero.controllers.following import every
from kabanero.model import tekton
from kabanero.model.errors import ConflictError, NotFoundError, PermanentError, TemporaryError
from kabanero.model.resource import Key, Resource
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import Clock, Store

log = logging.getLogger(__name__)
API_VERSION = "tekton.dev/v1"
LABEL_UID, LABEL_ATTEMPT = "kabanero.io/stage-run-uid", "kabanero.io/attempt"
RETRY_SECONDS = 1.0


class Stopping:
    """Outages are waited out: a wish to cancel is not lost with the API server for a while."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def stop(self, key: Key) -> bool:
        """Asks the run to end, `finally` tasks included; True when its end will come by itself, or has come."""
        if not tekton.is_run(key.type.api_version, key.type.kind):
            return False
        while True:
            try:
                await self._ask(await self._store.get(key))
                return True
            except NotFoundError:
                return False
            except ConflictError:
                continue
            except PermanentError as error:
                log.warning("%s can't be cancelled: %s", key, error)
                return False
            except TemporaryError as error:
                log.warning("%s can't be cancelled yet: %s", key, error)
                await self._clock.sleep(RETRY_SECONDS)

    async def _ask(self, run: Resource) -> None:
        if tekton.verdict(run) or run["spec"].get("status", "") in tekton.STOPPED_BY:
            return
        wanted = {**run["spec"], "status": tekton.CANCELLED_BY[run["kind"]]}
        await self._store.update({**run, "spec": wanted})

    async def stop_made_for(self, uid: str, attempt: int) -> None:
        """Stops the PipelineRuns that were made for this StageRun's attempt."""
        for key in await self.made_for(uid, attempt):
            await self.stop(key)

    async def made_for(self, uid: str, attempt: int) -> list[Key]:
        """The PipelineRuns that carry the labels of this StageRun's attempt, in any namespace."""
        labels = (Requirement(LABEL_UID, "=", (uid,)), Requirement(LABEL_ATTEMPT, "=", (str(attempt),)))
        while True:
            try:
                type = await self._store.find_type(API_VERSION, tekton.PIPELINE_RUN)
                found = [run async for run in every(self._store, type, Selector(labels=labels))] if type else []
                return [Key(type, run["metadata"]["namespace"], run["metadata"]["name"]) for run in found if type]
            except PermanentError as error:
                log.warning("Can't look for PipelineRuns of a stage that was broken off: %s", error)
                return []
            except TemporaryError as error:
                log.warning("Can't look for PipelineRuns of a stage that was broken off yet: %s", error)
                await self._clock.sleep(RETRY_SECONDS)
