"""What the verifier says: a finding, and the path of events that leads to it. Made by all modules beside this one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]
ERROR: Severity = "error"
WARNING: Severity = "warning"
HEAD, TAIL = 3, 9
"""Steps of a long trail that are kept at its beginning and at its end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trail: events that happen, stages that run, or the gap behind which nothing goes on."""

    kind: Literal["event", "stage", "gap"]
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "gap":
            return "✗"
        return f"[{', '.join(self.names)}]" if self.kind == "stage" else " + ".join(self.names)


Trail = tuple[Step, ...]
GAP = Step("gap")


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake, or something that looks like one.

    `code` names the sort of mistake in one word for scripts, `place` is a field path in the resource, `stage` the stage
    that it is about, `trail` the events and stages that lead there from the start of a run.
    """

    severity: Severity
    code: str
    place: str
    reason: str
    fix: str = ""
    stage: str = ""
    trail: Trail = ()

    def __str__(self) -> str:
        path = f"; path: {self.path}" if self.trail else ""
        warning = "warning: " if self.severity == WARNING else ""
        return f"{warning}{self.place}: {self.reason}" + (f" ({self.fix})" if self.fix else "") + path

    @property
    def path(self) -> str:
        """The trail on one line, stages in brackets: `Start_build → [build] → Build Success`."""
        return " → ".join(map(str, self.trail)).replace(f"→ {GAP} →", str(GAP)).replace(f"{GAP} →", str(GAP))

    def as_json(self) -> dict[str, Any]:
        """For `-o json`; the trail as objects of kind and names."""
        trail = [{"kind": step.kind, "names": list(step.names)} for step in self.trail]
        about = {"stage": self.stage} if self.stage else {}
        rest = {"place": self.place, "reason": self.reason, "fix": self.fix, "trail": trail}
        return {"severity": self.severity, "code": self.code, **about, **rest}


def in_short(wanted: Mapping[str, str]) -> str:
    """An event in a trail: its name, then the values of what else it must have: `Build Success`."""
    rest = [value if name == "status" else f"{name}={value}" for name, value in wanted.items() if name != "name"]
    return " ".join([wanted.get("name", "*"), *rest])


def shortened(steps: Sequence[Step]) -> Trail:
    """A trail that a person can still read: of a long one its beginning and its end."""
    if len(steps) <= HEAD + TAIL + 1:
        return tuple(steps)
    return (*steps[:HEAD], Step("event", ("…",)), *steps[-TAIL:])


def in_words(wanted: Mapping[str, str]) -> str:
    """An event in a sentence: `Build with status Success`."""
    rest = ", ".join(f"{name} {value}" for name, value in wanted.items() if name != "name")
    name = wanted.get("name", "an event")
    return f"{name} with {rest}" if rest else name


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of the fields that they are about; of one field the errors first."""
    return sorted(findings, key=lambda each: (_steps(each.place), each.severity != ERROR))


def _steps(place: str) -> list[tuple[int, str]]:
    """A field path as something that sorts: `[10]` after `[9]`."""
    return [(int(index), "") if index else (0, name) for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", place)]
