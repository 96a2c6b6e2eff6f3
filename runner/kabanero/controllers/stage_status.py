"""Says in the status of every stage whether it can be carried out, and by what; if not, what is in the way.

People see it as READY in `kubectl get` before any run stumbles over it. A StageKind that comes, goes or changes is a
reason to look again at the stages beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kabanero.controllers.definitions import StagePlan, StageUnknownError, plan_of
from kabanero.controllers.following import every, follow
from kabanero.controllers.verdicts import ready_condition
from kabanero.model.errors import ConflictError, KabaneroError, NotFoundError
from kabanero.model.kinds.registry import KINDS, STAGE_KIND
from kabanero.model.resource import Resource, ResourceType
from kabanero.ports import Change, Clock, Store

log = logging.getLogger(__name__)
STAGE_TYPES = tuple(kind.type for kind in KINDS if kind.is_stage)
Objections = Callable[[str], tuple[str, str] | None]
"""Reason and message of why a playbook can't be carried out; None where nothing speaks against it."""
_BY = {
    "approval": "waits for a person's decision",
    "external": "carried out by a controller that watches StageRuns",
    "job": "carried out by a template of AWX",
}


class StageStatus:
    """Owns the status of stages of the built-in kinds."""

    def __init__(self, store: Store, clock: Clock, objections: Objections) -> None:
        self._store, self._clock, self._objections = store, clock, objections

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_kinds())
            for type in STAGE_TYPES:
                group.create_task(self._follow(type))

    async def _follow(self, type: ResourceType) -> None:
        async for change in follow(self._store, self._clock, type):
            if change.change in (Change.ADDED, Change.MODIFIED):
                await self._look_at(change.resource)

    async def _follow_kinds(self) -> None:
        listed = False
        async for change in follow(self._store, self._clock, STAGE_KIND.type):
            if change.change is Change.BOOKMARK:
                listed = True
            elif listed:  # Before, the stages themselves are looked at anyway.
                await self._look_at_all(change.resource["metadata"]["namespace"])

    async def _look_at_all(self, namespace: str) -> None:
        for type in STAGE_TYPES:
            async for stage in every(self._store, type, namespace=namespace):
                await self._look_at(stage)

    async def _look_at(self, stage: Resource) -> None:
        metadata = stage["metadata"]
        try:
            condition = ready_condition(stage, *await self._verdict(stage), self._clock.now())
            status = {"observedGeneration": metadata["generation"], "conditions": [condition]}
            if status != stage.get("status"):
                await self._store.update({**stage, "status": status}, status=True)
        except (ConflictError, NotFoundError):
            log.debug("%s %s changed meanwhile", stage["kind"], metadata["name"])
        except KabaneroError as error:
            log.warning("The status of %s %s can't be told: %s", stage["kind"], metadata["name"], error)

    async def _verdict(self, stage: Resource) -> tuple[bool, str, str]:
        ref = {"kind": stage["kind"], "name": stage["metadata"]["name"]}
        try:
            plan = await plan_of(self._store, stage["metadata"]["namespace"], ref)
        except StageUnknownError as error:
            return False, "NoPlaybook", str(error)
        return self._of_plan(plan)

    def _of_plan(self, plan: StagePlan) -> tuple[bool, str, str]:
        if plan.controller != "playbook":
            return True, "Ready", _BY[plan.controller]
        objection = self._objections(plan.playbook)
        return (False, *objection) if objection else (True, "Ready", f"carried out by playbook {plan.playbook}")
