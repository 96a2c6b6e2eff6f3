"""The shape of a run: which stage hangs below which, and what each one waits for. Plain data in, plain data out.

A stage hangs below the stage whose event set it off; one that hasn't been set off below the last stage that it waits
for. So stages that run side by side stand side by side. Used by `treeview` to draw and by `watch` to tell changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kabanero.cli.text import one_line, span
from kabanero.engine.emitting import could_fit, fits

Json = dict[str, Any]
ENDED = frozenset({"Succeeded", "Failed", "Errored", "Cancelled", "TimedOut", "Skipped"})


@dataclass(frozen=True, slots=True)
class StageView:
    """What is shown of one stage. `asks`: it waits for a person. `detail` is one line, safe to print.

    `joins` are further stages that set it off, beside the one that it hangs below.
    """

    name: str
    phase: str
    attempt: int = 0
    reason: str = ""
    took: str = ""
    detail: str = ""
    asks: bool = False
    joins: tuple[str, ...] = ()
    children: tuple[StageView, ...] = ()


@dataclass(frozen=True, slots=True)
class RunView:
    """What is shown of a run; `stages` are the roots of the tree."""

    name: str
    strategy: str
    phase: str
    took: str
    summary: str
    context: str
    message: str = ""
    stages: tuple[StageView, ...] = ()

    def all_stages(self) -> Iterator[StageView]:
        """Every stage, parents before children."""
        todo = list(self.stages)
        while todo:
            stage = todo.pop(0)
            yield stage
            todo = [*stage.children, *todo]


def run_view(run: Json, stage_runs: Mapping[str, Json], now: datetime) -> RunView:
    """The view of a StrategyRun and its StageRuns (by stage name) at a time."""
    status = run.get("status") or {}
    condition: Json = next((c for c in status.get("conditions") or [] if c.get("type") == "Succeeded"), {})
    return RunView(
        name=str(run["metadata"]["name"]),
        strategy=str(run["spec"].get("strategy", "")),
        phase=str(status.get("phase") or "Pending"),
        took=span(status.get("startTime"), status.get("completionTime"), now),
        summary=one_line(status.get("summary", "")),
        context=one_line(status.get("contextID", "")),
        message=one_line(condition.get("message", "")),
        stages=_tree(status, stage_runs, now),
    )


def _tree(status: Json, stage_runs: Mapping[str, Json], now: datetime) -> tuple[StageView, ...]:
    links = _Links(status)
    below: dict[str, list[Json]] = {}
    for stage in links.stages:
        below.setdefault(links.parent(stage), []).append(stage)

    def view(stage: Json) -> StageView:
        children = tuple(view(child) for child in below.get(str(stage["name"]), []))
        return _stage_view(stage, stage_runs.get(str(stage["name"])) or {}, links, now, children)

    return tuple(view(stage) for stage in below.get("", []))


class _Links:
    """Who sets off whom in one run, from its events and its pinned definition."""

    def __init__(self, status: Json) -> None:
        self.stages: Sequence[Json] = status.get("stages") or []
        self._events = {str(event["id"]): event for event in status.get("events") or []}
        spec = (status.get("definition") or {}).get("spec") or {}
        self._bindings = {str(binding["stageName"]): binding for binding in spec.get("stageBindings") or []}
        self._order = {str(stage["name"]): place for place, stage in enumerate(self.stages)}
        self._parents: dict[str, str] = {}
        for stage in self.stages:
            self._parents[str(stage["name"])] = self._find_parent(stage)

    def parent(self, stage: Json) -> str:
        """The stage that it hangs below, empty for none."""
        return self._parents[str(stage["name"])]

    def joins(self, stage: Json) -> tuple[str, ...]:
        """The other stages that it came from, where it joins several."""
        before = dict.fromkeys(self.before(stage))
        needed = len(self._clauses(stage)) > 1
        return tuple(name for name in before if name and needed and name != self.parent(stage))

    def _find_parent(self, stage: Json) -> str:
        before = self.before(stage)
        known = [name for name in before if name in self._order and not self._is_below(name, str(stage["name"]))]
        return max(known, key=self._order.__getitem__, default="")

    def _is_below(self, name: str, ancestor: str) -> bool:
        """Whether `name` hangs below `ancestor` already: definitions may go round in circles, a tree may not."""
        while name:
            if name == ancestor:
                return True
            name = self._parents.get(name, "")
        return False

    def before(self, stage: Json) -> list[str]:
        """The stages whose events set it off, or could."""
        if causes := stage.get("triggeredBy"):
            return [str(self._events[cause].get("stage") or "") for cause in causes if cause in self._events]
        return [name for clause in self._clauses(stage) for match in clause for name in self._emitters(match)]

    def missing(self, stage: Json) -> list[str]:
        """What it still waits for: stages, else names of events."""
        unmet = [clause for clause in self._clauses(stage) if not any(self._happened(match) for match in clause)]
        return list(dict.fromkeys(self._source(clause) for clause in unmet))

    def _clauses(self, stage: Json) -> list[list[Json]]:
        triggers = (self._bindings.get(str(stage["name"])) or {}).get("triggers") or []
        return [
            [trigger["match"]] if trigger.get("match") else [entry["match"] for entry in trigger.get("anyOf") or []]
            for trigger in triggers
        ]

    def _emitters(self, match: Json) -> list[str]:
        return [
            name
            for name, binding in self._bindings.items()
            if any(could_fit(match, entry) for entry in binding.get("emit") or [])
        ]

    def _happened(self, match: Json) -> bool:
        return any(fits(match, event.get("attributes") or {}) for event in self._events.values())

    def _source(self, clause: Sequence[Json]) -> str:
        names = [name for match in clause for name in self._emitters(match) or [f"event {match.get('name', '?')}"]]
        return " or ".join(dict.fromkeys(names))


def _stage_view(
    stage: Json, stage_run: Json, links: _Links, now: datetime, children: tuple[StageView, ...]
) -> StageView:
    phase, live = str(stage.get("phase") or "Waiting"), stage_run.get("status") or {}
    current = live if live.get("attempt") == stage.get("attempt") else {}
    phase = "Running" if phase == "Triggered" and current.get("phase") == "Running" else phase
    asks = phase not in ENDED and current.get("waitsOn") == "Approval"
    return StageView(
        name=str(stage["name"]),
        phase=phase,
        attempt=int(stage.get("attempt") or 0),
        reason=str(stage.get("reason") or ""),
        took=span(stage.get("startTime"), stage.get("completionTime"), now),
        detail=_detail(stage, phase, current, links),
        asks=asks,
        joins=links.joins(stage),
        children=children,
    )


def _detail(stage: Json, phase: str, live: Json, links: _Links) -> str:
    if phase == "Waiting":
        missing = links.missing(stage)
        return one_line(f"waits for {', '.join(missing)}") if missing else ""
    if phase == "Skipped":
        return one_line(stage.get("message") or "was never triggered")
    if phase in ENDED:
        return _end(stage)
    return _doing(live)


def _end(stage: Json) -> str:
    reason, message = str(stage.get("reason") or ""), str(stage.get("message") or "")
    if stage.get("phase") == "Succeeded":
        return one_line(message)
    return one_line(": ".join(part for part in (reason, message) if part))


def _doing(live: Json) -> str:
    waits_on, progress = live.get("waitsOn"), live.get("progress") or {}
    if waits_on == "Approval":
        return one_line(live.get("message") or "waits for approval")
    if waits_on == "Object":
        thing = live.get("waitingFor") or {}
        return one_line(f"waits for {thing.get('kind', 'object')} {thing.get('name', '')}")
    percent = f"{progress['percent']}% " if progress.get("percent") is not None else ""
    doing = progress.get("message") or progress.get("task") or live.get("message") or ""
    if waits_on == "External" and not doing:
        return "in the hands of another controller"
    return one_line(f"{percent}{doing}")
