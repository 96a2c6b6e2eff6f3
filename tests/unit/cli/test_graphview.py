"""A strategy's graph drawn with characters, told as a list, and written as Mermaid."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.cli.explainview import broken
from kabanero.cli.graphlist import listed
from kabanero.cli.graphview import drawn
from kabanero.cli.mermaid import escaped, mermaid
from kabanero.cli.treeview import ASCII, UNICODE
from kabanero.engine.graph import Graph, graph_of
from kabanero.engine.inputs import StageEnded
from kabanero.engine.pinning import pin
from kabanero.model.kinds.runs import StagePhase
from rich.text import Text

from tests.unit.engine.test_explain import MAIN, Json, Run, binding, on

HOSTILE = '\x1b[2J\u202e"#;<script>`%%{init}%%|]-->\nend'


def graph(bindings: list[Json], **spec: Any) -> Graph:
    definition = {"metadata": {"name": "main"}, "spec": {"stageBindings": bindings, **spec}}
    return graph_of("main", pin("main", definition, {}).spec)


def text(lines: list[Text] | None) -> str:
    assert lines is not None
    return "\n".join(line.plain for line in lines)


def plain_list(graph: Graph) -> str:
    return text([piece for line in listed(graph) for piece in broken(line, 0, UNICODE)])


WHOLE = graph(MAIN, externalEvents=["Emergency_deploy"])
DRAWN = """\
                     ▶ Start_build
                           ▼
                   ╭───────────────╮
                   │ build         │
                   │ PlaybookStage │
                   ╰───────┬───────╯
                           │ Build=Success
           ┌───────────────┴───────────────┐
           ▼                               ▼
  ╭─────────────────╮              ╭───────────────╮
  │ FVT             │              │ SVT           │
  │ PlaybookStage   │              │ PlaybookStage │
  ╰─┬─────────────┬─╯              ╰───────┬───────╯
    │ FVT=Failed  │ FVT=Success            │ SVT=Success
    │             └──────────┐      ┌──────┘
    ▼                        ▼      ▼
╭───────────────╮     ╭────────────────────╮
│ FVT_Error     │     │ approval           │
│ PlaybookStage │     │ PlaybookStage      │
│ → FVT_Error   │     │ all of FVT=Success │
╰───────────────╯     │        SVT=Success │
                      ╰──────────┬─────────╯           ◇ Emergency_deploy
                                 │ Approval=Success             │
                                 └──────────┐       ┌───────────┘
                                            ▼       ▼
                                   ╭─────────────────────────╮
                                   │ deploy                  │
                                   │ PlaybookStage           │
                                   │ any of Approval=Success │
                                   │        Emergency_deploy │
                                   │ → deploy                │
                                   ╰─────────────────────────╯"""
LISTED = """\
build  PlaybookStage
    · waits for Start_build  ▶ starts a run
    · sends Build=Success → next

