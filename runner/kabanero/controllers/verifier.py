"""The verifier: looks at every strategy as it is applied and writes what is wrong with it into its status.

People see it in `kubectl get strategydefinitions` and `kubectl describe` before any run stumbles over it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from kabanero.controllers.definitions import stages_of
from kabanero.controllers.following import every, follow, unreadable
from kabanero.controllers.verdicts import ready_condition
from kabanero.engine.pinning import pin
from kabanero.engine.verify import Finding, verify
from kabanero.model.errors import ConflictError, KabaneroError, NotFoundError
from kabanero.model.kinds.registry import BY_KIND, KINDS, STAGE_KIND, STRATEGY_DEFINITION
from kabanero.model.resource import Resource, ResourceType
from kabanero.ports import Change, Clock, Store

STAGE_TYPES = (STAGE_KIND.type, *(kind.type for kind in KINDS if kind.is_stage))
STAGE_KINDS = {kind.type.kind for kind in KINDS if kind.is_stage}
Stages = Mapping[tuple[str, str], Resource]
log = logging.getLogger(__name__)


class Verifier:
    """Owns StrategyDefinition.status."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_definitions())
            for type in STAGE_TYPES:
                group.create_task(self._follow_stages(type))

    async def _follow_definitions(self) -> None:
        async for change in follow(self._store, self._clock, STRATEGY_DEFINITION.type):
            if change.change is Change.ADDED:  # The stages beside it may have changed while nobody looked.
                await self._verify(change.resource)
            elif change.change is Change.MODIFIED:
                await self._attend(change.resource)

    async def _follow_stages(self, type: ResourceType) -> None:
        """A stage that comes, goes or changes may mend or break the strategies beside it."""
        listed = False
        async for change in follow(self._store, self._clock, type):
            if change.change is Change.BOOKMARK:
                listed = True
            elif listed:
                namespace = change.resource["metadata"]["namespace"]
                async for definition in every(self._store, STRATEGY_DEFINITION.type, namespace=namespace):
                    await self._verify(definition)

    async def _attend(self, definition: Resource) -> None:
        if (definition.get("status") or {}).get("observedGeneration") != definition["metadata"]["generation"]:
            await self._verify(definition)

    async def _verify(self, definition: Resource) -> None:
        with unreadable(definition):
            await self._verify_readable(definition, definition["metadata"]["name"])

    async def _verify_readable(self, definition: Resource, name: str) -> None:
        try:
            status = await self._verdict(definition)
            if status != definition.get("status"):
                await self._store.update({**definition, "status": status}, status=True)
        except (ConflictError, NotFoundError):
            log.debug("Strategy %s changed meanwhile", name)
        except KabaneroError as error:
            log.warning("Strategy %s was not verified: %s", name, error)

    async def _verdict(self, definition: Resource) -> Resource:
        namespace, stages = definition["metadata"]["namespace"], await stages_of(self._store, definition)
        kinds = {each["spec"]["kind"]: each async for each in every(self._store, STAGE_KIND.type, namespace=namespace)}
        known = {**await self._likely(namespace, definition, stages), **stages}
        findings = verify(definition, known, kinds=kinds)
        errors = [finding for finding in findings if finding.severity == "error"]
        return {
            "observedGeneration": definition["metadata"]["generation"],
            "digest": pin(definition["metadata"]["name"], definition, stages).digest,
            "problems": [str(finding) for finding in findings],
            "conditions": [self._ready(definition, errors)],
        }

    async def _likely(self, namespace: str, definition: Resource, stages: Stages) -> Stages:
        """Stages of the kinds of which one is missing, so that the one that was meant can be named."""
        found: dict[tuple[str, str], Resource] = {}
        refs = {(each["stageRef"]["kind"], each["stageRef"]["name"]) for each in definition["spec"]["stageBindings"]}
        for kind in {kind for kind, _ in refs - set(stages)} & STAGE_KINDS:
            async for each in every(self._store, BY_KIND[kind].type, namespace=namespace):
                found[kind, each["metadata"]["name"]] = each
        return found

    def _ready(self, definition: Resource, errors: Sequence[Finding]) -> dict[str, object]:
        message = str(errors[0]) + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "") if errors else ""
        return ready_condition(definition, not errors, "Mistakes" if errors else "Verified", message, self._clock.now())
