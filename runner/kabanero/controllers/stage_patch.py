"""Changes some fields of a StageRun's status while it is about the same attempt. Used by who carries stages out."""

from __future__ import annotations

from collections.abc import Mapping

from kabanero.controllers.stage_runs import ENDED, condition
from kabanero.model.errors import ConflictError
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key, Resource
from kabanero.ports import Store

CONFLICTS = 10


async def patched(store: Store, stage_run: Resource, fields: Mapping[str, object]) -> Resource:
    """The StageRun as it is then; None removes a field. One that has ended, or is further on, stays as it is."""
    metadata, attempt = stage_run["metadata"], stage_run["status"]["attempt"]
    for _ in range(CONFLICTS):
        now = await store.get(Key(STAGE_RUN.type, metadata["namespace"], metadata["name"]), recent=True)
        status = now.get("status") or {}
        if status.get("attempt") != attempt or status.get("phase") in ENDED:
            return now
        merged = {key: value for key, value in {**status, **fields}.items() if value is not None}
        merged["conditions"] = [condition("Unknown", str(merged.get("reason") or "Running"), "", status["startTime"])]
        if merged == status:
            return now
        try:
            return await store.update({**now, "status": merged}, status=True)
        except ConflictError:
            continue
    raise ConflictError(f"StageRun {metadata['name']} keeps changing")
