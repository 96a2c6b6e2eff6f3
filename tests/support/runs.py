"""Starting a run by hand and looking at it, for end-to-end tests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.support.runner import API, Runner, resource

MERGE = "application/merge-patch+json"


def start(runner: Runner, strategy: str, **spec: Any) -> str:
    """Creates a StrategyRun; returns its name."""
    name = f"{strategy}-{uuid.uuid4().hex[:8]}"
    runner.apply(resource("StrategyRun", name, {"strategy": strategy, **spec}))
    return name


def get(runner: Runner, plural: str, name: str) -> dict[str, Any]:
    """One resource."""
    found: dict[str, Any] = runner.request("GET", f"{API}/{plural}/{name}")
    return found


def wait(read: Callable[[], Any], seconds: float = 60) -> Any:
    """Polls until `read` returns something true."""
    deadline = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
    return value


def ended(runner: Runner, run: str, seconds: float = 30) -> dict[str, Any]:
    """The run, once it has ended and its books are closed."""
    try:
        wait(lambda: get(runner, "strategyruns", run).get("status", {}).get("completionTime"), seconds)
    except AssertionError:
        raise AssertionError(f"still open: {get(runner, 'strategyruns', run)}") from None
    return get(runner, "strategyruns", run)


def stage_run(runner: Runner, run: str, stage: str) -> dict[str, Any]:
    """The StageRun of a stage."""
    items = runner.request("GET", f"{API}/stageruns?fieldSelector=spec.strategyRun={run},spec.stageName={stage}")[
        "items"
    ]
    return items[0] if items else {"status": {}}


def waits_on(runner: Runner, run: str, stage: str, what: str) -> dict[str, Any]:
    """The StageRun, once it waits on something."""
    return wait(lambda: (s := stage_run(runner, run, stage)).get("status", {}).get("waitsOn") == what and s)


def in_phase(runner: Runner, run: str, stage: str, phase: str) -> dict[str, Any]:
    """The StageRun, once it is in a phase."""
    return wait(lambda: (s := stage_run(runner, run, stage)).get("status", {}).get("phase") == phase and s)


def patch(runner: Runner, plural: str, name: str, spec: dict[str, Any]) -> None:
    """Changes a spec as kubectl patch does."""
    runner.request("PATCH", f"{API}/{plural}/{name}", {"spec": spec}, MERGE)


def phases(run: dict[str, Any]) -> dict[str, str]:
    """Phase of each stage of a run."""
    return {stage["name"]: stage.get("phase", "Waiting") for stage in run["status"]["stages"]}
