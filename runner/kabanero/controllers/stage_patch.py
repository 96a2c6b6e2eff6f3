"""A StageRun's status while it is about one attempt: as it is now, and some fields of it changed.

Used by who carries stages out. What is remembered of a StageRun may be from before its attempt began.
"""

from __future__ import annotations

from collections.abc import Mapping

from kabanero.controllers.stage_runs import condition, is_past
from kabanero.model.errors import ConflictError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key, Resource
from kabanero.ports import Store

CONFLICTS = 10


async def current(store: Store, stage_run: Resource) -> Resource:
    """The StageRun, of this attempt or a later one. Raises ConflictError where its attempt is not to be seen yet."""
    metadata, attempt = stage_run["metadata"], stage_run["status"]["attempt"]
    key = Key(STAGE_RUN.type, metadata["namespace"], metadata["name"])
    for recent in (True, False):
        now = await store.get(key, recent=recent)
        if (now.get("status") or {}).get("attempt", 0) >= attempt:
            return now
    raise ConflictError(f"attempt {attempt} of StageRun {metadata['name']} has not begun there")


async def patched(store: Store, stage_run: Resource, fields: Mapping[str, object]) -> Resource:
    """The StageRun as it is then; None removes a field. One that has ended, or is further on, stays as it is."""
    for _ in range(CONFLICTS):
        now = await current(store, stage_run)
        if is_past(now, stage_run["status"]["attempt"]):
            return now
        status = now["status"]
        merged = {key: value for key, value in {**status, **fields}.items() if value is not None}
        # Somebody else may have written this status.
        since = status.get("startTime") or now["metadata"]["creationTimestamp"]
        merged["conditions"] = [condition("Unknown", str(merged.get("reason") or "Running"), "", since)]
        if merged == status:
            return now
        try:
            return await store.update({**now, "status": merged}, status=True)
        except ConflictError:
            continue
    raise ConflictError(f"StageRun {stage_run['metadata']['name']} keeps changing")
