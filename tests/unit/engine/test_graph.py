"""A strategy as a graph: who leads to whom by which event, what comes from outside, what never comes."""

from __future__ import annotations

from typing import Any

from kabanero.engine.graph import Graph, GraphStage, graph_of
from kabanero.engine.inputs import EventArrived
from kabanero.engine.pinning import pin
from kabanero.model.kinds.runs import StagePhase

from tests.unit.engine.test_explain import BAD, GOOD, MAIN, Json, Run, binding, on


def graph(bindings: list[Json], first: list[dict[str, str]] | None = None, **spec: Any) -> Graph:
    definition = {"metadata": {"name": "main"}, "spec": {"stageBindings": bindings, **spec}}
    return graph_of("main", pin("main", definition, {}).spec, first or [])


def of_run(run: Run) -> Graph:
    assert run.status.definition
    return graph_of("main-7", run.status.definition.spec, status=run.status)


def ways(graph: Graph) -> list[str]:
    names = {each.id: each.name for each in graph.stages} | {
        each.id: f"({each.origin} {each.text})" for each in graph.events
    }
    return [f"{names[edge.source]} -{edge.label}-> {names[edge.target]}" for edge in graph.edges]


def stage(graph: Graph, name: str) -> GraphStage:
    return next(each for each in graph.stages if each.name == name)


class TestStrategy:
    def test_events_lead_from_stage_to_stage(self) -> None:
        assert ways(graph(MAIN[:4])) == [
            "(first Start_build) -Start_build-> build",
            "build -Build=Success-> FVT",
            "build -Build=Success-> SVT",
            "FVT -FVT=Success-> approval",
            "SVT -SVT=Success-> approval",
        ]

    def test_entries_and_alternatives_are_kept_apart(self) -> None:
        assert stage(graph(MAIN), "approval").triggers == (("FVT=Success",), ("SVT=Success",))
        assert stage(graph(MAIN), "deploy").triggers == (("Approval=Success", "Emergency_deploy"),)

    def test_a_declared_event_comes_from_outside(self) -> None:
        found = graph(MAIN, externalEvents=["Emergency_deploy"])
        assert "(external Emergency_deploy) -Emergency_deploy-> deploy" in ways(found)

    def test_an_event_that_nobody_sends_is_missing_and_its_stage_never_triggered(self) -> None:
        found = graph([*MAIN[:4], binding("deploy", [on("deploy_approval", "Success")])])
        assert "(missing deploy_approval=Success) -deploy_approval=Success-> deploy" in ways(found)
        assert [each.name for each in found.stages if not each.reachable] == ["deploy"]

    def test_what_hangs_behind_it_is_never_triggered_either(self) -> None:
        found = graph([*MAIN[:3], binding("lost", [on("Full_moon")]), binding("after", [on("lost")])])
        assert [each.name for each in found.stages if not each.reachable] == ["lost", "after"]

    def test_the_trigger_says_what_starts_a_run(self) -> None:
        bindings = [*MAIN[:2], binding("nightly", [on("Midnight")])]
        found = graph(bindings, [{"name": "Start_build"}, {"name": "Midnight"}])
        assert [each.origin for each in found.events] == ["first", "first"]

    def test_without_a_trigger_the_event_that_leads_to_most_stages_starts_a_run(self) -> None:
        found = graph([binding("a", [on("Rare")]), *MAIN[:3]])
        assert {each.text: each.origin for each in found.events} == {"Rare": "missing", "Start_build": "first"}

    def test_the_first_stage_decides_where_the_strategy_says_one(self) -> None:
        found = graph([binding("a", [on("Rare")]), *MAIN[:3]], firstStage="a")
        assert {each.text: each.origin for each in found.events} == {"Rare": "first", "Start_build": "missing"}

    def test_a_trigger_whose_event_no_stage_awaits_does_not_hide_the_start(self) -> None:
        assert [each.origin for each in graph(MAIN[:1], [{"name": "Start_Build"}]).events] == ["first"]

    def test_a_circle_has_an_edge_that_leads_back(self) -> None:
        bindings = [
            binding("a", [{"anyOf": [on("Start"), on("c")]}]),
            binding("b", [on("a")]),
            binding("c", [on("b")]),
        ]
        assert [edge.label for edge in graph(bindings).edges if edge.back] == ["c"]

    def test_a_stage_that_waits_for_itself_leads_back_to_itself(self) -> None:
        found = graph([MAIN[0], binding("round", [on("round")])])
        assert [(edge.source, edge.target) for edge in found.edges if edge.back] == [("s1", "s1")]
        assert not stage(found, "round").reachable

    def test_events_that_no_stage_awaits_are_named(self) -> None:
        told = {"name": "Deploy", "status": "$stage_status"}
        assert stage(graph([binding("deploy", [on("Start")], told)]), "deploy").unheard == ("Deploy",)

    def test_an_event_for_other_strategies_leads_nowhere_in_this_one(self) -> None:
        told = {"name": "Build", "topic": "Integration_A"}
        found = graph([binding("build", [on("Start")], told), binding("next", [on("Build")])])
        assert "build -Build-> next" not in ways(found)
        assert stage(found, "build").unheard == ("Build, topic=Integration_A",)

    def test_what_bindings_inherit_from_their_stages_is_there(self) -> None:
        bare = {"stageName": "build", "stageRef": {"kind": "PlaybookStage", "name": "any"}}
        inherited = {"spec": {"triggers": [on("Start_it")], "emit": [{"name": "Done"}]}}
        definition = {"metadata": {"name": "main"}, "spec": {"stageBindings": [bare, binding("b", [on("Done")])]}}
        spec = pin("main", definition, {("PlaybookStage", "any"): inherited}).spec
        assert ways(graph_of("main", spec)) == ["(first Start_it) -Start_it-> build", "build -Done-> b"]


class TestRunGraph:
    def test_stages_have_their_phases(self) -> None:
        found = of_run(Run(MAIN).end("build"))
        assert (stage(found, "build").phase, stage(found, "FVT").phase) == (GOOD, StagePhase.TRIGGERED)

    def test_what_has_happened_is_marked(self) -> None:
        found = of_run(Run(MAIN).end("build").end("FVT", BAD))
        assert {edge.label for edge in found.edges if edge.happened} == {"Start_build", "Build=Success", "FVT=Failed"}

    def test_a_stage_that_can_not_be_triggered_any_more_is_told_apart_from_one_that_waits(self) -> None:
        found = of_run(Run(MAIN, externalEvents=["Emergency_deploy"]).end("build").end("FVT", BAD))
        assert [each.name for each in found.stages if not each.reachable] == ["approval"]

    def test_an_event_from_outside_that_came_counts(self) -> None:
        run = Run(MAIN, externalEvents=["Emergency_deploy"])
        run.hear(EventArrived("e1", {"name": "Emergency_deploy"}, "2026-05-01T12:00:00Z"))
        edge = next(each for each in of_run(run).edges if each.label == "Emergency_deploy")
        assert edge.happened


def test_of_starts_that_lead_equally_far_the_first_in_the_definition_counts() -> None:
    found = graph([binding("b", [on("Z")]), binding("a", [on("A")])])
    assert {each.text: each.origin for each in found.events} == {"Z": "first", "A": "missing"}


def test_a_strategy_that_nothing_starts_is_still_a_graph() -> None:
    assert ways(graph([binding("a", [on("b")]), binding("b", [on("a")])])) == ["b -b-> a", "a -a-> b"]