next  PlaybookStage
    · waits for Build=Success  from build
    ·       and Ok  ◇ comes from outside
    ·        or next=Failed  from next ↺
    · sends next=Failed → next"""


class TestDrawing:
    def test_branches_joins_alternatives_and_events_from_outside(self) -> None:
        assert text(drawn(WHOLE, UNICODE)) == DRAWN

    def test_where_it_is_too_wide_boxes_get_plainer(self) -> None:
        lines = drawn(WHOLE, UNICODE, 70)
        assert lines and max(line.cell_len for line in lines) <= 70
        assert "PlaybookStage" not in text(lines)

    def test_where_even_that_is_too_wide_there_is_none(self) -> None:
        assert drawn(WHOLE, UNICODE, 40) is None

    def test_a_chain_of_forty_stages_fits_any_terminal(self) -> None:
        chain = [MAIN[0], *(binding(f"s{n}", [on(f"s{n - 1}" if n else "Build", "Success")]) for n in range(39))]
        lines = drawn(graph(chain), UNICODE, 40)
        assert all(f"│ s{n} " in text(lines) for n in range(39))

    def test_a_stage_that_is_never_triggered_stands_out(self) -> None:
        found = text(drawn(graph([MAIN[0], MAIN[1], binding("lost", [on("Full_moon")])]), UNICODE))
        assert "✘ Full_moon" in found and "╎ ✘ never triggered ╎" in found

    def test_a_circle_is_told_in_the_box_that_it_leads_back_to(self) -> None:
        bindings = [binding("a", [{"anyOf": [on("Start"), on("b", "Failed")]}]), binding("b", [on("a")])]
        assert "│ ↺ b=Failed from b" in text(drawn(graph(bindings), UNICODE))

    def test_a_run_shows_phases_and_what_has_happened(self) -> None:
        run = Run(MAIN).hear(StageEnded("build", 1, StagePhase.SUCCEEDED))
        assert run.status.definition
        lines = drawn(graph_of("main-7", run.status.definition.spec, status=run.status), UNICODE)
        assert "│ ✔ build " in text(lines) and "│ ◌ FVT" in text(lines)
        event = next(line for line in lines or () if "Build=Success" in line.plain)
        assert "green" in {str(span.style) for span in event.spans}

    def test_ascii_where_there_is_nothing_else(self) -> None:
        assert text(drawn(WHOLE, ASCII, ascii=True)).isascii()

    def test_wide_characters_take_two_cells(self) -> None:
        lines = text(drawn(graph([binding("子供", [on("Start")])]), UNICODE)).splitlines()
        row = next(line for line in lines if "子供" in line)
        assert row.index("│", row.index("子")) - row.index("│") == len("─────────────────") - 3

    def test_a_hostile_name_can_not_reach_the_terminal(self) -> None:
        found = text(drawn(graph([binding(HOSTILE, [on("Start")]), binding("b", [on(HOSTILE)])]), UNICODE))
        assert not {"\x1b", "\u202e"} & set(found)

    def test_a_very_long_name_is_cut(self) -> None:
        lines = drawn(graph([binding("x" * 5000, [on("y" * 5000)])]), UNICODE, 80)
        assert lines and max(line.cell_len for line in lines) <= 80


class TestList:
    def test_says_for_every_stage_what_it_waits_for_and_leads_to(self) -> None:
        either = {"anyOf": [on("Ok"), on("next", "Failed")]}
        found = graph([MAIN[0], binding("next", [on("Build", "Success"), either])], externalEvents=["Ok"])
        assert plain_list(found) == LISTED

    def test_forty_stages_side_by_side_are_a_list(self) -> None:
        fan = [MAIN[0], *(binding(f"s{n}", [on("Build", "Success")]) for n in range(39))]
        assert drawn(graph(fan), UNICODE, 120) is None
        assert "sends Build=Success → s0, s1, s2" in plain_list(graph(fan))

    def test_a_hostile_name_can_not_reach_the_terminal(self) -> None:
        found = plain_list(graph([binding(HOSTILE, [on("Start")]), binding("b", [on(HOSTILE)])]))
        assert not {"\x1b", "\u202e"} & set(found)


class TestMermaid:
    def test_and_and_or_are_nodes_of_their_own(self) -> None:
        lines = mermaid(WHOLE).splitlines()
        ids = {stage.name: stage.id for stage in WHOLE.stages}
        approval, deploy, fvt = ids["approval"], ids["deploy"], ids["FVT"]
        assert lines[0] == "flowchart TD"
        assert f'    {approval}and{{{{"and"}}}} --> {approval}' in lines
        assert f'    {fvt} -->|"FVT=Success"| {approval}and' in lines
        assert f'    {deploy}or0{{{{"or"}}}} --> {deploy}' in lines
        assert f'    {approval} -->|"Approval=Success"| {deploy}or0' in lines

    def test_origins_and_phases_are_classes(self) -> None:
        run = Run(MAIN).hear(StageEnded("build", 1, StagePhase.SUCCEEDED))
        assert run.status.definition
        found = mermaid(graph_of("main-7", run.status.definition.spec, status=run.status)).splitlines()
        assert "    class s0 Succeeded" in found and "    class e0 first" in found
        assert '    s0 ==>|"Build=Success"| s1' in found

    @pytest.mark.parametrize("name", [HOSTILE, "end", "a|b", "[x](y)", "style:x#35;", "--> z", "1. build"])
    def test_a_name_is_only_text(self, name: str) -> None:
        found = escaped(name)
        assert not set(found) & set('"|[]<>{}`%:\x1b\u202e\n')
        assert found.replace("#8203;", "").count("#") == found.replace("#8203;", "").count(";")

    def test_a_name_like_the_beginning_of_a_list_is_none(self) -> None:
        assert escaped("1. build") == "#8203;1#46; build"
