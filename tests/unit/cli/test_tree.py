"""The tree of a run: its shape from what set off what, and its drawing, against golden text."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from kabanero.cli.stagetree import RunView, StageView, run_view
from kabanero.cli.treeview import RunTree
from rich.console import Console

NOW = datetime(2026, 5, 1, 12, 1, tzinfo=UTC)
T0, T10, T40 = "2026-05-01T12:00:00Z", "2026-05-01T12:00:10Z", "2026-05-01T12:00:40Z"
SUCCESS = {"status": "Success"}


def binding(stage: str, *matches: dict[str, str], any_of: list[dict[str, str]] | None = None) -> dict[str, Any]:
    triggers: list[dict[str, Any]] = [{"match": match} for match in matches]
    if any_of:
        triggers.append({"anyOf": [{"match": match} for match in any_of]})
    return {"stageName": stage, "triggers": triggers, "emit": [{"name": stage, "status": "$stage_status"}]}


MAIN = [
    binding("build", {"name": "Start_build"}),
    binding("FVT", {"name": "build", **SUCCESS}),
    binding("SVT", {"name": "build", **SUCCESS}),
    binding("approval", {"name": "FVT", **SUCCESS}, {"name": "SVT", **SUCCESS}),
    binding("deploy", any_of=[{"name": "approval", **SUCCESS}, {"name": "Emergency_deploy"}]),
    binding("FVT_Error", {"name": "FVT", "status": "Failed"}),
]


def run(stages: dict[str, dict[str, Any]], events: list[dict[str, Any]], phase: str = "Running") -> dict[str, Any]:
    planned = [{"name": b["stageName"], "phase": "Waiting", **stages.get(b["stageName"], {})} for b in MAIN]
    status = {
        "phase": phase,
        "contextID": "ctx",
        "startTime": T0,
        "stages": planned,
        "events": events,
        "definition": {"spec": {"stageBindings": MAIN}},
    }
    return {"metadata": {"name": "main-7f3a"}, "spec": {"strategy": "main"}, "status": status}


def event(id: str, stage: str, name: str, status: str = "") -> dict[str, Any]:
    attributes = {"name": name} | ({"status": status} if status else {})
    return {"id": id, "stage": stage, "attributes": attributes}


def ran(phase: str, *causes: str, end: str | None = T40, **fields: Any) -> dict[str, Any]:
    times = {"startTime": T10, "completionTime": end} if end else {"startTime": T10}
    return {"phase": phase, "attempt": 1, "triggeredBy": list(causes), **times, **fields}


START = event("start", "", "Start_build")
BUILT = event("b", "build", "build", "Success")
HALF_WAY = run(
    {
        "build": ran("Succeeded", "start"),
        "FVT": ran("Succeeded", "b"),
        "SVT": ran("Running", "b", end=None),
    },
    [START, BUILT, event("f", "FVT", "FVT", "Success")],
)
SVT_AT_WORK = {"status": {"phase": "Running", "attempt": 1, "waitsOn": "Playbook", "progress": {"task": "Run load"}}}


def drawn(view: RunView, *, width: int = 90, encoding: str = "utf-8", **options: Any) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    Console(file=file, width=width, color_system=None).print(RunTree(view, **options))
    return "\n".join(line.rstrip() for line in raw.getvalue().decode(encoding).splitlines())


def view_of(run: dict[str, Any], **stage_runs: dict[str, Any]) -> RunView:
    return run_view(run, stage_runs, NOW)


HALF_WAY_DRAWN = """\
● main-7f3a  main  Running  1m00s
└─ ✔ build                      Succeeded  30.0s
   ├─ ✔ FVT                     Succeeded  30.0s
   │  └─ ○ FVT_Error            Waiting           waits for FVT
   └─ ● SVT                     Running    50.0s  Run load
      └─ ○ approval (with FVT)  Waiting           waits for SVT
         └─ ○ deploy            Waiting           waits for approval or event Emergency_d…"""
HALF_WAY_IN_ASCII = """\
* main-7f3a  main  Running  1m00s
`- + build                      Succeeded  30.0s
   |- + FVT                     Succeeded  30.0s
   |  `- . FVT_Error            Waiting           waits for FVT
   `- * SVT                     Running    50.0s  Run load
      `- . approval (with FVT)  Waiting           waits for SVT
         `- . deploy            Waiting           waits for approval or event Emergency_de"""


def test_stages_side_by_side_a_join_and_what_still_waits() -> None:
    assert drawn(view_of(HALF_WAY, SVT=SVT_AT_WORK)) == HALF_WAY_DRAWN


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    assert drawn(view_of(HALF_WAY, SVT=SVT_AT_WORK), encoding="ascii") == HALF_WAY_IN_ASCII


def test_a_stage_that_waits_for_a_person_stands_out() -> None:
    waiting = run({"build": ran("Running", "start", end=None)}, [START])
    asks = {"status": {"phase": "Running", "attempt": 1, "waitsOn": "Approval"}}
    assert "◆ build" in drawn(view_of(waiting, build=asks))


def test_a_stage_hangs_below_the_stage_that_really_set_it_off() -> None:
    events = [START, BUILT, event("e", "", "Emergency_deploy")]
    view = view_of(run({"deploy": ran("Running", "e", end=None)}, events))
    assert [stage.name for stage in view.stages] == ["build", "deploy"]


def test_what_failed_says_why_and_what_was_never_reached_is_skipped() -> None:
    failed = run(
        {
            "build": ran("Failed", "start", reason="TaskFailed", message="compile: exit 2"),
            "FVT": {"phase": "Skipped"},
        },
        [START],
        phase="Failed",
    )
    lines = drawn(view_of(failed)).splitlines()
    assert lines[1].endswith("Failed   30.0s  TaskFailed: compile: exit 2")
    assert "– FVT" in lines[2] and lines[2].endswith("was never triggered")


def test_a_later_attempt_is_counted_and_news_of_an_earlier_one_is_not_shown() -> None:
    second = run({"build": ran("Running", "start", end=None) | {"attempt": 2}}, [START])
    line = drawn(view_of(second, build=SVT_AT_WORK)).splitlines()[1]
    assert "Running (attempt 2)" in line
    assert "Run load" not in line


def test_a_hostile_name_can_not_reach_the_terminal() -> None:
    view = RunView("run", "main", "Running", "", "", "", stages=(StageView("\x1b[2Jx[red]y", "Running"),))
    text = drawn(view)
    assert "\\e[2Jx[red]y" in text
    assert "\x1b" not in text


def test_stages_that_go_round_in_a_circle_are_still_a_tree() -> None:
    circle = run({}, [])
    circle["status"]["definition"]["spec"]["stageBindings"] = [
        binding("build", {"name": "SVT", **SUCCESS}),
        binding("FVT", {"name": "build", **SUCCESS}),
        binding("SVT", {"name": "FVT", **SUCCESS}),
    ]
    assert {stage.name for stage in view_of(circle).all_stages()} == {b["stageName"] for b in MAIN}


@pytest.mark.parametrize(
    ("emit", "parent"),
    [
        ({"name": "Built_${stage_status}"}, "build"),
        ({"name": "Built_Success", "topic": "Integration"}, ""),
        ({"name": "Built_Success", "status": "$stage_status"}, "build"),
    ],
    ids=["its name tells the outcome", "it is for other strategies", "it says more than is asked for"],
)
def test_a_stage_hangs_below_whoever_could_send_what_it_waits_for(emit: dict[str, str], parent: str) -> None:
    waiting = run({}, [])
    bindings = [binding("build", {"name": "Start"}) | {"emit": [emit]}, binding("FVT", {"name": "Built_Success"})]
    waiting["status"] |= {
        "definition": {"spec": {"stageBindings": bindings}},
        "stages": [{"name": "build", "phase": "Waiting"}, {"name": "FVT", "phase": "Waiting"}],
    }
    above = {child.name: stage.name for stage in view_of(waiting).all_stages() for child in stage.children}
    assert above.get("FVT", "") == parent


def test_more_stages_than_lines_shows_what_is_under_way_first() -> None:
    done = tuple(StageView(f"done-{n}", "Succeeded") for n in range(50))
    view = RunView("run", "main", "Running", "", "", "", stages=(*done, StageView("busy", "Running")))
    text = drawn(view, height=10)
    assert len(text.splitlines()) <= 10
    assert "busy" in text and "more stages" in text


def test_a_run_that_the_runner_has_not_seen_yet_is_pending() -> None:
    fresh = {"metadata": {"name": "new"}, "spec": {"strategy": "main"}}
    assert drawn(run_view(fresh, {}, NOW)) == "○ new  main  Pending"
